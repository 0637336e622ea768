"""Run by test_keras_applications.py: builds networks, and prints what came out as JSON.

    python applications.py MODEL...

On NumPy the first is built once more after all others: it would show if what comes out depended on them.
"""

import json
import sys

import keras
import numpy as np

from zoo.modeling.build import build
from zoo.modeling.cost import cost
from zoo.registry import load
from zoo.specs import ModelSpec


def facts(spec: ModelSpec) -> dict[str, object]:
    """What a network is made of, and what comes out of it."""
    model = build(spec)
    total = cost(model)
    return {
        "name": model.name,
        "parameters": total.parameters,
        "macs": total.macs,
        "not_counted": total.not_counted,
        "layers": [[x.name, x.type, list(x.output_shape), x.parameters, x.macs] for x in total.layers],
        "variables": [variable.path for variable in model.weights],
        "weights": keras.ops.convert_to_numpy(model.weights[0]).ravel()[:8].tolist(),
    }


def deviation(spec: ModelSpec) -> float:
    """Of the untrained network's logits of noise."""
    images = np.random.default_rng(0).random((4, *spec.input_shape), dtype=np.float32)
    return float(keras.ops.convert_to_numpy(build(spec)(images, training=False)).std())


def main(*names: str) -> None:
    """Print, by model, what it is; of the first also how its logits vary, and what it is when it is built again."""
    specs = {name: load().model(name).spec for name in names}
    found = {name: facts(spec) for name, spec in specs.items()}
    again = variation = None
    if keras.backend.backend() == "numpy":  # the others take long to compile what is called once
        again, variation = facts(specs[names[0]]), deviation(specs[names[0]])
    print(json.dumps({"models": found, "again": again, "deviation": variation}))


main(*sys.argv[1:])
