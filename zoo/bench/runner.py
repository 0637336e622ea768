"""Measure a plan: fresh processes for each scenario, and a Result whatever becomes of them."""

from __future__ import annotations

import dataclasses
import datetime
import random
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from zoo.bench import environment as env
from zoo.bench.assemble import assemble
from zoo.bench.plan import Step
from zoo.bench.stats import summarise
from zoo.bench.turns import SIDES, Pipes
from zoo.errors import EXIT_USAGE, UsageError
from zoo.executors.local import Completed, Task, run
from zoo.results.schema import Result

OnPhase = Callable[[str], None]
OnStep = Callable[[int, Step], OnPhase]
Execute = Callable[[Task, Callable[[dict[str, Any]], None] | None], Completed]

LEAST_FOR_WIDTH = 3  # processes, before the interval is believed to be as narrow as it says


@dataclass
class Taken:
    """What the processes of one scenario have recorded so far."""

    step: Step
    load_at_start: float | None
    records: list[dict[str, Any]] = field(default_factory=list)
    failed: Completed | None = None
    spent_s: float = 0.0
    longest_s: float = 0.0

    def wants_more(self) -> bool:
        """Whether another process is to be measured: by count, by time, and by how narrow the interval is."""
        options, count = self.step.options, len(self.records)
        if self.failed is not None:
            return False
        if count == 0:
            return True
        if options.max_time_s is not None and self.spent_s + self.longest_s > options.max_time_s:
            return False
        if options.target_width is None:
            return count < options.processes
        if count < LEAST_FOR_WIDTH:
            return True
        return count < options.most_processes and self.width() > options.target_width

    def width(self) -> float:
        """The interval of the median, as a share of it."""
        stats = summarise([record["samples_s"] for record in self.records])
        return (stats.high - stats.low) / stats.median

    def measure(
        self, on_phase: OnPhase, execute: Execute, pair: int | None = None, turns: dict[str, Any] | None = None
    ) -> None:
        """Measure one more process.

        :param pair, turns: the number of its pair, and how it takes turns with the other one.
        :raises UsageError: if what was asked for is impossible here, such as a device that isn't there.
        """

        def on_event(event: dict[str, Any]) -> None:
            if event["event"] == "phase":
                on_phase(event["name"])

        task = self.step.task()
        if self.records:  # the accuracy doesn't vary from process to process
            task = dataclasses.replace(task, job={**task.job, "score": False})
        task = dataclasses.replace(task, job={**task.job, "turns": turns})
        started = time.monotonic()
        completed = execute(task, on_event)
        spent = time.monotonic() - started
        self.spent_s, self.longest_s = self.spent_s + spent, max(self.longest_s, spent)
        if completed.value is not None:
            self.records.append({**completed.value, "pair": pair})
            return
        if completed.failure is not None and completed.failure.exit_code == EXIT_USAGE:
            raise UsageError(completed.failure.message)
        self.failed = completed

    def result(self, environment: Mapping[str, Any], run_id: str) -> Result:
        """The Result of what was recorded."""
        return assemble(
            self.step,
            environment,
            self.records,
            failed=self.failed,
            load_at_start=self.load_at_start,
            run=run_id,
        )


def measure_plan(
    steps: Sequence[Step], on_step: OnStep | None = None, execute: Execute = run, run_id: str | None = None
) -> Iterator[Result]:
    """Measure each step in turn and yield its Result; a step that fails yields one that says how.

    :param on_step: called when a step begins; returns what is called with the name of each of its phases.
    :param run_id: of the run that this continues.
    :raises UsageError: if what was asked for is impossible here.
    """
    environment, run_id = env.collect(), run_id or new_run_id()
    load_at_start = env.load_average()  # of the machine without us: the steps themselves load it
    for index, step in enumerate(steps):
        on_phase = on_step(index, step) if on_step else _ignore
        taken = Taken(step, load_at_start)
        while taken.wants_more():
            taken.measure(on_phase, execute)
        yield taken.result(environment, run_id)


def measure_pairs(pairs: Sequence[tuple[Step, Step]], on_step: OnStep | None = None) -> Iterator[tuple[Result, Result]]:
    """Measure two sides in pairs of processes that compute in turn, and yield both Results.

    Both processes of a pair are alive at once, and a token decides which one computes (`zoo.bench.turns`).
    """
    environment, run_id = env.collect(), new_run_id()
    load_at_start = env.load_average()
    for index, (step_a, step_b) in enumerate(pairs):
        sides = (Taken(step_a, load_at_start), Taken(step_b, load_at_start))
        number = 0
        while all(side.wants_more() for side in sides):
            on_phase = on_step(index, step_b) if on_step else _ignore
            _measure_in_turn(sides, number, on_phase)
            number += 1
        a, b = (side.result(environment, run_id) for side in sides)
        yield a, b


def _measure_in_turn(sides: tuple[Taken, Taken], number: int, on_phase: OnPhase) -> None:
    """Measure one process of each side; which one begins is drawn by lot."""
    stop, seed = threading.Event(), random.getrandbits(32)
    with tempfile.TemporaryDirectory(prefix="zoo-turns-") as folder, ThreadPoolExecutor(2) as pool:
        pipes = Pipes(Path(folder))
        running = {}
        for name, side in zip(SIDES, random.sample(sides, 2), strict=True):
            turns = {"folder": folder, "side": name, "seed": seed}
            phases = on_phase if name == SIDES[0] else _ignore
            running[pool.submit(side.measure, phases, partial(run, stop=stop), number, turns)] = name
        try:
            for ended in as_completed(running):
                pipes.tell_ended(SIDES[1 - SIDES.index(running[ended])])
                ended.result()
        finally:
            stop.set()
            pipes.close()
    records = [side.records[-1] for side in sides if side.failed is None]
    if len(records) == 2:
        _tell_apart(*(record["activity"] for record in records))


def _tell_apart(a: dict[str, Any], b: dict[str, Any]) -> None:
    """Take what the other side of a pair did out of what others did meanwhile."""
    for one, other in ((a, b), (b, a)):
        one["other_cores_busy"] = max(0.0, one["other_cores_busy"] - other["own_cores_busy"])


def new_run_id() -> str:
    """Identifies what was measured in one run; sorts by time."""
    return f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def _ignore(_: str) -> None:
    pass
