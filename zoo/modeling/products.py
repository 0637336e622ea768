"""How many multiply-accumulates (MACs) a layer takes for one image, from its weights and the shapes it is called on.

Counted are products of matrices: convolutions, dense and einsum layers, recurrent cells, attention, and the wrappers
around them. What computes in a way that cannot be seen here is named instead, so that no figure looks whole that isn't.
Layers are told by their class; this module imports no framework.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Shape = tuple[int | None, ...]
Arguments = Mapping[str, Any]  # of a call, by name: shapes where there were tensors


@dataclass(frozen=True, slots=True)
class Count:
    """What was counted.

    Attributes:
        macs: for one image, of what could be counted.
        left_out: the layers that may multiply and could not be counted, by name; those inside another as `outer/inner`.
    """

    macs: int = 0
    left_out: tuple[str, ...] = ()

    def __add__(self, other: Count) -> Count:
        return Count(self.macs + other.macs, tuple(dict.fromkeys((*self.left_out, *other.left_out))))

    def times(self, number: int) -> Count:
        """The same, so many times."""
        return Count(number * self.macs, self.left_out)

    def within(self, name: str) -> Count:
        """The same, as a part of the layer of that name."""
        return Count(self.macs, tuple(f"{name}/{inner}" for inner in self.left_out))


class UnknownSizeError(Exception):
    """A size that decides the count is open."""


def count(operation: Any, arguments: Arguments, output: Shape, inside: Callable[[Any, Any], Count]) -> Count:
    """Count one call.

    :param arguments: by the names that the operation's `call` has for them.
    :param output: the shape of the (first) output, the batch axis included.
    :param inside: counts a layer that this one wraps, called on an input of the given shape.
    """
    left_out = Count(left_out=(operation.name,))
    kind = keras_class(operation)
    if kind is None:
        return left_out
    try:
        if (wrapped := _WRAPPERS.get(kind.__name__)) is not None:
            return wrapped(operation, arguments, inside).within(operation.name)
        counts = _OPERATION_COUNTS if kind.__module__.startswith(_OPERATIONS) else _COUNTS
        if (counted := counts.get(kind.__name__)) is not None:
            return Count(counted(operation, arguments, output))
    except (AttributeError, KeyError, TypeError, UnknownSizeError):  # open sizes, or a layer of an unusual make
        return left_out
    return Count() if _multiplies_nothing(kind) else left_out


def keras_class(operation: Any) -> type | None:
    """The class of Keras' own that the operation computes as; None if that is for its own class to say."""
    lineage = type(operation).__mro__
    ours = next((cls for cls in lineage if cls.__module__.startswith("keras.")), None)
    if ours is None:
        return None
    changed: set[str] = set().union(*(vars(cls) for cls in lineage[: lineage.index(ours)]))
    changed = {name for name in changed if not name.startswith("__") or name == "__call__"}
    return None if (changed & set(dir(ours))) - _HARMLESS else ours


# What a subclass may define for itself and still multiply as its parent does.
_HARMLESS = frozenset(
    {
        *("get_config", "from_config", "build", "compute_output_shape", "compute_output_spec"),
        *("train_step", "test_step", "predict_step", "compute_loss", "compute_metrics", "metrics"),  # of training
        "_abc_impl",  # Python's
    }
)


def _multiplies_nothing(kind: type) -> bool:
    module, name = kind.__module__, kind.__name__
    if module.startswith(_OPERATIONS):
        return not module.startswith(f"{_OPERATIONS}linalg") and name not in _OPERATIONS_LEFT_OUT
    return module.startswith(_NO_PRODUCTS) and name not in _LAYERS_LEFT_OUT


_OPERATIONS = "keras.src.ops."
_OPERATIONS_LEFT_OUT = frozenset(
    {
        # other products than are counted here …
        *("Conv", "ConvTranspose", "DepthwiseConv", "SeparableConv", "DotProductAttention", "Correlate", "CDist"),
        *("Dot", "Tensordot", "Inner", "Outer", "Vdot", "Kron", "Cross"),
        *("FFT", "FFT2", "IFFT2", "RFFT", "IRFFT", "STFT", "ISTFT"),
        # … and what calls a function of somebody else's
        *("AssociativeScan", "Cond", "ForiLoop", "Map", "Scan", "Switch", "Vectorize", "VectorizedMap", "WhileLoop"),
    }
)
_NO_PRODUCTS = tuple(
    f"keras.src.layers.{group}"
    for group in (
        *("activations.", "merging.", "normalization.", "pooling.", "preprocessing.", "regularization.", "reshaping."),
        *("core.embedding", "core.identity", "core.input_layer", "core.masking"),
    )
)
_LAYERS_LEFT_OUT = frozenset(("FeatureSpace", "MelSpectrogram", "Pipeline", "STFTSpectrogram"))


def _size(shape: Sequence[int | None]) -> int:
    if None in shape:
        raise UnknownSizeError
    return math.prod(size for size in shape if size is not None)


def _of_one(shape: Shape) -> tuple[int | None, ...]:
    """The shape for one image: an open first axis is the batch's."""
    return (1, *shape[1:]) if shape and shape[0] is None else shape


def _positions(layer: Any, shape: Shape) -> int:
    return _size(shape[1:-1] if layer.data_format == "channels_last" else shape[2:])


def _only(arguments: Arguments) -> Shape:
    """The shape of the tensor that the call is made on."""
    shape: Shape = next(iter(arguments.values()))
    return shape


def _weights(*variables: Any) -> int:
    return sum(math.prod(variable.shape) for variable in variables)


def _conv(layer: Any, _: Arguments, output: Shape) -> int:
    return _positions(layer, output) * _weights(layer.kernel)


def _conv_transpose(layer: Any, arguments: Arguments, _: Shape) -> int:
    return _positions(layer, _only(arguments)) * _weights(layer.kernel)


def _separable(layer: Any, _: Arguments, output: Shape) -> int:
    return _positions(layer, output) * _weights(layer.depthwise_kernel, layer.pointwise_kernel)


def _dense(layer: Any, arguments: Arguments, _: Shape) -> int:
    return _size(_only(arguments)[1:]) * int(layer.units)


def _einsum_dense(layer: Any, arguments: Arguments, _: Shape) -> int:
    return einsum_macs(layer.equation, [_only(arguments), tuple(layer.kernel.shape)])


def _einsum(operation: Any, arguments: Arguments, _: Shape) -> int:
    return einsum_macs(operation.subscripts, list(arguments["operands"]))


def einsum_macs(equation: str, shapes: Sequence[Shape]) -> int:
    """The product of the sizes of all axes: what a plain loop over the sum multiplies. An open first axis counts 1."""
    terms = equation.replace(" ", "").partition("->")[0].split(",")
    sizes: dict[str, int | None] = {}
    for term, shape in zip(terms, map(_of_one, shapes), strict=True):
        before, dots, after = term.partition("...")
        spread = len(shape) - len(before) - len(after) if dots else 0
        # axes that "..." stands for are the same in all terms, counted from the right
        labels = [*before, *(f"...{i}" for i in range(spread, 0, -1)), *after]
        for label, size in zip(labels, shape, strict=True):
            if sizes.get(label, 1) == 1:
                sizes[label] = size
    return _size(tuple(sizes.values()))


def _matmul(_: Any, arguments: Arguments, output: Shape) -> int:
    return _size(_of_one(output)) * _size(arguments["x1"][-1:])


def _dot(layer: Any, arguments: Arguments, output: Shape) -> int:
    first, _ = next(iter(arguments.values()))
    axis = layer.axes if isinstance(layer.axes, int) else layer.axes[0]
    return _size(output[1:]) * _size((first[axis],))


def _recurrent(layer: Any, arguments: Arguments, output: Shape) -> int:
    steps = _size(_only(arguments)[1:2])
    places = 1
    if type(layer.cell).__name__ == "ConvLSTMCell":
        space = output[2:] if layer.return_sequences else output[1:]
        places = _size(space[:-1] if layer.cell.data_format == "channels_last" else space[1:])
    return steps * places * _cell(layer.cell)


def _cell(cell: Any) -> int:
    """Of one step at one place."""
    kind = keras_class(cell)
    if kind is None:
        raise UnknownSizeError
    if kind.__name__ == "StackedRNNCells":
        return sum(map(_cell, cell.cells))
    if kind.__name__ not in ("LSTMCell", "GRUCell", "SimpleRNNCell", "ConvLSTMCell"):
        raise UnknownSizeError
    return _weights(cell.kernel, cell.recurrent_kernel)


def _attention(layer: Any, arguments: Arguments, _: Shape) -> int:
    """Scores of each query for each key, and the values weighed by them."""
    query, value, *_rest = next(iter(arguments.values()))
    scores = 0 if getattr(layer, "score_mode", None) == "concat" else _size(query[-1:])  # else sums of tangents
    return _size(query[1:-1]) * _size(value[1:-1]) * (scores + _size(value[-1:]))


def _multi_head(layer: Any, arguments: Arguments, _: Shape) -> int:
    query, value, key = _attended(arguments)
    if tuple(layer._attention_axes) != tuple(range(1, len(query) - 1)):
        raise UnknownSizeError
    scores = _size(query[1:-1]) * _size(key[1:-1]) * layer._num_heads * (layer._key_dim + layer._value_dim)
    return int(_projections(layer, query, value, key) + scores)


def _grouped_query(layer: Any, arguments: Arguments, _: Shape) -> int:
    query, value, key = _attended(arguments)
    scores = 2 * _size(query[1:-1]) * _size(key[1:-1]) * layer.num_query_heads * layer.head_dim
    return int(_projections(layer, query, value, key) + scores)


def _attended(arguments: Arguments) -> tuple[Shape, Shape, Shape]:
    query, value = arguments["query"], arguments["value"]
    return query, value, arguments.get("key") or value


def _projections(layer: Any, query: Shape, value: Shape, key: Shape) -> int:
    by_query = [layer._query_dense, layer._output_dense, getattr(layer, "_gate_dense", None)]
    return (
        _size(query[1:-1]) * _weights(*(dense.kernel for dense in by_query if dense is not None))
        + _size(key[1:-1]) * _weights(layer._key_dense.kernel)
        + _size(value[1:-1]) * _weights(layer._value_dense.kernel)
    )


def _time_distributed(layer: Any, arguments: Arguments, inside: Callable[[Any, Any], Count]) -> Count:
    shape = _only(arguments)
    return inside(layer.layer, (shape[0], *shape[2:])).times(_size(shape[1:2]))


def _bidirectional(layer: Any, arguments: Arguments, inside: Callable[[Any, Any], Count]) -> Count:
    shape = _only(arguments)
    return inside(layer.forward_layer, shape) + inside(layer.backward_layer, shape)


def _spectral(layer: Any, arguments: Arguments, inside: Callable[[Any, Any], Count]) -> Count:
    return inside(layer.layer, _only(arguments))  # its own products are of training


_WRAPPERS: dict[str, Callable[[Any, Arguments, Callable[[Any, Any], Count]], Count]] = {
    "TimeDistributed": _time_distributed,
    "Bidirectional": _bidirectional,
    "SpectralNormalization": _spectral,
}
_COUNTS: dict[str, Callable[[Any, Arguments, Shape], int]] = {
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D", "DepthwiseConv1D", "DepthwiseConv2D"), _conv),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), _conv_transpose),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _separable),
    "Dense": _dense,
    "EinsumDense": _einsum_dense,
    "Dot": _dot,
    **dict.fromkeys(("RNN", "LSTM", "GRU", "SimpleRNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), _recurrent),
    "Attention": _attention,
    "AdditiveAttention": _attention,
    "MultiHeadAttention": _multi_head,
    "GroupedQueryAttention": _grouped_query,
}
_OPERATION_COUNTS: dict[str, Callable[[Any, Arguments, Shape], int]] = {"Einsum": _einsum, "Matmul": _matmul}
