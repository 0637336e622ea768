"""Measure one scenario in this process. The heavy frameworks are imported here and nowhere else."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import statistics
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.benchmarking import activity, memory
from zoo.benchmarking.accuracy import accuracy
from zoo.benchmarking.conditions import Together, instruments
from zoo.benchmarking.energy import EnergyMeter
from zoo.benchmarking.processes import Parent
from zoo.benchmarking.reference import Reference
from zoo.benchmarking.timing import Policy, measure
from zoo.benchmarking.verification import Verification
from zoo.benchmarking.weights import load_weights, normalisation
from zoo.data.catalog import Dataset
from zoo.keras_backend import only_what_is_needed
from zoo.record.scenario import Scenario
from zoo.references import resolve
from zoo.runtimes import CountsMemory, Runtime, Session, UsesCuda
from zoo.specs import ModelSpec, RuntimeSpec

if TYPE_CHECKING:
    import keras

EVALUATION_BATCH = 256
Report = Callable[..., None]


def run(job: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Measure `job["scenario"]`: one process's share of a Result, as JSON values.

    The logits are compared with the reference before anything is timed; if they are not accepted that is the end of it.
    The order matters: memory is read before the test images are loaded, so that its peak is the model's.
    """
    with contextlib.ExitStack() as stack:
        return _run(job, report, stack)


def _run(job: Mapping[str, Any], report: Report, stack: contextlib.ExitStack) -> dict[str, Any]:
    """See `run`.

    :param stack: closes what is opened.
    """
    scenario = Scenario.from_json(job["scenario"])
    spec = ModelSpec.from_json(job["model"])
    dataset = Dataset.from_json(job["dataset"])
    parent = Parent(Path(job["pipes"])) if "pipes" in job else None
    phases = _Phases(report)

    runs_on = RuntimeSpec.from_json(job["runtime"])
    with phases("import"), only_what_is_needed(runs_on.requires):
        runtime: Runtime = resolve(runs_on.runtime)()
        started = runtime.start(device=scenario.device, precision=scenario.precision, threads=scenario.threads)
        import keras  # noqa: F401 - to be timed: the runtime need not have imported it
    memory.reset_peak()
    after_import = memory.resident_bytes()

    reference = Reference.load(Path(job["reference"]))
    with phases("build"):
        from zoo.modeling.build import build

        model = build(spec, classes=dataset.classes)
    with phases("load"):
        loaded = load_weights(model, spec, dataset.name, job["weights"])
        if loaded is None:
            from zoo.modeling import weights

            weights.load(model, reference.weights)
    tools = stack.enter_context(instruments(scenario.device, started["device"], runtime, job["caller"]))
    energy = EnergyMeter(tools.counter, job["policy"]["max_time_s"])
    energy.idle_before(job.get("beside", 0))  # the framework has started, and the model is there
    for watch in tools.watches():
        watch.look_before()
    with phases("first_call"):
        session = runtime.open(model, scenario.batch_size, reference.calibration)
        batch = session.place(reference.batch(0, scenario.batch_size)[0])
        session.wait(session.run(batch))

    record: dict[str, Any] = {
        "started": started,
        "started_beside": job.get("beside", 0),
        "phases_s": phases.seconds,
        "cuda": None if scenario.device == "cpu" else _cuda(runtime),
    }
    verification = Verification(session, reference, scenario.batch_size, scenario.precision)
    with phases("parity"):
        record["parity"] = verification.check()
    if not record["parity"]["accepted"]:
        return record

    with phases("steady"):
        meter, timed = activity.Meter(), Timed(session, batch)
        meters = Together(*tools.watches(), energy, meter)
        timing = measure(timed, Policy(**job["policy"]), source=parent, meter=meters)
    meanwhile = meter.total()
    phases.seconds["steady"] = meanwhile["seconds"]  # without the waiting for its turn
    energy.idle_after()
    conditions = tools.conditions()
    peak = memory.peak_bytes()
    peak_device = runtime.peak_device_bytes() if isinstance(runtime, CountsMemory) else None

    with phases("copies"):
        wrong = verification.check_timed(timed.output)
        copies: dict[str, float] = {}
        if wrong is None:
            latency_s = statistics.median(timing.samples_s)
            copies, wrong = verification.time_copies(batch, latency_s, scenario.device_kind)
    if wrong is not None:
        record["parity"] |= {"accepted": False, "reason": wrong}
        return record
    del timed, batch
    session.close()

    scored = None
    if loaded is not None and job["score"]:
        with phases("accuracy"):
            scored = _score(runtime, model, dataset, spec, loaded, reference)
    return {
        **record,
        **_cost(model),
        "weights": loaded,
        "iterations": timing.iterations,
        "warmup_s": timing.warmup_s,
        "samples_s": timing.samples_s,
        "blocks": [{"start_s": b.start_s, "rounds": b.rounds} for b in timing.turns],
        "settled": timing.settled,
        "activity": meanwhile,
        "energy": energy.recorded().to_json(),
        "accelerator": conditions and conditions.to_json(),
        "memory": {"after_import_bytes": after_import, "peak_bytes": peak, "peak_device_bytes": peak_device},
        "copies": copies,
        "scored": scored,
    }


def _cuda(runtime: Runtime) -> dict[str, Any]:
    """Which CUDA and cuDNN a runtime uses, with a code for what it can't tell."""
    used = runtime.uses_cuda() if isinstance(runtime, UsesCuda) else None
    versions = {"runtime": used and used.runtime, "cudnn": used and used.cudnn}
    return {**versions, "reasons": {name: "unknown" for name, version in versions.items() if version is None}}


class Timed:
    """What is timed: one batch computed on data already in place, and waited for. It keeps what came out last."""

    __slots__ = ("batch", "compute", "output", "wait")

    def __init__(self, session: Session, batch: Any) -> None:
        self.compute, self.wait, self.batch = session.run, session.wait, batch
        self.output: Any = None

    def __call__(self) -> None:
        self.output = None  # a session need not keep what nobody will look at
        self.output = self.compute(self.batch)
        self.wait(self.output)


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
    """What the model costs in all, and layer by layer."""
    from zoo.modeling.cost import cost

    total = cost(model)
    names = ("parameters", "trainable_parameters", "macs", "flops", "weights_bytes")
    return {
        "cost": {name: getattr(total, name) for name in names},
        "layers": [dataclasses.asdict(layer) for layer in total.layers],
    }


def _score(
    runtime: Runtime,
    model: keras.Model,
    dataset: Dataset,
    spec: ModelSpec,
    loaded: Mapping[str, Any],
    reference: Reference,
) -> dict[str, Any]:
    """Top-1 accuracy on the whole test split, by the runtime being measured, and every prediction."""
    import numpy as np

    from zoo.data.load import load
    from zoo.data.preprocess import adapt

    test = load(dataset, "test")
    mean, std = normalisation(loaded)
    session = runtime.open(model, EVALUATION_BATCH, reference.calibration)
    predictions = np.empty(len(test.labels), np.uint16)
    for first in range(0, len(test.labels), EVALUATION_BATCH):
        images = adapt(test.images[first : first + EVALUATION_BATCH], spec.input_shape, mean, std)
        count = len(images)
        padded = np.concatenate([images, np.zeros((EVALUATION_BATCH - count, *images.shape[1:]), np.float32)])
        logits = session.fetch(session.run(session.place(padded)))[:count]
        predictions[first : first + count] = logits.argmax(axis=1)
    session.close()
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
