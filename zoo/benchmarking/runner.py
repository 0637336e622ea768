"""Measure: fresh processes for each scenario, as the schedule says, and a Result whatever becomes of them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import psutil

from zoo.benchmarking import environment as env
from zoo.benchmarking.batch_size import with_batch, with_common_batch
from zoo.benchmarking.environment import load_of_others
from zoo.benchmarking.plan import Options, Step
from zoo.benchmarking.processes import Process, ProcessGroup
from zoo.benchmarking.reference import References
from zoo.benchmarking.schedule import Lost, Member, Schedule
from zoo.benchmarking.sides import OnPhase, Side
from zoo.benchmarking.timing import Turn, TurnLength
from zoo.cores import usable_cores
from zoo.record.identifiers import new_id
from zoo.record.result import Result

OnStep = Callable[[int, int, Step], OnPhase]


def measure_plan(steps: Sequence[Step], on_step: OnStep | None = None, run_id: str | None = None) -> Iterator[Result]:
    """Measure each step by itself and yield its Result; a step that fails yields one that says how.

    :param on_step: called when a step begins, with its number, how many there are, and the step; returns what is called
        with the name of each of its phases.
    :param run_id: of the run that this continues.
    :raises UsageError: if what was asked for is impossible here.
    """
    for (result,) in measure_sides([(step,) for step in steps], on_step, run_id):
        yield result


def measure_sides(
    matrix: Sequence[Sequence[Step]], on_step: OnStep | None = None, run_id: str | None = None
) -> Iterator[tuple[Result, ...]]:
    """Measure the steps of each row side by side, a process of each at a time that sample in turn; yield all Results.

    The parameters are those of `measure_plan`.
    """
    environment, run_id = env.collect(), run_id or new_id()
    load_at_start = load_of_others()  # before the steps, which load it themselves
    every_step = [step for steps in matrix for step in steps]
    with References(every_step, environment) as references:
        for index, steps in enumerate(matrix):
            on_phase = on_step(index, len(matrix), steps[-1]) if on_step else _ignore

            def measured(steps: Sequence[Step], on_phase: OnPhase = on_phase) -> tuple[Result, ...]:
                sides = [Side.prepare(step, load_at_start, references, on_phase) for step in steps]
                for side in sides:
                    side.paired = len(sides) > 1
                if all(side.ended is None for side in sides):
                    with ProcessGroup() as group:  # no process is left
                        _schedule(steps[0].options, Processes(sides, group, on_phase)).carry_out()
                return tuple(side.result(environment, run_id) for side in sides)

            seeks_batch_size = any(step.seeks_batch_size for step in steps)
            yield _at_largest_batch(steps, measured, on_phase) if seeks_batch_size else measured(steps)


def _at_largest_batch(
    steps: Sequence[Step], measured: Callable[[Sequence[Step]], tuple[Result, ...]], on_phase: OnPhase
) -> tuple[Result, ...]:
    """Measure steps side by side with the largest batch size that fits all of them at once."""
    if not any(step.unavailable for step in steps):
        steps = with_common_batch(steps, on_phase)
    while True:
        results = measured(steps)
        # each fitted while it was alone on its device, which several share
        if steps[0].scenario.batch_size == 1 or all(result.outcome != "out_of_memory" for result in results):
            return results
        steps = [with_batch(step, step.scenario.batch_size // 2) for step in steps]


def _schedule(options: Options, processes: Processes) -> Schedule:
    """What decides about real processes."""
    return Schedule(
        len(processes.sides),
        options,
        processes,
        clock=time.monotonic,
        available_bytes=lambda: psutil.virtual_memory().available,
        shuffled=lambda members: random.sample(members, len(members)),
        at_a_time=usable_cores(),
    )


@dataclass(frozen=True)
class Processes:
    """The processes of all sides, as a schedule has them carry out its decisions."""

    sides: Sequence[Side]
    group: ProcessGroup
    on_phase: OnPhase

    def start(self, members: Sequence[Member]) -> Mapping[Member, int | Lost]:
        """See `zoo.benchmarking.schedule.Hands`, as for the following."""
        for member in members:
            on_phase = _ignore if member.side else self.on_phase
            self.sides[member.side].start(member.number, self.group, on_phase, beside=len(members) - 1)
        return {
            member: process.resident_bytes if (process := self._of(member)).ready() else self._lost(member)
            for member in members
        }

    def warm_up(self, member: Member) -> Lost | None:
        """Have it warm up."""
        return None if self._of(member).warm_up() else self._lost(member)

    def sample(self, member: Member, length: TurnLength) -> Turn | Lost:
        """Have it sample."""
        process = self._of(member)
        return process.turns[-1] if process.sample(length) else self._lost(member)

    def end(self, member: Member) -> float | Lost:
        """Take what it has recorded."""
        return self.sides[member.side].take(member)

    def drop(self, member: Member) -> None:
        """Do without it."""
        self.sides[member.side].drop(member)

    def _of(self, member: Member) -> Process:
        return self.sides[member.side].processes[member.number]

    def _lost(self, member: Member) -> Lost:
        ended = self.end(member)
        return ended if isinstance(ended, Lost) else Lost()


def _ignore(_: str) -> None:
    pass
