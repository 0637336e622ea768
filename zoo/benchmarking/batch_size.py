"""The largest batch that fits: doubled in one process until it fails, each size that fitted being reported."""

from __future__ import annotations

import dataclasses
import gc
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psutil

from zoo.benchmarking.plan import Step
from zoo.executors.local import Completed, Control, Task, run
from zoo.keras_backend import only_what_is_needed
from zoo.record.scenario import Scenario
from zoo.references import resolve
from zoo.specs import ModelSpec, RuntimeSpec

FIRST, MOST = 1024, 65_536
FREE_SHARE = 0.9  # of the free memory, as a process may use that has no limit
KILLED = ("MemoryLimit", "OutOfMemory", "Timeout", "Exit", "SupervisorError")  # types of failures that nothing raised

OnPhase = Callable[[str], None]
# Tries sizes in one process: the last that fitted, or None, and how the process ended.
Grow = Callable[[Sequence[int]], tuple[int | None, Completed]]


def with_largest_batch(step: Step, on_phase: OnPhase) -> Step:
    """The step with the largest power of two as its batch size, up to 65,536, that memory and the time limit hold.

    Where not even one image can be computed the batch size stays 1: measuring it says why.
    """
    return with_batch(step, largest_that_fits(lambda sizes: _grow(step, sizes, on_phase)))


def with_common_batch(steps: Sequence[Step], on_phase: OnPhase) -> list[Step]:
    """The steps with the largest batch size that fits each while all of them are in memory.

    Each is held to its share of the memory that is free now. A device's own memory is not divided.
    """
    share = int(FREE_SHARE * psutil.virtual_memory().available / len(steps))
    sizes = []
    for step in steps:
        limit = min(share, step.options.memory_limit_bytes or share)
        options = dataclasses.replace(step.options, memory_limit_bytes=limit)
        held = dataclasses.replace(step, options=options)
        sizes.append(with_largest_batch(held, on_phase).scenario.batch_size)
    return [with_batch(step, min(sizes)) for step in steps]


def with_batch(step: Step, size: int) -> Step:
    """The step with a batch size."""
    scenario = dataclasses.replace(step.scenario, batch_size=size)
    job = {**step.job, "scenario": scenario.to_json()}
    return dataclasses.replace(step, scenario=scenario, job=job, seeks_batch_size=False)


def largest_that_fits(grow: Grow) -> int:
    """The largest size that fits, by as few processes as it takes.

    Sizes grow from 1024, or from 1 where that is too much. A size that failed by an exception is tried once more in a
    fresh process: some allocators don't join the pieces that smaller batches have left. Where a process was killed, the
    last size that it reported counts.
    """
    best, end = _upwards(grow, FIRST, MOST)
    if best is None and not (end.failure and end.failure.ours):  # what the zoo itself refuses it refuses at any size
        best, _ = _upwards(grow, 1, FIRST // 2)
    return best or 1


def _upwards(grow: Grow, first: int, last: int) -> tuple[int | None, Completed]:
    """The largest of the powers of two that fits, or None, and how the last process ended."""
    best, end = grow(powers(first, last))
    while best is not None and best < last and _raised(end):
        fitted, end = grow(powers(2 * best, last))
        if fitted is None:
            break
        best = fitted
    return best, end


def powers(first: int, last: int) -> list[int]:
    """From a size on, doubled up to another."""
    return [first << times for times in range((last // first).bit_length())]


def _raised(end: Completed) -> bool:
    """Whether an exception ended it, so that the process itself was whole."""
    return end.outcome in ("error", "out_of_memory") and end.failure is not None and end.failure.type not in KILLED


def _grow(step: Step, sizes: Sequence[int], on_phase: OnPhase) -> tuple[int | None, Completed]:
    task = step.task()
    job = {**task.job, "sizes": list(sizes)}
    task = dataclasses.replace(task, function="zoo.benchmarking.batch_size:compute", job=job, label="largest-batch")
    return _last_that_fitted(task, on_phase)


def _last_that_fitted(task: Task, on_phase: OnPhase) -> tuple[int | None, Completed]:
    """Run it; the deadline is that of one size, and starts again with each."""
    fitted: int | None = None
    control = Control()
    timer = threading.Timer(0, control.expire)

    def begin() -> None:
        nonlocal timer
        timer.cancel()
        if task.timeout_s is not None:
            timer = threading.Timer(task.timeout_s, control.expire)
            timer.daemon = True
            timer.start()

    def on_event(event: dict[str, Any]) -> None:
        nonlocal fitted
        if event["event"] == "fits":
            fitted = event["batch_size"]
            begin()
        elif event["event"] == "phase":
            on_phase(event["name"])

    begin()
    try:
        end = run(task, on_event, control)
    finally:
        timer.cancel()
    return fitted, end


def compute(job: Mapping[str, Any], report: Callable[..., None]) -> None:
    """In a process of its own: compute a batch of each of `job["sizes"]`, whatever the weights and the images.

    Reports `fits` with the `batch_size` after each.
    """
    scenario, spec = Scenario.from_json(job["scenario"]), ModelSpec.from_json(job["model"])
    report("phase", name=_question(job["sizes"][0]))
    runs_on = RuntimeSpec.from_json(job["runtime"])
    with only_what_is_needed(runs_on.requires):  # as in the process that will measure it
        runtime = resolve(runs_on.runtime)()
        runtime.start(device=scenario.device, precision=scenario.precision, threads=scenario.threads)
        import keras  # noqa: F401 - the runtime need not have imported it
    import numpy as np

    from zoo.modeling.build import build

    model = build(spec, classes=job["dataset"]["classes"])
    for size in job["sizes"]:
        report("phase", name=_question(size))
        images = np.zeros((size, *spec.input_shape), np.float32)
        session = runtime.open(model, size, images[:1] if scenario.precision == "int8" else None)
        session.fetch(session.run(session.place(images)))
        session.close()
        del session, images
        gc.collect()  # graphs and the tensors that they hold go in circles
        report("fits", batch_size=size)


def _question(size: int) -> str:
    return f"does a batch of {size:,} fit?"
