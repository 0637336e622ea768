"""Run by test_kinds.py: models of all kinds, by one runtime or trained on one Keras backend, in one process.

Prints what came of each as JSON: what is wrong, or None.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kinds

from zoo.errors import ModelError
from zoo.keras_backend import import_keras, only_what_is_needed
from zoo.references import resolve
from zoo.registry import load
from zoo.specs import ModelSpec

BATCH, IMAGES = 4, 8


def refusing(use: Callable[[ModelSpec], str | None], spec: ModelSpec) -> str | None:
    """What is wrong: that the model is refused, or what a use of it finds."""
    try:
        return use(spec)
    except ModelError as error:
        return str(error)


def running(name: str, precision: str) -> Callable[[ModelSpec], str | None]:
    """By a runtime, as `zoo bench` and `zoo export` do: its logits against those of Keras, and its file."""
    chosen = load().runtimes[name].spec
    with only_what_is_needed(chosen.requires):
        runtime = resolve(chosen.runtime)()
        runtime.start(device="cpu", precision=precision, threads=1)
        import keras
    import numpy as np
    from keras import ops

    from zoo.benchmarking.reference import Reference
    from zoo.benchmarking.verification import Verification
    from zoo.modeling.build import build
    from zoo.runtimes import Saves

    def use(spec: ModelSpec) -> str | None:
        model = build(spec)
        for variable in model.weights:  # as training might leave them: untrained statistics would hide much
            for name, low, high in (("moving_mean", -0.3, 0.3), ("moving_variance", 0.5, 2)):
                if variable.path.endswith(name):
                    variable.assign(np.random.default_rng(1).uniform(low, high, variable.shape))
        images = np.random.default_rng(0).random((IMAGES, *spec.input_shape), np.float32)
        logits, far = (
            np.array(ops.convert_to_numpy(model(scale * images, training=False)), np.float32) for scale in (1, -100)
        )
        if all(((given >= 0) & (given <= 1)).all() for given in (logits, far)):
            return "it gives probabilities"
        calibration = images if precision == "int8" else None
        session = runtime.open(model, BATCH, calibration)
        parity = Verification(session, Reference(images, logits, "Keras", Path(), None), BATCH, precision).check()
        if isinstance(session, Saves):
            with tempfile.TemporaryDirectory() as folder:
                session.save(Path(folder))
        again = np.array(ops.convert_to_numpy(model(images, training=False)), np.float32)
        if not np.array_equal(logits, again):
            return "the model was changed"
        keras.utils.clear_session()
        return parity.reason

    return use


def counting() -> Callable[[ModelSpec], Any]:
    """Parameters, MACs, and layers whose MACs are not counted."""
    import_keras()
    from zoo.modeling.build import build
    from zoo.modeling.cost import cost

    def use(spec: ModelSpec) -> Any:
        total = cost(build(spec))
        return [total.parameters, total.macs, list(total.macs_left_out)]

    return use


def training(backend: str) -> Callable[[ModelSpec], str | None]:
    """One epoch on digits, and what comes of it loaded into another build."""
    from zoo.data.catalog import find
    from zoo.modeling import weights
    from zoo.training.fit import train
    from zoo.training.job import Job

    dataset = find("digits", load().datasets)

    def use(spec: ModelSpec) -> str | None:
        with tempfile.TemporaryDirectory() as folder:
            recipe = spec.recipes[0]
            job = Job(model=spec, dataset=dataset, recipe=recipe, keras_backend=backend, device="cpu", folder=folder)
            result = train(job.to_json(), lambda *_, **__: None)
            from zoo.modeling.build import build

            weights.load(build(spec, classes=10), Path(folder) / "weights.safetensors", sha256=result["sha256"])
        loss = result["provenance"]["score"]["loss"]
        return None if loss < 10 else f"its loss is {loss}"

    return use


def main() -> None:
    what, name, precision = sys.argv[1:4]
    use = {"run": lambda: running(name, precision), "count": counting, "train": lambda: training(name)}[what]()
    wanted = json.loads(sys.argv[4])
    print(json.dumps({spec.name: refusing(use, spec) for spec in kinds.zoo_models() if spec.name in wanted}))


if __name__ == "__main__":
    main()
