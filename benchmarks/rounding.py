"""How far do a runtime's logits move by rounding alone, for every model and precision? What the tolerances rest on.

    python benchmarks/rounding.py RUNTIME[=PRECISION] [DATASET [DATA_DIR [MODEL ...]]]

Of test images; an int8 model is calibrated on training images. Differences are in standard deviations of float32 Keras'
logits. Models without weights for the dataset, by default digits, have random ones. Without names: all models.

Only GPUs have TF32, so that it is simulated on the processor, for the runtime torch. What each convolution and matrix
product multiplies, activations and weights, keeps 10 bits of its mantissa; the sums stay in float32. The other bits are
rounded to nearest, as NVIDIA's conversion does, or cut off, as happens to what isn't converted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tabulate import tabulate

from zoo.registry import load
from zoo.specs import RuntimeSpec

IMAGES, BATCH = 256, 32
LARGE = 64 * 64  # pixels: of larger images as many as make a batch will do
SIMULATED = {"tf32, rounded": 0x1000, "tf32, cut off": 0}  # what is added to the bits before the last 13 are dropped
LOST_BITS = 0x1FFF  # of the 23 of float32's mantissa
NAMES = ("model", "weights", "largest", "mean", "slope - 1", "equal top-1", "refused")


def main(name: str = "torch", dataset: str = "digits", data_dir: str = "", *models: str) -> None:
    """Print a row for each model and precision."""
    name, _, only = name.partition("=")
    spec = load().runtime(name).spec
    rows = []
    for precision in [only] if only else spec.precisions:
        rows += measured(spec, precision, dataset, data_dir, *models)
    print(tabulate(rows, ["precision", *NAMES], tablefmt="github", disable_numparse=True))


def measured(spec: RuntimeSpec, precision: str, dataset: str, data_dir: str, *models: str) -> list[list[str]]:
    """The rows of one precision, from a process each."""
    if precision == "tf32" and spec.name != "torch":
        print(f"tf32 is simulated for torch only, not for {spec.name}", file=sys.stderr)
        return []
    rows = []
    for kind in SIMULATED if precision == "tf32" else [precision]:
        done = subprocess.run(
            [sys.executable, __file__, "--measure", spec.name, kind, dataset, data_dir, *models],
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
            rows.append([kind, model, "trained" if trained else "random", *numbers, found["reason"] or ""])
    return rows


def measure(name: str, kind: str, dataset_name: str, data_dir: str, *models: str) -> None:
    """In a process of its own: print the parity of each model as JSON."""
    from zoo.references import resolve

    known = load()
    runtime = resolve(known.runtime(name).spec.runtime)()
    precision = kind.partition(",")[0]
    simulated = kind in SIMULATED
    runtime.start(device="cpu", precision="float32" if simulated else precision, threads=None)

    import numpy as np
    from keras import ops

    import zoo
    from zoo.benchmarking.plan import choose_weights
    from zoo.benchmarking.reference import Reference
    from zoo.benchmarking.verification import Verification
    from zoo.benchmarking.weights import load_weights, normalisation
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
        if simulated:
            session = simulation(model, SIMULATED[kind])
        else:
            session = runtime.open(model, BATCH, train if precision == "int8" else None)
        record = Verification(session, Reference(test, logits, "", Path(), None), BATCH, precision).check()
        found[spec.name] = (loaded is not None, record)
        print(spec.name, record.max_difference, record.reason or "", file=sys.stderr)
        session.close()
    print(json.dumps(found))


def simulation(model: Any, added: int) -> Any:
    """A session of the runtime torch whose products lose bits, as TF32's do.

    :param added: to the bits of a number, before the lost ones are dropped.
    """
    import torch

    from zoo.runtimes.torch import TorchSession
    from zoo.runtimes.torch_graph import traced

    def lose(tensor: Any) -> Any:
        return ((tensor.view(torch.int32) + added) & ~LOST_BITS).view(torch.float32)

    aten, device = torch.ops.aten, torch.device("cpu")
    multiplied = {aten.convolution.default: (0, 1), aten.mm.default: (0, 1), aten.addmm.default: (1, 2)}
    module = traced(model, BATCH, "float32", device)
    for node in list(module.graph.nodes):
        for position in multiplied.get(node.target, ()):
            with module.graph.inserting_before(node):
                node.update_arg(position, module.graph.call_function(lose, (node.args[position],)))
    module.recompile()
    return TorchSession(module, device)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
