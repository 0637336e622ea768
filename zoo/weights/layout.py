"""How PyTorch lays out the weights of a layer, and how Keras does. Imports no framework.

A kernel is (outputs, inputs, height, width) there and (height, width, inputs, outputs) here. A dense kernel is
transposed. Behind a Flatten its inputs come channel by channel there, and pixel by pixel here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.errors import WeightsError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Shape = tuple[int, ...]

CONVOLUTIONS = frozenset(
    f"{kind}{n}D{suffix}"
    for n in (1, 2, 3)
    for kind, suffix in (("Conv", ""), ("Conv", "Transpose"), ("SeparableConv", ""), ("DepthwiseConv", ""))
)
NORMALISATIONS = frozenset({"BatchNormalization", "LayerNormalization", "GroupNormalization"})
KNOWN = CONVOLUTIONS | NORMALISATIONS | {"Dense", "Embedding"}
# Layers that leave every number where it is, so that a Flatten before them still decides the order.
IN_PLACE = frozenset({"Dropout", "Activation", "ReLU", "LeakyReLU", "ELU", "Identity", *NORMALISATIONS})

# What PyTorch calls a variable of Keras'.
ROLES = {
    **dict.fromkeys(("kernel", "depthwise_kernel", "pointwise_kernel", "gamma", "embeddings"), "weight"),
    **dict.fromkeys(("bias", "beta"), "bias"),
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a Keras model, with what decides how PyTorch lays it out.

    Attributes:
        path: its name, `layer/kernel`.
        layer: the class of Keras' whose variable it is.
        flattened: the (…, channels) that a Flatten before the layer makes one axis of; None without one.
        epsilon: of a batch normalisation.
    """

    path: str
    shape: Shape
    layer: str
    flattened: Shape | None = None
    epsilon: float | None = None

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]

    @property
    def role(self) -> str | None:
        """Its name in PyTorch; None where PyTorch has no such thing."""
        return ROLES.get(self.name) if self.layer in KNOWN else None

    @property
    def torch_shape(self) -> Shape:
        """The shape that it has in PyTorch."""
        if _is_depthwise(self):
            *kernel, channels, multiplier = self.shape
            return (channels * multiplier, 1, *kernel)
        if _is_kernel(self):
            *kernel, inputs, outputs = self.shape  # of a transposed convolution the other way round, in both
            return (outputs, inputs, *kernel)
        return self.shape


def from_torch(array: Array, variable: Variable) -> Array:
    """An array of PyTorch's as Keras lays it out.

    :param array: has the shape `variable.torch_shape`.
    :raises WeightsError: of a layer whose layout isn't known; to stand after the name of the array.
    """
    spatial = range(2, len(variable.shape))
    if _is_depthwise(variable):
        *kernel, channels, multiplier = variable.shape
        return array.reshape(channels, multiplier, *kernel).transpose(*spatial, 0, 1)
    if _is_kernel(variable):
        if variable.layer == "Dense" and variable.flattened is not None:
            return _pixel_by_pixel(array.T, variable.flattened)
        return array.transpose(*spatial, 1, 0)
    if len(variable.shape) > 1 and variable.layer != "Embedding":
        raise WeightsError(
            f"is for {variable.path} of a {variable.layer}, whose layout in PyTorch isn't known; "
            'say in the map how its axes are permuted: {"to": "…", "axes": [1, 0]}'
        )
    if variable.layer in NORMALISATIONS and variable.flattened is not None:
        return _pixel_by_pixel(array, variable.flattened)
    return array


def _pixel_by_pixel(array: Array, flattened: Shape) -> Array:
    """The same with its first axis in Keras' order, where it goes channel by channel."""
    *pixels, channels = flattened
    rest = array.shape[1:]
    parts = array.reshape(channels, math.prod(pixels), *rest)
    return parts.swapaxes(0, 1).reshape(-1, *rest)


def _is_depthwise(variable: Variable) -> bool:
    by_layer = variable.layer.startswith("DepthwiseConv") and variable.name == "kernel"
    return variable.layer in CONVOLUTIONS and (by_layer or variable.name == "depthwise_kernel")


def _is_kernel(variable: Variable) -> bool:
    return variable.layer in CONVOLUTIONS | {"Dense"} and variable.name in ("kernel", "pointwise_kernel")


def variables_of(model: Any) -> list[Variable]:
    """The variables of a Keras model, in its order.

    :raises WeightsError: if two have one path.
    """
    owners: dict[int, Any] = {}
    for layer in model._flatten_layers():  # a layer comes before those within it, whose variables are theirs
        owners.update(dict.fromkeys(map(id, layer.weights), layer))
    found = [_variable(variable, owners[id(variable)]) for variable in model.weights]
    if len({variable.path for variable in found}) < len(found):
        raise WeightsError(f"{model.name} has two variables of one path; name its layers apart")
    return found


def _variable(variable: Any, layer: Any) -> Variable:
    kinds = [kind.__name__ for kind in type(layer).__mro__ if kind.__module__.startswith("keras.")]
    kind = next((kind for kind in kinds if kind in KNOWN), type(layer).__name__)
    return Variable(
        path=variable.path,
        shape=tuple(variable.shape),
        layer=kind,
        flattened=_flattened(layer),
        epsilon=float(layer.epsilon) if kind == "BatchNormalization" else None,
    )


def _flattened(layer: Any) -> Shape | None:
    """The shape, without the batch, that a Flatten has made one axis of before the layer."""
    try:
        while True:
            layer = layer.input._keras_history.operation
            kind = type(layer).__name__
            if kind == "Flatten" or (kind == "Reshape" and len(layer.output.shape) == 2):
                shape = tuple(layer.input.shape[1:])
                return shape if len(shape) > 1 else None
            if kind not in IN_PLACE:
                return None
    except (AttributeError, ValueError):  # called several times, or on several tensors
        return None
