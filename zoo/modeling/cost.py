"""What a model costs by its structure: parameters and multiply-accumulates (MACs), layer by layer.

MACs are those of products of matrices (`zoo.modeling.products`), for one image, at the shapes on which the layers are
really called. FLOPs = 2 × MACs. Published figures differ by a factor of two for want of saying which. Biases, batch
normalisation, pooling and element-wise work are not counted, and a summary names those layers. A layer that may
multiply in a way that cannot be seen makes the sum a lower bound, and is named as left out.
"""

from __future__ import annotations

import inspect
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.modeling.graph import sources
from zoo.modeling.products import Count, Shape, count, keras_class
from zoo.record.cost import LayerCost

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class Cost:
    """A model's cost: its layers in topological order and their sums.

    Attributes:
        weights_bytes: of all parameters in memory, at the types they are kept in.
        not_counted: how many layers of each type do work that is not in `macs`, and don't multiply matrices.
        macs_left_out: names of the layers that may multiply and are not in `macs`, which is then a lower bound.
    """

    layers: tuple[LayerCost, ...]
    parameters: int
    trainable_parameters: int
    macs: int
    weights_bytes: int
    not_counted: dict[str, int]
    macs_left_out: tuple[str, ...] = ()

    @property
    def flops(self) -> int:
        """Floating-point operations: two for each MAC."""
        return 2 * self.macs


def cost(model: keras.Model) -> Cost:
    """The cost of a functional model for one image, at its declared input shape."""
    import numpy as np

    layers = tuple(_layers(model))
    return Cost(
        layers=layers,
        parameters=_size(model.weights),
        trainable_parameters=_size(model.trainable_weights),
        macs=sum(layer.macs or 0 for layer in layers),
        weights_bytes=sum(math.prod(v.shape) * np.dtype(v.dtype).itemsize for v in model.weights),
        not_counted=dict(Counter(x.type for x in layers if x.macs == 0 and x.type not in _NO_WORK)),
        macs_left_out=tuple(name for layer in layers for name in layer.left_out),
    )


def _layers(model: keras.Model) -> Iterator[LayerCost]:
    model = _as_functional(model)
    calls = _calls(model, model.inputs)
    inputs = sources(model)
    for layer in model.operations:
        counts = [call.count for call in calls.get(id(layer), ())]
        total = sum(counts, Count())
        yield LayerCost(
            name=layer.name,
            type=type(layer).__name__,
            inputs=inputs[layer.name],
            output_shape=calls[id(layer)][0].output[1:] if counts else _first(layer.output)[1:],
            parameters=_size(getattr(layer, "weights", ())),
            trainable_parameters=_size(getattr(layer, "trainable_weights", ())),
            macs=None if total.left_out and not total.macs else total.macs,
            left_out=total.left_out,
        )


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of a layer, with the shape of its (first) output."""

    count: Count
    output: Shape


def _calls(model: Any, inputs: Any) -> dict[int, list[_Call]]:
    """Every call that a functional model makes on such inputs, by the `id` of what is called.

    :param inputs: symbolic tensors; sizes that are open in the model are theirs.
    """
    calls: dict[int, list[_Call]] = {}

    def watched(operation: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            output = operation.compute_output_spec(*args, **kwargs)
            found = _Call(_count(operation, args, kwargs, output), _first(output))
            calls.setdefault(id(operation), []).append(found)
            return output

        return call

    model._run_through_graph(inputs, operation_fn=watched)
    return calls


def _count(operation: Any, args: Sequence[Any], kwargs: Mapping[str, Any], output: Any) -> Count:
    if is_model(operation):
        return _inside(operation, args[0] if args else next(iter(kwargs.values())))
    try:
        given = inspect.signature(operation.call).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):  # a call of an unusual make
        return Count(left_out=(operation.name,))
    arguments = {name: _shapes(value) for name, value in given.items()}
    return count(operation, arguments, _first(output), _wrapped)


def _inside(model: Any, inputs: Any) -> Count:
    """Of a model that is used as a layer, on such inputs."""
    try:
        calls = _calls(_as_functional(model), inputs)
    except Exception:  # what is left of a model whose shapes can't be followed is for its author to say
        return Count(left_out=(model.name,))
    return sum((call.count for found in calls.values() for call in found), Count()).within(model.name)


def _wrapped(layer: Any, shape: Shape) -> Count:
    """Of a layer that another one wraps, on an input of that shape."""
    import keras

    tensor = keras.KerasTensor(shape)
    try:
        output = layer.compute_output_spec(tensor)
    except Exception:  # as above
        return Count(left_out=(layer.name,))
    return _count(layer, [tensor], {}, output)


def is_model(operation: Any) -> bool:
    """Whether it is a functional or sequential model, which computes by its graph and nothing else."""
    kind = keras_class(operation)
    return kind is not None and kind.__name__ in ("Functional", "Sequential")


def _as_functional(model: Any) -> Any:
    """The model itself, or the functional model of a Sequential one's layers."""
    if hasattr(model, "operations"):
        return model
    import keras

    return keras.Model(model.inputs, model.outputs)


def _shapes(value: Any) -> Any:
    """The same with shapes in the place of tensors."""
    if isinstance(value, dict):
        return {name: _shapes(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shapes(item) for item in value]
    return tuple(value.shape) if hasattr(value, "shape") else value


def _first(output: Any) -> Shape:
    """The shape of an operation's output, or of the first of several."""
    while isinstance(output, (list, tuple, dict)):
        output = next(iter(output.values() if isinstance(output, dict) else output))
    return tuple(output.shape)


# Layers that compute nothing at inference; all others that count no MACs are named as not counted.
_NO_WORK = frozenset(
    {
        *("InputLayer", "Identity", "Flatten", "Reshape", "Concatenate", "ZeroPadding2D", "Cropping2D"),
        *("Dropout", "SpatialDropout2D", "GaussianNoise"),
    }
)


def _size(variables: Sequence[Any]) -> int:
    return sum(math.prod(variable.shape) for variable in variables)
