"""Measure one scenario in this process. The heavy frameworks are imported here and nowhere else."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import statistics
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.benchmarking import activity, memory
from zoo.benchmarking.accuracy import accuracy
from zoo.benchmarking.conditions import instruments
from zoo.benchmarking.energy import EnergyMeter
from zoo.benchmarking.processes import Parent
from zoo.benchmarking.quality import PerImage, joined, per_image, quality
from zoo.benchmarking.reference import Reference
from zoo.benchmarking.timing import Policy, measure
from zoo.benchmarking.verification import Verification
from zoo.benchmarking.weights import as_trained, load_weights, normalisation
from zoo.data.catalog import Dataset, class_names
from zoo.data.class_names import Match, match, trained_names
from zoo.keras_backend import only_what_is_needed
from zoo.record.cost import LayerCost, ModelCost
from zoo.record.environment import CudaLibraries
from zoo.record.measures import ProcessMemory, TurnRecord
from zoo.record.result import ImagesUsed, Predictions, WeightsUsed
from zoo.record.scenario import Scenario
from zoo.record.worker import Measured, Refused, Scored
from zoo.references import resolve
from zoo.runtimes import CountsMemory, Runtime, Session, UsesCuda
from zoo.specs import ModelSpec, RuntimeSpec

if TYPE_CHECKING:
    import keras

EVALUATION_BATCH = 256
Report = Callable[..., None]


def run(job: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Measure `job["scenario"]`: a `zoo.record.worker.Measured`, or a `Refused`, as JSON values.

    The logits are compared with the reference before anything is timed; if they are not accepted that is the end of it.
    The order matters: memory is read before the test images are loaded, so that its peak is the model's.
    """
    with contextlib.ExitStack() as stack:
        return _run(job, report, stack).to_json()


def _run(job: Mapping[str, Any], report: Report, stack: contextlib.ExitStack) -> Refused:
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
    tools = stack.enter_context(instruments(scenario.device, started.device, runtime, job["caller"]))
    energy = EnergyMeter(tools.counter, job["policy"]["max_time_s"])
    energy.idle_before(job.get("beside", 0))  # the framework has started, and the model is there
    for watch in tools.watches():
        watch.look_before()
    with phases("first_call"):
        session = runtime.open(model, scenario.batch_size, reference.calibration)
        batch = session.place(reference.batch(0, scenario.batch_size)[0])
        session.wait(session.run(batch))

    verification = Verification(session, reference, scenario.batch_size, scenario.precision)
    with phases("parity"):
        parity = verification.check()
    refused = Refused(
        started=started,
        started_beside=job.get("beside", 0),
        phases_s=phases.seconds,
        parity=parity,
        cuda=None if scenario.device == "cpu" else _cuda(runtime),
    )
    if not parity.accepted:
        return refused

    with phases("steady"):
        meter, timed = activity.Meter(), Timed(session, batch)
        meters: list[AbstractContextManager[object]] = [*tools.watches(), energy, meter]
        timing = measure(timed, Policy(**job["policy"]), source=parent, meters=meters)
    meanwhile = meter.total()
    phases.seconds["steady"] = meanwhile.seconds  # without the waiting for its turn
    energy.idle_after()
    conditions = tools.conditions()
    peak = memory.peak_bytes()
    peak_device = runtime.peak_device_bytes() if isinstance(runtime, CountsMemory) else None

    with phases("copies"):
        wrong = verification.check_timed(timed.output)
        copies = None
        if wrong is None:
            latency_s = statistics.median(timing.samples_s)
            copies, wrong = verification.time_copies(batch, latency_s, scenario.device_kind)
    if wrong is not None or copies is None:
        return dataclasses.replace(refused, parity=dataclasses.replace(parity, accepted=False, reason=wrong))
    del timed, batch
    session.close()

    scored = unscored = None
    if loaded is not None and job["score"]:
        with phases("accuracy"):
            classes = match(trained_names(loaded.provenance), class_names(dataset))
            unscored = classes.refused
            if unscored is None:
                scored = _score(runtime, model, dataset, spec, loaded, reference, classes)
    total, layers = _cost(model)
    return Measured(
        started=started,
        started_beside=refused.started_beside,
        phases_s=phases.seconds,
        parity=parity,
        cuda=refused.cuda,
        cost=total,
        layers=layers,
        weights=loaded,
        iterations=timing.iterations,
        warmup_s=tuple(timing.warmup_s),
        samples_s=tuple(timing.samples_s),
        turns=tuple(TurnRecord(start_s=turn.start_s, rounds=turn.rounds) for turn in timing.turns),
        settled=timing.settled,
        activity=meanwhile,
        energy=energy.recorded(),
        accelerator=conditions,
        memory=ProcessMemory(after_import_bytes=after_import, peak_bytes=peak, peak_device_bytes=peak_device),
        copies=copies,
        scored=scored,
        unscored=unscored,
    )


def _cuda(runtime: Runtime) -> CudaLibraries:
    """Which CUDA and cuDNN a runtime uses, with a code for what it can't tell."""
    used = runtime.uses_cuda() if isinstance(runtime, UsesCuda) else None
    versions = {"runtime": used.runtime if used else None, "cudnn": used.cudnn if used else None}
    unknown = {name: "unknown" for name, version in versions.items() if version is None}
    return CudaLibraries(runtime=versions["runtime"], cudnn=versions["cudnn"], reasons=unknown)


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


def _cost(model: keras.Model) -> tuple[ModelCost, tuple[LayerCost, ...]]:
    """What the model costs in all, and layer by layer."""
    from zoo.modeling.cost import cost

    total = cost(model)
    names = [field.name for field in dataclasses.fields(ModelCost)]
    return ModelCost(**{name: getattr(total, name) for name in names}), total.layers


def _score(
    runtime: Runtime,
    model: keras.Model,
    dataset: Dataset,
    spec: ModelSpec,
    loaded: WeightsUsed,
    reference: Reference,
    classes: Match,
) -> Scored:
    """Top-1 accuracy on the whole test split, by the runtime being measured, and every prediction.

    :param classes: how the classes that the model was trained on are numbered in the dataset.
    """
    import numpy as np

    from zoo.data.load import load
    from zoo.data.preprocess import adapt

    prepared = as_trained(dataset, spec, loaded)
    test = load(prepared, "test")
    mean, std = normalisation(loaded)
    session = runtime.open(model, EVALUATION_BATCH, reference.calibration)
    found: list[PerImage] = []
    for first in range(0, len(test.labels), EVALUATION_BATCH):
        images = adapt(test.images[first : first + EVALUATION_BATCH], spec.input_shape, mean, std)
        count = len(images)
        padded = np.concatenate([images, np.zeros((EVALUATION_BATCH - count, *images.shape[1:]), np.float32)])
        logits = np.asarray(session.fetch(session.run(session.place(padded)))[:count])
        if classes.order is not None:
            logits = logits[:, np.argsort(classes.order)]
        found.append(per_image(logits, test.labels[first : first + count]))
    session.close()
    every = joined(found)
    correct = every.predicted == test.labels
    names = class_names(dataset)
    return Scored(
        accuracy=accuracy(int(correct.sum()), len(test.labels)),
        predictions=Predictions(
            dataset_sha256=test.digest,
            split="test",
            classes=_packed(every.predicted.astype("<u2").tobytes()),
            correct=_packed(np.packbits(correct).tobytes()),
            labels=_packed(test.labels.astype("<u2").tobytes()),
            confidence=_packed(np.rint(every.confidence * 65535).astype("<u2").tobytes()),
            class_names=None if names is None else tuple(names),
        ),
        quality=quality(every, test.labels, dataset.classes),
        note=classes.note(),
        images=images_used(prepared, test.damaged),
    )


def images_used(dataset: Dataset, damaged: int) -> ImagesUsed | None:
    """How images were chosen and prepared; None where they are the test split of a dataset of one size.

    :param damaged: how many files of the split were left out.
    """
    fit = dataset.fit
    if fit is None and dataset.divided is None:
        return None
    return ImagesUsed(
        resize=fit.resize if fit else None,
        height=fit.height if fit else None,
        width=fit.width if fit else None,
        divided=dataset.divided,
        damaged=dataset.damaged + damaged,
        left_out=dataset.left_out,
    )


def _packed(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode()
