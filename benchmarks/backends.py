"""How far do the logits of the shipped weights differ between the three Keras backends? Over whole test splits.

    python benchmarks/backends.py [DATA_DIR]

Datasets that are not here are left out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from tabulate import tabulate

import zoo
from zoo import registry
from zoo.data.catalog import find

BACKENDS = ("tensorflow", "jax", "torch")
BATCH = 250


def save_logits(file: str, data_dir: str | None) -> None:
    """The logits of all shipped weights, under the Keras backend in use."""
    from zoo.data.load import load
    from zoo.data.preprocess import adapt
    from zoo.modeling import weights
    from zoo.modeling.build import build

    known = registry.load()
    tests, logits = {}, {}
    for entry in known.models.values():
        for shipped in entry.spec.weights:
            try:
                dataset = find(shipped.dataset, known.datasets, data_dir)
            except zoo.ZooError as error:
                print(error, file=sys.stderr)
                continue
            test = tests.setdefault(shipped.dataset, load(dataset, "test"))
            model = build(entry.spec, classes=dataset.classes)
            path = weights.locate(shipped)
            weights.load(model, path, sha256=shipped.sha256)
            recipe = weights.provenance(path)["recipe"]
            images = adapt(test.images, entry.spec.input_shape, recipe["mean"], recipe["std"])
            logits[f"{entry.spec.name} {shipped.dataset}"] = model.predict(images, batch_size=BATCH, verbose=0)
    np.savez(file, **logits)


def main(data_dir: str | None = None) -> None:
    """Have each backend save its logits, and print how they differ from TensorFlow's."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for backend in BACKENDS:
            file = str(Path(folder) / f"{backend}.npz")
            arguments = [file, data_dir] if data_dir else [file]
            environment = {**os.environ, "KERAS_BACKEND": backend}
            subprocess.run([sys.executable, __file__, "--save", *arguments], env=environment, check=True)
            with np.load(file) as logits:
                found[backend] = dict(logits)
    rows = []
    for name, expected in found["tensorflow"].items():
        largest = np.abs(expected).max()
        row = [*name.split(), f"{len(expected):,}", f"{largest:.1f}"]
        for backend in BACKENDS[1:]:
            logits = found[backend][name]
            changed = int((logits.argmax(axis=1) != expected.argmax(axis=1)).sum())
            row += [f"{np.abs(logits - expected).max() / largest:.1e}", changed]
        rows.append(row)
    headers = ["model", "weights for", "test images", "largest logit"]
    headers += [text for backend in BACKENDS[1:] for text in (f"{backend} differs by", "predictions changed")]
    print(tabulate(rows, headers, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--save"]:
        save_logits(sys.argv[2], sys.argv[3] if sys.argv[3:] else None)
    else:
        main(*sys.argv[1:])
