"""Measure one scenario in this process. The heavy frameworks are imported here and nowhere else."""

from __future__ import annotations

import base64
import contextlib
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.bench import activity, memory
from zoo.bench.accuracy import accuracy
from zoo.bench.scenario import Scenario
from zoo.bench.timing import Policy, measure
from zoo.bench.turns import Called
from zoo.data.catalog import Dataset
from zoo.references import resolve
from zoo.runtimes import Runtime, Session
from zoo.specs import ModelSpec, RuntimeSpec

if TYPE_CHECKING:
    import keras
    import numpy as np

EVALUATION_BATCH = 256
Report = Callable[..., None]


def run(job: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Measure `job["scenario"]`: one process's share of a Result, as JSON values.

    The order matters: memory is read before the test images are loaded, so that its peak is the model's.
    """
    scenario = Scenario.from_json(job["scenario"])
    spec = ModelSpec.from_json(job["model"])
    dataset = Dataset.from_json(job["dataset"])
    turns = Called(Path(job["turns"])) if "turns" in job else None
    phases = _Phases(report)

    with phases("import"):
        runtime: Runtime = resolve(RuntimeSpec.from_json(job["runtime"]).runtime)()
        started = runtime.start(device=scenario.device, precision=scenario.precision, threads=scenario.threads)
        import keras  # noqa: F401 - to be timed: the runtime need not have imported it
    memory.reset_peak()
    after_import = memory.resident_bytes()

    with phases("build"):
        from zoo.models.build import build

        model = build(spec, classes=dataset.classes)
    with phases("load"):
        loaded = _load_weights(model, spec, dataset.name, job["weights"])
    with phases("first_call"):
        session = runtime.open(model, scenario.batch_size)
        batch = session.place(_random_images(scenario.batch_size, spec.input_shape))
        session.wait(session.run(batch))

    with phases("steady"):
        meter = activity.Meter()
        timing = measure(timed_callable(session, batch), Policy(**job["policy"]), turns=turns, meter=meter)
    meanwhile = meter.total()
    phases.seconds["steady"] = meanwhile["seconds"]  # without the waiting for its turn
    peak = memory.peak_bytes()

    scored = None
    if loaded is not None and job["score"]:
        with phases("accuracy"):
            scored = _score(runtime, model, dataset, spec, loaded["provenance"])
    return {
        "started": started,
        "started_beside": job.get("beside", 0),
        "phases_s": phases.seconds,
        "cost": _cost(model),
        "weights": loaded,
        "iterations": timing.iterations,
        "warmup_s": timing.warmup_s,
        "samples_s": timing.samples_s,
        "blocks": [{"start_s": b.start_s, "rounds": b.rounds} for b in timing.blocks],
        "settled": timing.settled,
        "activity": meanwhile,
        "memory": {"after_import_bytes": after_import, "peak_bytes": peak},
        "scored": scored,
    }


def timed_callable(session: Session, batch: Any) -> Callable[[], None]:
    """What is timed: one batch computed on data already in place, and waited for."""
    compute, wait = session.run, session.wait

    def call() -> None:
        wait(compute(batch))

    return call


class _Phases:
    """Times each phase and tells the parent which one it is."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        self.report("phase", name=name)
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start


def _cost(model: keras.Model) -> dict[str, Any]:
    from zoo.models.cost import cost

    total = cost(model)
    return {
        "parameters": total.parameters,
        "trainable_parameters": total.trainable_parameters,
        "macs": total.macs,
        "flops": total.flops,
        "weights_bytes": total.weights_bytes,
    }


def _load_weights(
    model: keras.Model, spec: ModelSpec, dataset: str, chosen: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """Load the chosen weights; what they are and where they come from."""
    if chosen is None:
        return None
    from zoo.models import weights

    shipped = spec.weights_for(dataset)
    path = weights.locate(shipped) if chosen["path"] is None and shipped else Path(chosen["path"])
    digest = weights.load(model, path, sha256=chosen["sha256"])
    return {
        "source": chosen["source"],
        "file": path.name,
        "sha256": digest,
        "file_bytes": path.stat().st_size,
        "provenance": weights.provenance(path),
    }


def _random_images(batch_size: int, input_shape: tuple[int, int, int]) -> np.ndarray[Any, Any]:
    """Images whose values don't matter: what they cost is the same for all."""
    import numpy as np

    return np.random.default_rng(0).random((batch_size, *input_shape), dtype=np.float32)


def _score(
    runtime: Runtime,
    model: keras.Model,
    dataset: Dataset,
    spec: ModelSpec,
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Top-1 accuracy on the whole test split, by the runtime being measured, and every prediction."""
    import numpy as np

    from zoo.data.load import load
    from zoo.data.preprocess import adapt

    test = load(dataset, "test")
    recipe = provenance.get("recipe", {})
    mean, std = recipe.get("mean", (0.0,)), recipe.get("std", (1.0,))
    session = runtime.open(model, EVALUATION_BATCH)
    predictions = np.empty(len(test.labels), np.uint16)
    for first in range(0, len(test.labels), EVALUATION_BATCH):
        images = adapt(test.images[first : first + EVALUATION_BATCH], spec.input_shape, mean, std)
        count = len(images)
        padded = np.concatenate([images, np.zeros((EVALUATION_BATCH - count, *images.shape[1:]), np.float32)])
        logits = session.fetch(session.run(session.place(padded)))[:count]
        predictions[first : first + count] = logits.argmax(axis=1)
    correct = int((predictions == test.labels).sum())
    return {
        **accuracy(correct, len(test.labels)),
        "split": "test",
        "dataset_sha256": test.digest,
        "predictions": _packed(predictions.astype("<u2").tobytes()),
        "correct": _packed(np.packbits(predictions == test.labels).tobytes()),
    }


def _packed(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode()
