"""Trace networks for PyTorch as the runtime does: how far their logits are from Keras', and what is left in the graph.

Usage: torch_graphs.py JSON_LIST, each an expression of `x`, `layers` and `ops`, with KERAS_BACKEND=torch.
"""

import json
import resource
import sys
from collections import Counter

import keras
import torch
from keras import layers, ops  # noqa: F401 - expressions use it

from zoo.runtimes.torch_graph import prepare_to_interpret, traced

found = {}
for expression in json.loads(sys.argv[1]):
    keras.utils.set_random_seed(0)
    x = keras.Input((8, 8, 4))
    y = layers.Dense(3)(layers.GlobalAveragePooling2D()(eval(expression)))
    model = keras.Model(x, y)
    for variable in model.weights:  # biases that are 0 would hide that one is missing
        variable.assign(keras.random.uniform(variable.shape, 0.1, 1.0))  # a variance among them
    graph = traced(model, 5, "float32", torch.device("cpu"))
    prepare_to_interpret(graph)
    images = torch.randn((5, 8, 8, 4))
    before = images.clone()
    with torch.inference_mode():
        expected = model(images, training=False)
        first, second = graph(images).clone(), graph(images)
    found[expression] = {
        "difference": float((first - expected).abs().max() / expected.std()),
        "again": bool((first == second).all()),
        "kept": bool((images == before).all()),
        "operations": Counter(
            getattr(node.target, "__name__", "").partition(".")[0]
            for node in graph.graph.nodes
            if node.op == "call_function"
        ),
    }
x = keras.Input((8, 8, 4))
y = layers.Conv2D(256, 3, padding="same")(x)
for _ in range(3):
    y = layers.Conv2D(256, 3, padding="same")(y)
model = keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling2D()(y)))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
traced(model, 4096, "float32", torch.device("cpu"))  # each activation would be 268 MB
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"networks": found, "tracing_took": (after - before) / before}))
