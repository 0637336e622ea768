"""Keras' layers and operations in ONNX: one rule each. A rule adds nodes and names what they give."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from zoo_onnxruntime.convert import TO_FIRST, Call, Graph, Rule, Unsupported, Value

AXES = (0, 2, 3, 1)  # of an image in Keras, where they lie in the graph


def rule_for(operation: Any) -> Rule | None:
    """The rule for exactly this class; a subclass may compute something else."""
    if not type(operation).__module__.startswith("keras."):
        return None
    rules = LAYERS if isinstance(operation, keras.Layer) else OPERATIONS
    return rules.get(type(operation).__name__)


def array(variable: Any) -> np.ndarray[Any, Any]:
    """A variable's values."""
    return np.asarray(ops.convert_to_numpy(variable), np.float32)


def scalar(value: float) -> np.ndarray[Any, Any]:
    """A constant without axes."""
    return np.asarray(value, np.float32)


# Convolutions, dense layers, normalisation


def conv(graph: Graph, call: Call) -> str:
    layer = call.operation
    kernel = array(layer.kernel).transpose(3, 2, 0, 1)
    return _activated(graph, layer, _conv(graph, layer, call.value, kernel, layer.groups, _bias(layer)), call.shape)


def depthwise(graph: Graph, call: Call) -> str:
    layer = call.operation
    name = _depthwise(graph, layer, call.value, array(layer.kernel), _bias(layer))
    return _activated(graph, layer, name, call.shape)


def separable(graph: Graph, call: Call) -> str:
    layer = call.operation
    between = _depthwise(graph, layer, call.value, array(layer.depthwise_kernel), [])
    kernel = array(layer.pointwise_kernel).transpose(3, 2, 0, 1)
    return _activated(graph, layer, graph.add("Conv", [between, kernel, *_bias(layer)]), call.shape)


def _depthwise(graph: Graph, layer: Any, x: Value, kernel: np.ndarray[Any, Any], bias: list[Any]) -> str:
    height, width, channels, multiplier = kernel.shape
    kernel = kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
    return _conv(graph, layer, x, kernel, channels, bias)


def _conv(graph: Graph, layer: Any, x: Value, kernel: np.ndarray[Any, Any], groups: int, bias: list[Any]) -> str:
    size, dilations = kernel.shape[2:], tuple(layer.dilation_rate)
    pads = _pads(layer, x, [(k - 1) * d + 1 for k, d in zip(size, dilations, strict=True)], layer.strides)
    return graph.add(
        "Conv",
        [x.name, kernel, *bias],
        kernel_shape=size,
        strides=tuple(layer.strides),
        dilations=dilations,
        group=groups,
        pads=pads,
    )


def _pads(layer: Any, x: Value, reach: Sequence[int], strides: Sequence[int]) -> list[int]:
    """What "same" adds before and after: as much as lets every stride begin inside, the odd one after."""
    if getattr(layer, "data_format", None) != "channels_last":
        raise Unsupported("with channels first")
    if layer.padding not in ("same", "valid"):
        raise Unsupported(f"with padding '{layer.padding}'")
    if layer.padding == "valid":
        return [0, 0, 0, 0]
    total = [
        max((math.ceil(size / stride) - 1) * stride + over - size, 0)
        for size, over, stride in zip(x.shape[1:3], reach, strides, strict=True)
    ]
    return [total[0] // 2, total[1] // 2, total[0] - total[0] // 2, total[1] - total[1] // 2]


def _bias(layer: Any) -> list[np.ndarray[Any, Any]]:
    return [array(layer.bias)] if layer.use_bias else []


def dense(graph: Graph, call: Call) -> str:
    layer, x = call.operation, call.value
    if len(x.shape) == 2:
        name = graph.add("Gemm", [x.name, array(layer.kernel), *_bias(layer)])
    else:
        name = graph.add("MatMul", [graph.in_keras_order(x), array(layer.kernel)])
        if layer.use_bias:
            name = graph.add("Add", [name, array(layer.bias)])
        name = graph.from_keras_order(name, call.shape).name
    return _activated(graph, layer, name, call.shape)


def batch_normalization(graph: Graph, call: Call) -> str:
    layer, x = call.operation, call.value
    axis = layer.axis[0] if isinstance(layer.axis, (list, tuple)) else layer.axis
    if axis % len(x.shape) != len(x.shape) - 1 or len(x.shape) not in (2, 4):
        raise Unsupported("over another axis than the last")
    mean, variance = array(layer.moving_mean), array(layer.moving_variance)
    scale = array(layer.gamma) if layer.scale else np.ones_like(mean)
    offset = array(layer.beta) if layer.center else np.zeros_like(mean)
    return graph.add("BatchNormalization", [x.name, scale, offset, mean, variance], epsilon=layer.epsilon)


def rescaling(graph: Graph, call: Call) -> str:
    layer, x = call.operation, call.value
    scaled = graph.add("Mul", [x.name, _constant(layer.scale, x)])
    return graph.add("Add", [scaled, _constant(layer.offset, x)])


def normalization(graph: Graph, call: Call) -> str:
    layer, x = call.operation, call.value
    if layer.invert:
        raise Unsupported("with invert")
    deviation = np.maximum(np.sqrt(array(layer.variance)), np.float32(keras.config.epsilon()))
    shifted = graph.add("Sub", [x.name, _constant(array(layer.mean), x)])
    return graph.add("Div", [shifted, _constant(deviation, x)])


# Pooling and shapes


def pooling(kind: str, **attributes: int) -> Rule:
    def rule(graph: Graph, call: Call) -> str:
        layer = call.operation
        pads = _pads(layer, call.value, layer.pool_size, layer.strides)
        size, strides = tuple(layer.pool_size), tuple(layer.strides)
        return graph.add(kind, [call.value.name], kernel_shape=size, strides=strides, pads=pads, **attributes)

    return rule


def global_pooling(kind: str) -> Rule:
    def rule(graph: Graph, call: Call) -> str:
        if call.operation.data_format != "channels_last":
            raise Unsupported("with channels first")
        name = graph.add(kind, [call.value.name])
        return name if call.operation.keepdims else graph.add("Flatten", [name])

    return rule


def mean(graph: Graph, call: Call) -> str:
    operation, x = call.operation, call.value
    axes = operation.axis if isinstance(operation.axis, (list, tuple)) else [operation.axis]
    if operation.axis is None or sorted(axis % len(x.shape) for axis in axes) != [1, 2] or not x.is_image:
        raise Unsupported("over other axes than an image's height and width")
    return graph.add("ReduceMean", [x.name, np.asarray([2, 3], np.int64)], keepdims=int(operation.keepdims))


def reshape(graph: Graph, call: Call) -> str:
    x = call.value
    name = graph.add("Reshape", [graph.in_keras_order(x), np.asarray(call.shape, np.int64)])
    return graph.from_keras_order(name, call.shape).name


def pad(graph: Graph, call: Call) -> str:
    operation, rank = call.operation, len(call.shape)
    if operation.mode not in ("constant", "reflect", "edge"):
        raise Unsupported(f"with mode '{operation.mode}'")
    widths = list(operation.pad_width)
    filled = [item for item in call.arguments[1:] if item is not None]
    return _pad(graph, call.value, widths * rank if len(widths) == 1 else widths, operation.mode, *filled)


def zero_padding(graph: Graph, call: Call) -> str:
    return _pad(graph, call.value, [(0, 0), *_of_image(call.operation, "padding"), (0, 0)])


def _pad(graph: Graph, x: Value, widths: Sequence[Sequence[int]], mode: str = "constant", fill: float = 0.0) -> str:
    widths = [widths[axis] for axis in TO_FIRST] if x.is_image else widths
    pads = [before for before, _ in widths] + [after for _, after in widths]
    return graph.add("Pad", [x.name, np.asarray(pads, np.int64), scalar(fill)], mode=mode)


def cropping(graph: Graph, call: Call) -> str:
    x = call.value
    crops = [(0, 0), *_of_image(call.operation, "cropping"), (0, 0)]
    return _slice(graph, x, [slice(a, size - b) for (a, b), size in zip(crops, x.shape, strict=True)])


def get_item(graph: Graph, call: Call) -> str:
    x, key = call.value, call.arguments[1]
    keys = list(key) if isinstance(key, (tuple, list)) else [key]
    if Ellipsis not in keys:
        keys.append(Ellipsis)
    at = keys.index(Ellipsis)
    keys[at : at + 1] = [slice(None)] * (len(x.shape) - len(keys) + 1)
    if not all(isinstance(item, slice) and (item.step or 1) > 0 for item in keys):
        raise Unsupported(f"with [{key}]")
    return _slice(graph, x, keys)


def _slice(graph: Graph, x: Value, keys: Sequence[slice]) -> str:
    ranges = [key.indices(size) for key, size in zip(keys, x.shape, strict=True)]
    taken = [
        (AXES[axis] if x.is_image else axis, *limits)
        for axis, (limits, size) in enumerate(zip(ranges, x.shape, strict=True))
        if limits != (0, size, 1)
    ]
    if not taken:
        return x.name
    axes, starts, ends, steps = (np.asarray(column, np.int64) for column in zip(*taken, strict=True))
    return graph.add("Slice", [x.name, starts, ends, axes, steps])


def _of_image(layer: Any, name: str) -> Any:
    if layer.data_format != "channels_last":
        raise Unsupported("with channels first")
    return getattr(layer, name)


# Joining


def join(kind: str) -> Rule:
    """Element by element, of two or more: tensors, variables or numbers."""

    def rule(graph: Graph, call: Call) -> str:
        items = tree.flatten(call.arguments)
        ranks = {len(item.shape) for item in items if isinstance(item, Value)}
        if len(ranks) > 1:
            raise Unsupported("of tensors with different numbers of axes")
        like = next(item for item in items if isinstance(item, Value))
        names = [item.name if isinstance(item, Value) else _constant(array(item), like) for item in items]
        first, *others = names
        for other in others:
            first = graph.add(kind, [first, other])
        return str(first)

    return rule


def average(graph: Graph, call: Call) -> str:
    return graph.add("Mean", [item.name for item in tree.flatten(call.arguments)])


def concatenate(graph: Graph, call: Call) -> str:
    values = [item for item in tree.flatten(call.arguments) if isinstance(item, Value)]
    return graph.add("Concat", [value.name for value in values], axis=_axis(values[0], call.operation.axis))


def _axis(x: Value, axis: int) -> int:
    axis %= len(x.shape)
    return AXES[axis] if x.is_image else axis


def _constant(values: Any, like: Value) -> np.ndarray[Any, Any]:
    """Values that are broadcast against a tensor, in the order in which the graph keeps that."""
    constant = np.asarray(values, np.float32)
    if like.is_image and constant.ndim:
        constant = constant.reshape((1,) * (4 - constant.ndim) + constant.shape).transpose(TO_FIRST)
    return constant


# Activations


def identity(graph: Graph, call: Call) -> str:
    return call.value.name


def activation(graph: Graph, call: Call) -> str:
    return _activated(graph, call.operation, call.value.name, call.shape)


def relu(graph: Graph, call: Call) -> str:
    layer, x = call.operation, call.value.name
    if layer.threshold or (layer.max_value is not None and layer.negative_slope):
        raise Unsupported("with a threshold, or with both a slope and a limit")
    if layer.negative_slope:
        return graph.add("LeakyRelu", [x], alpha=float(layer.negative_slope))
    return graph.add("Relu", [x]) if layer.max_value is None else _clipped(graph, x, layer.max_value)


def leaky_relu(graph: Graph, call: Call) -> str:
    return graph.add("LeakyRelu", [call.value.name], alpha=float(call.operation.negative_slope))


def softmax(graph: Graph, call: Call) -> str:
    if not isinstance(call.operation.axis, int):
        raise Unsupported("over several axes")
    return graph.add("Softmax", [call.value.name], axis=_axis(call.value, call.operation.axis))


def function(name: str) -> Rule:
    """An operation that is an activation function."""

    def rule(graph: Graph, call: Call) -> str:
        return ACTIVATIONS[name](graph, Value(call.value.name, call.shape))

    return rule


def _activated(graph: Graph, layer: Any, name: str, shape: tuple[int, ...]) -> str:
    chosen = getattr(layer.activation, "__name__", str(layer.activation))
    is_keras = getattr(layer.activation, "__module__", "").startswith("keras.")
    if not is_keras or chosen not in ACTIVATIONS:
        raise Unsupported(f"with the activation '{chosen}'")
    return ACTIVATIONS[chosen](graph, Value(name, shape))


def _simple(kind: str, **attributes: Any) -> Callable[[Graph, Value], str]:
    return lambda graph, x: graph.add(kind, [x.name], **attributes)


def _clipped(graph: Graph, name: str, limit: float) -> str:
    return graph.add("Clip", [name, scalar(0.0), scalar(limit)])


def _silu(graph: Graph, x: Value) -> str:
    return graph.add("Mul", [x.name, graph.add("Sigmoid", [x.name])])


ACTIVATIONS: dict[str, Callable[[Graph, Value], str]] = {
    "linear": lambda _, x: x.name,
    "relu": _simple("Relu"),
    "relu6": lambda graph, x: _clipped(graph, x.name, 6.0),
    "sigmoid": _simple("Sigmoid"),
    "hard_sigmoid": _simple("HardSigmoid", alpha=1 / 6, beta=0.5),
    "tanh": _simple("Tanh"),
    "elu": _simple("Elu"),
    "selu": _simple("Selu"),
    "gelu": _simple("Gelu"),
    "silu": _silu,
    "hard_silu": _simple("HardSwish"),
    "softplus": _simple("Softplus"),
    "softmax": lambda graph, x: graph.add("Softmax", [x.name], axis=_axis(x, -1)),
}

LAYERS: dict[str, Rule] = {
    "Conv2D": conv,
    "DepthwiseConv2D": depthwise,
    "SeparableConv2D": separable,
    "Dense": dense,
    "BatchNormalization": batch_normalization,
    "Rescaling": rescaling,
    "Normalization": normalization,
    "MaxPooling2D": pooling("MaxPool"),
    "AveragePooling2D": pooling("AveragePool", count_include_pad=0),
    "GlobalAveragePooling2D": global_pooling("GlobalAveragePool"),
    "GlobalMaxPooling2D": global_pooling("GlobalMaxPool"),
    "Flatten": reshape,
    "Reshape": reshape,
    "ZeroPadding2D": zero_padding,
    "Cropping2D": cropping,
    "Add": join("Add"),
    "Subtract": join("Sub"),
    "Multiply": join("Mul"),
    "Maximum": join("Max"),
    "Minimum": join("Min"),
    "Average": average,
    "Concatenate": concatenate,
    "Activation": activation,
    "ReLU": relu,
    "LeakyReLU": leaky_relu,
    "Softmax": softmax,
    **dict.fromkeys(("Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "Identity"), identity),
}

OPERATIONS: dict[str, Rule] = {
    "Add": join("Add"),
    "Subtract": join("Sub"),
    "Multiply": join("Mul"),
    "Divide": join("Div"),
    "TrueDivide": join("Div"),
    "Maximum": join("Max"),
    "Minimum": join("Min"),
    "Concatenate": concatenate,
    "GetItem": get_item,
    "Pad": pad,
    "Reshape": reshape,
    "Mean": mean,
    "Softmax": softmax,
    **{name: function(name.lower()) for name in ("Relu", "Relu6", "Sigmoid", "Tanh", "Silu")},
}
