"""How far do a runtime's logits move by rounding alone, for every model and precision? What the tolerances rest on.

    python benchmarks/rounding.py RUNTIME [DATASET [DATA_DIR [MODEL ...]]]

Of test images; an int8 model is calibrated on training images. Differences are in standard deviations of float32 Keras'
logits. Models without weights for the dataset, by default digits, have random ones. Without names: all models.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tabulate import tabulate

from zoo.registry import load

IMAGES, BATCH = 256, 32
LARGE = 64 * 64  # pixels: of larger images as many as make a batch will do
NAMES = ("model", "weights", "largest", "mean", "slope - 1", "equal top-1", "refused")


def main(name: str = "torch", dataset: str = "digits", data_dir: str = "", *models: str) -> None:
    """Print a row for each model and precision."""
    spec = load().runtime(name).spec
    rows = []
    for precision in spec.precisions:
        done = subprocess.run(
            [sys.executable, __file__, "--measure", name, precision, dataset, data_dir, *models],
            env={**os.environ, "KERAS_BACKEND": spec.keras_backend},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        for model, (trained, found) in json.loads(done.stdout.splitlines()[-1]).items():
            numbers = ["–"] * 4
            if found["max_difference"] is not None:
                numbers = [f"{found[key]:.1e}" for key in ("max_difference", "mean_difference")]
                numbers += [f"{found['slope'] - 1:+.1e}", f"{found['equal_top1']:.3f}"]
            rows.append([precision, model, "trained" if trained else "random", *numbers, found["reason"] or ""])
    print(tabulate(rows, ["precision", *NAMES], tablefmt="github", disable_numparse=True))


def measure(name: str, precision: str, dataset_name: str, data_dir: str, *models: str) -> None:
    """In a process of its own: print the parity of each model as JSON."""
    from zoo.references import resolve

    known = load()
    runtime = resolve(known.runtime(name).spec.runtime)()
    runtime.start(device="cpu", precision=precision, threads=None)

    import numpy as np
    from keras import ops

    import zoo
    from zoo.bench.plan import choose_weights
    from zoo.bench.reference import Reference
    from zoo.bench.trial import Trial
    from zoo.bench.weights import load_weights, normalisation
    from zoo.data.catalog import find
    from zoo.data.load import batches
    from zoo.data.preprocess import adapt

    dataset = find(dataset_name, known.datasets, data_dir or None)
    found = {}
    for spec in zoo.models(*models):
        model = zoo.build(spec.name)
        loaded = load_weights(model, spec, dataset.name, choose_weights(spec, dataset.name))
        count = IMAGES if spec.input_shape[0] * spec.input_shape[1] <= LARGE else BATCH
        test, train = (
            adapt(next(batches(dataset, split, count))[0], spec.input_shape, *normalisation(loaded))
            for split in ("test", "train")
        )
        logits = np.concatenate(
            [
                ops.convert_to_numpy(model(test[first : first + BATCH], training=False))
                for first in range(0, count, BATCH)
            ]
        )
        session = runtime.open(model, BATCH, train if precision == "int8" else None)
        record = Trial(session, Reference(test, logits, "", Path(), None), BATCH, precision).check()
        found[spec.name] = (loaded is not None, record)
        print(spec.name, record["max_difference"], record["reason"] or "", file=sys.stderr)
        session.close()
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
