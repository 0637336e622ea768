"""What a model costs by its structure: parameters and multiply-accumulates (MACs), layer by layer.

MACs are those of convolutions and dense layers, for one image. FLOPs = 2 × MACs. Published figures differ by a factor
of two for want of saying which. Biases, batch normalisation, pooling and element-wise work are not counted, and a
summary names the layers left out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

Shape = tuple[int | None, ...]

ITEM_BYTES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2, "int64": 8, "int32": 4, "int8": 1}


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One layer of a functional model.

    Attributes:
        name, type: the layer's name and class.
        inputs: names of the layers whose output it takes.
        output_shape: of one image, without the batch axis.
        parameters: all of its parameters.
        trainable_parameters: those that training changes.
        macs: for one image, over all of its calls; 0 where it has none to count, None where that isn't known.
    """

    name: str
    type: str
    inputs: tuple[str, ...]
    output_shape: Shape
    parameters: int
    trainable_parameters: int
    macs: int | None


@dataclass(frozen=True, slots=True)
class Cost:
    """A model's cost: its layers in topological order and their sums.

    Attributes:
        weights_bytes: of all parameters in memory, at the types they are kept in.
        not_counted: how many layers of each type do work that is not in `macs`.
    """

    layers: tuple[LayerCost, ...]
    parameters: int
    trainable_parameters: int
    macs: int
    weights_bytes: int
    not_counted: dict[str, int]

    @property
    def flops(self) -> int:
        """Floating-point operations: two for each MAC."""
        return 2 * self.macs


def cost(model: keras.Model) -> Cost:
    """The cost of a functional model for one image, at its declared input shape."""
    layers = tuple(_layers(model))
    return Cost(
        layers=layers,
        parameters=_size(model.weights),
        trainable_parameters=_size(model.trainable_weights),
        macs=sum(layer.macs or 0 for layer in layers),
        weights_bytes=sum(math.prod(v.shape) * ITEM_BYTES[v.dtype] for v in model.weights),
        not_counted=dict(Counter(x.type for x in layers if not x.macs and x.type not in _NO_WORK)),
    )


def _layers(model: keras.Model) -> Iterator[LayerCost]:
    model = _as_functional(model)
    operations = {operation.name: operation for operation in model.operations}
    for layer_config in model.get_config()["layers"]:
        layer = operations[layer_config["name"]]
        # One node for each call of the layer; each holds the tensors it was called on.
        calls = [list(_tensors(node)) for node in layer_config["inbound_nodes"]]
        inputs = dict.fromkeys(tensor["keras_history"][0] for call in calls for tensor in call)
        yield LayerCost(
            name=layer.name,
            type=type(layer).__name__,
            inputs=tuple(inputs),
            output_shape=_output_shape(layer, calls),
            parameters=_size(getattr(layer, "weights", ())),
            trainable_parameters=_size(getattr(layer, "trainable_weights", ())),
            macs=_macs(layer, calls),
        )


def _as_functional(model: Any) -> Any:
    """The model itself, or the functional model of a Sequential one's layers."""
    if hasattr(model, "operations"):
        return model
    import keras

    return keras.Model(model.inputs, model.outputs)


def _tensors(value: Any) -> Iterator[dict[str, Any]]:
    """The Keras tensors in a serialised call, however deep they lie."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            yield value["config"]
        else:
            for item in value.values():
                yield from _tensors(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)


def _output_shape(layer: Any, calls: Sequence[Sequence[dict[str, Any]]]) -> Shape:
    if len(calls) > 1:
        return tuple(layer.compute_output_shape(tuple(calls[0][0]["shape"])))[1:]
    output = layer.output
    first = output[0] if isinstance(output, (list, tuple)) else output
    return tuple(first.shape)[1:]


def _macs(layer: Any, calls: Sequence[Sequence[dict[str, Any]]]) -> int | None:
    if hasattr(layer, "layers"):  # a model used as a layer
        inner = [x.macs for x in _layers(layer)]
        return None if None in inner else len(calls) * sum(m for m in inner if m is not None)
    if not type(layer).__module__.startswith("keras."):
        return None
    if count := _COUNTS.get(type(layer).__name__):
        shapes = [tuple(call[0]["shape"]) for call in calls]
        return sum(count(layer, s, tuple(layer.compute_output_shape(s))) for s in shapes)
    return 0


def _conv(layer: Any, inputs: Shape, outputs: Shape) -> int:
    channels = _channels(layer, inputs) // layer.groups
    return int(_positions(layer, outputs) * layer.filters * channels * math.prod(layer.kernel_size))


def _conv_transpose(layer: Any, inputs: Shape, _: Shape) -> int:
    channels = _channels(layer, inputs)
    return int(_positions(layer, inputs) * layer.filters * channels * math.prod(layer.kernel_size))


def _depthwise(layer: Any, inputs: Shape, outputs: Shape) -> int:
    filters = _channels(layer, inputs) * layer.depth_multiplier
    return int(_positions(layer, outputs) * filters * math.prod(layer.kernel_size))


def _separable(layer: Any, inputs: Shape, outputs: Shape) -> int:
    depthwise = _depthwise(layer, inputs, outputs)
    between = _channels(layer, inputs) * layer.depth_multiplier
    return int(depthwise + _positions(layer, outputs) * between * layer.filters)


def _dense(layer: Any, inputs: Shape, _: Shape) -> int:
    return int(math.prod(_known(inputs[1:])) * layer.units)


def _positions(layer: Any, shape: Shape) -> int:
    spatial = shape[1:-1] if layer.data_format == "channels_last" else shape[2:]
    return math.prod(_known(spatial))


def _channels(layer: Any, shape: Shape) -> int:
    axis = -1 if layer.data_format == "channels_last" else 1
    return _known(shape[axis : axis + 1 or None])[0]


def _known(shape: Shape) -> tuple[int, ...]:
    return tuple(size or 1 for size in shape)


_COUNTS: dict[str, Callable[[Any, Shape, Shape], int]] = {
    "Conv1D": _conv,
    "Conv2D": _conv,
    "Conv3D": _conv,
    "Conv1DTranspose": _conv_transpose,
    "Conv2DTranspose": _conv_transpose,
    "Conv3DTranspose": _conv_transpose,
    "DepthwiseConv1D": _depthwise,
    "DepthwiseConv2D": _depthwise,
    "SeparableConv1D": _separable,
    "SeparableConv2D": _separable,
    "Dense": _dense,
}

# Layers that compute nothing at inference; all others that count no MACs are named as not counted.
_NO_WORK = frozenset(
    {
        *("InputLayer", "Identity", "Flatten", "Reshape", "Concatenate", "ZeroPadding2D", "Cropping2D"),
        *("Dropout", "SpatialDropout2D", "GaussianNoise"),
    }
)


def _size(variables: Sequence[Any]) -> int:
    return sum(math.prod(variable.shape) for variable in variables)
