"""Measure: fresh processes for each scenario, as the schedule says, and a Result whatever becomes of them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import psutil

from zoo.benchmarking import environment as env
from zoo.benchmarking.batch_size import with_batch, with_common_batch
from zoo.benchmarking.environment import load_of_others
from zoo.benchmarking.plan import Options, Step
from zoo.benchmarking.processes import Process, ProcessGroup
from zoo.benchmarking.reference import References
from zoo.benchmarking.schedule import (
    Answer,
    Decision,
    Drop,
    End,
    Finished,
    Lost,
    Member,
    Sample,
    Schedule,
    Start,
    StoppingRule,
    WarmUp,
)
from zoo.benchmarking.sides import OnPhase, Side
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
                if all(side.ended is None for side in sides):
                    _carry_out(_schedule(steps[0].options, len(sides)), sides, on_phase)
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


def _schedule(options: Options, sides: int) -> Schedule:
    """What decides about real processes."""
    rule = StoppingRule(
        policy=options.policy,
        sets=options.least_processes(sides),
        most_sets=options.most_processes,
        target_width=options.target_width,
        max_time_s=options.max_time_s,
    )
    return Schedule(
        sides,
        rule,
        clock=time.monotonic,
        available_bytes=lambda: psutil.virtual_memory().available,
        shuffled=lambda members: random.sample(members, len(members)),
        at_a_time=usable_cores(),
    )


def _carry_out(schedule: Schedule, sides: Sequence[Side], on_phase: OnPhase) -> None:
    """Do what a schedule decides, until it decides nothing more. No process is left."""
    with ProcessGroup() as group:
        driver = Driver(sides, group, on_phase)
        decisions, answer = schedule.decisions(), None
        while True:
            try:
                decision = decisions.send(answer)
            except StopIteration:
                return
            answer = driver.do(decision)


class Driver:
    """Does to real processes what a schedule decides."""

    def __init__(self, sides: Sequence[Side], group: ProcessGroup, on_phase: OnPhase) -> None:
        self.sides, self.group, self.on_phase = sides, group, on_phase
        self.processes: dict[int, Process] = {}

    def do(self, decision: Decision) -> Answer:
        """Carry out one decision, and say how it went."""
        match decision:
            case Start(members):
                return self._start(members)
            case WarmUp(member):
                return None if self.processes[member.number].warm_up() else self._take(member)
            case Sample(member, length):
                process = self.processes[member.number]
                return process.turns[-1] if process.sample(length) else self._take(member)
            case End(member):
                return self._take(member)
            case Drop(member):
                process = self.processes[member.number]
                process.close()
                self.sides[member.side].drop(member.number, process, self._pair(member))
                return None

    def _start(self, members: Sequence[Member]) -> Mapping[int, int | Lost]:
        for member in members:
            on_phase = _ignore if member.side else self.on_phase
            side = self.sides[member.side]
            self.processes[member.number] = side.start(self.group, on_phase, beside=len(members) - 1)
        each: dict[int, int | Lost] = {}
        for member in members:
            process = self.processes[member.number]
            if process.ready():
                each[member.number] = process.resident_bytes
            else:
                ended = self._take(member)
                each[member.number] = ended if isinstance(ended, Lost) else Lost()
        return each

    def _take(self, member: Member) -> Finished | Lost:
        """Take what a process has recorded, or how it has ended."""
        process = self.processes[member.number]
        answer = self.sides[member.side].take(member.number, process, self._pair(member))
        process.close()
        return answer

    def _pair(self, member: Member) -> int | None:
        return member.set if len(self.sides) > 1 else None


def _ignore(_: str) -> None:
    pass
