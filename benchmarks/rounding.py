"""How far do a runtime's logits move by rounding alone, for every model and precision? What the tolerances rest on.

    python benchmarks/rounding.py [RUNTIME]

Of test images of digits: differences are in standard deviations of float32 Keras' logits. Models without weights for
digits have random ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tabulate import tabulate

from zoo.registry import load

IMAGES, BATCH = 64, 32


def main(name: str = "torch") -> None:
    """Print a row for each model and precision."""
    spec = load().runtime(name).spec
    rows = []
    for precision in spec.precisions:
        done = subprocess.run(
            [sys.executable, __file__, name, precision],
            env={**os.environ, "KERAS_BACKEND": spec.keras_backend},
            capture_output=True,
            check=True,
            text=True,
        )
        for model, found in json.loads(done.stdout.splitlines()[-1]).items():
            numbers = [f"{found[key]:.1e}" for key in ("max_difference", "mean_difference")]
            rows.append([precision, model, *numbers, f"{found['slope'] - 1:+.1e}", f"{found['equal_top1']:.3f}"])
            rows[-1].append("" if found["accepted"] else found["reason"])
    headers = ["precision", "model", "largest", "mean", "slope - 1", "equal top-1", "refused"]
    print(tabulate(rows, headers, tablefmt="github", disable_numparse=True))


def measure(name: str, precision: str) -> None:
    """In a process of its own: print the parity of each model as JSON."""
    from zoo.references import resolve

    runtime = resolve(load().runtime(name).spec.runtime)()
    runtime.start(device="cpu", precision=precision, threads=None)

    import numpy as np
    from keras import ops
    from sklearn.datasets import load_digits

    import zoo
    from zoo.bench.reference import Reference
    from zoo.bench.trial import Trial
    from zoo.data.preprocess import adapt

    digits = (load_digits().images[1197 : 1197 + IMAGES, :, :, np.newaxis] * 255 / 16).astype(np.uint8)
    found = {}
    for spec in zoo.models():
        model = zoo.build(spec.name, weights="digits" if spec.weights_for("digits") else None)
        images = adapt(digits, spec.input_shape)
        logits = np.asarray(ops.convert_to_numpy(model(images, training=False)))
        session = runtime.open(model, BATCH)
        found[spec.name] = Trial(session, Reference(images, logits, "", Path(), None), BATCH, precision).check()
    print(json.dumps(found))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        measure(*sys.argv[1:])
    else:
        main(*sys.argv[1:])
