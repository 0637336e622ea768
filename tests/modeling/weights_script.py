"""Run by test_weights.py: tries to load each file that it is given, and prints what became of it as JSON."""

import hashlib
import json
import sys
from pathlib import Path

import keras
import numpy as np

from zoo.errors import WeightsError
from zoo.modeling import weights
from zoo.modeling.build import build
from zoo.registry import load

TRIES = 200


def try_random_damage(model: keras.Model, whole: Path, file: Path) -> dict[str, int]:
    """Change, drop or add bytes at random places: how often was that refused, and how often was it harmless?

    Harmless is damage to the record of how the weights were made, where the digest isn't known.
    """
    rng = np.random.default_rng(0)
    content = whole.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    header = 8 + int.from_bytes(content[:8], "little")
    before = values(model)
    weights.load(model, whole)
    sound = values(model)
    restore(model, before)

    file.parent.mkdir()
    refused = harmless = 0
    for i in range(TRIES):
        in_header = i % 2 == 0
        at = int(rng.integers(0, header if in_header else len(content)))
        what = rng.bytes(int(rng.integers(1, 9)))
        dropped = len(what) if i % 3 else 0
        file.write_bytes(content[:at] + (what if i % 5 else b"") + content[at + dropped :] + b"\0" * (i % 7 == 0))
        try:
            weights.load(model, file, sha256=None if in_header else sha256)
        except WeightsError as error:
            refused += "\n" not in str(error) and same(values(model), before)
        else:
            harmless += same(values(model), sound)
            restore(model, before)
    return {"tried": TRIES, "refused": refused, "harmless": harmless}


def values(model: keras.Model) -> list[np.ndarray]:
    return [v.numpy().copy() for v in model.weights]


def restore(model: keras.Model, arrays: list[np.ndarray]) -> None:
    for variable, array in zip(model.weights, arrays, strict=True):
        variable.assign(array)


def same(some: list[np.ndarray], others: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(some, others, strict=True))


def main() -> None:
    folder = Path(sys.argv[1])
    spec = load().model("toy_resnet").spec
    model = build(spec)
    whole = weights.locate(spec.weights_for("digits"))
    before = values(model)

    said = {}
    for file in sorted(folder.glob("*.safetensors")):
        try:
            weights.load(model, file)
            said[file.stem] = "loaded"
        except WeightsError as error:
            said[file.stem] = str(error)
    random = try_random_damage(model, whole, folder / "saved" / "damaged.safetensors")
    unchanged = same(values(model), before)

    try:
        weights.load(model, whole, sha256="0" * 64)
    except WeightsError as error:
        said["digest"] = str(error)
    weights.load(model, whole)
    weights.save(model, folder / "saved" / "again.safetensors", {"a": 1})
    other = build(spec, seed=1)
    weights.load(other, folder / "saved" / "again.safetensors")
    again = same(values(other), values(model))
    print(json.dumps({"said": said, "random": random, "unchanged": unchanged, "round_trip": again}))


main()
