"""Run by test_weights.py: tries to load each file that it is given, and prints what became of it as JSON."""

import json
import sys
from pathlib import Path

import numpy as np

from zoo.errors import WeightsError
from zoo.models import weights
from zoo.models.build import build
from zoo.registry import load


def main() -> None:
    folder = Path(sys.argv[1])
    spec = load().model("toy_resnet").spec
    model = build(spec)
    whole = weights.locate(spec.weights_for("digits"))
    before = [v.numpy().copy() for v in model.weights]

    said = {}
    for file in sorted(folder.glob("*.safetensors")):
        try:
            weights.load(model, file)
            said[file.stem] = "loaded"
        except WeightsError as error:
            said[file.stem] = str(error)
    unchanged = all(np.array_equal(v.numpy(), b) for v, b in zip(model.weights, before, strict=True))

    try:
        weights.load(model, whole, sha256="0" * 64)
    except WeightsError as error:
        said["digest"] = str(error)
    weights.load(model, whole)
    weights.save(model, folder / "saved" / "again.safetensors", {"a": 1})
    values = [v.numpy().copy() for v in model.weights]
    other = build(spec, seed=1)
    weights.load(other, folder / "saved" / "again.safetensors")
    same = all(np.array_equal(v.numpy(), b) for v, b in zip(other.weights, values, strict=True))
    print(json.dumps({"said": said, "unchanged": unchanged, "round_trip": same}))


main()
