"""Run by test_cost.py: counts the FLOPs of convolutions and matrix products by TensorFlow's own profiler."""

import json

import keras
import tensorflow as tf

from zoo.modeling.build import build
from zoo.modeling.cost import cost
from zoo.registry import load

LARGEST = 32  # at their own size networks have the same layers
DEEPER = ("resnet32", "resnet44", "resnet56", "resnet110", "plain56")  # more of resnet20's blocks; their sums are He's
COUNTED = {"Conv2D", "DepthwiseConv2dNative", "MatMul"}


def profiled(model: keras.Model, input_shape: tuple[int, int, int]) -> int:
    """FLOPs of the counted operations in a graph of one image."""
    function = tf.function(lambda x: model(x, training=False))
    graph = function.get_concrete_function(tf.TensorSpec((1, *input_shape), tf.float32)).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    profile = tf.compat.v1.profiler.profile(graph, cmd="op", options=options)
    total, nodes = 0, [profile]
    while nodes:
        node = nodes.pop()
        total += node.float_ops if node.name in COUNTED else 0
        nodes += node.children
    return total


counts = {}
for name, entry in load().models.items():
    if max(entry.spec.input_shape) > LARGEST or name in DEEPER:
        continue
    model = build(entry.spec)
    counts[name] = {"profiler": profiled(model, entry.spec.input_shape), "zoo": cost(model).flops}
print(json.dumps(counts))
