"""Run under each Keras backend by test_models.py: builds every model and prints what came out as JSON.

Some are built before, so that what comes out would show if a model depended on what was built before it.
"""

import json
import sys

import keras
import numpy as np

import zoo
from zoo.modeling import weights
from zoo.modeling.build import build
from zoo.modeling.cost import cost
from zoo.registry import load

OTHERS = "zoo-keras-applications"  # has tests of its own, on fewer networks: each takes seconds
DEEPER = ("resnet32", "resnet44", "resnet56", "resnet110", "plain56")  # more of resnet20's blocks: on one backend only


def main() -> None:
    """Print, by model: the layer table, sums, and logits of the shipped weights."""
    images = np.load(sys.argv[1])
    models = {}
    for name in ("toy_resnet", "plain_cnn", "resnet8"):
        build(load().model(name).spec)
    for name, entry in reversed(load().models.items()):
        if entry.plugin.distribution == OTHERS or (name in DEEPER and keras.backend.backend() != "tensorflow"):
            continue
        model = build(entry.spec)
        total = cost(model)
        models[name] = {
            "layers": [[x.name, x.type, list(x.output_shape), x.parameters, x.macs] for x in total.layers],
            "parameters": total.parameters,
            "trainable_parameters": total.trainable_parameters,
            "macs": total.macs,
            "not_counted": total.not_counted,
            "activations": {x.name: x.activation.__name__ for x in model.layers if hasattr(x, "activation")},
        }
        models[name]["logits"] = {}
        for shipped in entry.spec.weights:
            weights.load(model, weights.locate(shipped), sha256=shipped.sha256)
            models[name]["logits"][shipped.dataset] = model.predict(images, verbose=0).tolist()
    print(json.dumps({"backend": keras.backend.backend(), "zoo": zoo.__version__, "models": models}))


main()
