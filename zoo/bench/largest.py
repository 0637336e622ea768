"""The largest batch that fits: doubled in fresh processes until one fails."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from zoo.bench.plan import Step
from zoo.bench.scenario import Scenario
from zoo.executors.local import Task, run
from zoo.specs import ModelSpec, RuntimeSpec

FIRST, MOST = 1024, 65_536


def with_largest_batch(step: Step, on_phase: Callable[[str], None]) -> Step:
    """The step with the largest power of two as its batch size, up to 65,536, that memory and the time limit hold.

    Where not even one image can be computed the batch size stays 1: measuring it says why.
    """

    def fits(size: int) -> bool:
        on_phase(f"does a batch of {size:,} fit?")
        return run(_task(_with_batch(step, size))).outcome == "ok"

    size = FIRST
    if fits(size):
        while size < MOST and fits(2 * size):
            size *= 2
    else:
        size //= 2
        while size > 1 and not fits(size):
            size //= 2
    return _with_batch(step, size)


def _with_batch(step: Step, size: int) -> Step:
    scenario = dataclasses.replace(step.scenario, batch_size=size)
    return dataclasses.replace(step, scenario=scenario, job={**step.job, "scenario": scenario.to_json()}, largest=False)


def _task(step: Step) -> Task:
    return dataclasses.replace(step.task(), function="zoo.bench.largest:compute_one", label="largest-batch")


def compute_one(job: Mapping[str, Any], report: Callable[..., None]) -> None:
    """In a process of its own: compute one batch, whatever the weights and the images."""
    import numpy as np

    from zoo.models.build import build
    from zoo.references import resolve

    report("phase", name="first_call")
    scenario, spec = Scenario.from_json(job["scenario"]), ModelSpec.from_json(job["model"])
    runtime = resolve(RuntimeSpec.from_json(job["runtime"]).runtime)()
    runtime.start(device=scenario.device, precision=scenario.precision, threads=scenario.threads)
    images = np.zeros((scenario.batch_size, *spec.input_shape), np.float32)
    calibration = images[:1] if scenario.precision == "int8" else None
    session = runtime.open(build(spec, classes=job["dataset"]["classes"]), scenario.batch_size, calibration)
    session.fetch(session.run(session.place(images)))
