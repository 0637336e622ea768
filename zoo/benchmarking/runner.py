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
from zoo.benchmarking.processes import ProcessGroup
from zoo.benchmarking.reference import References
from zoo.benchmarking.schedule import (
    Answer,
    Drop,
    End,
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
                for side in sides:
                    side.paired = len(sides) > 1
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
        decisions = schedule.decisions()
        answer: Answer = None
        while True:
            try:
                decision = decisions.send(answer)
            except StopIteration:
                return
            if isinstance(decision, Start):
                answer = _start(decision.members, sides, group, on_phase)
            else:
                answer = _do(decision, sides[decision.member.side])


def _do(decision: WarmUp | Sample | End | Drop, side: Side) -> Answer:
    """Carry out one decision about a process, and say how it went."""
    member, process = decision.member, side.processes[decision.member.number]
    match decision:
        case WarmUp():
            return None if process.warm_up() else side.take(member)
        case Sample():
            return process.turns[-1] if process.sample(decision.length) else side.take(member)
        case End():
            return side.take(member)
        case Drop():
            side.drop(member)
            return None


def _start(
    members: Sequence[Member], sides: Sequence[Side], group: ProcessGroup, on_phase: OnPhase
) -> Mapping[int, int | Lost]:
    for member in members:
        tell = _ignore if member.side else on_phase
        sides[member.side].start(member.number, group, tell, beside=len(members) - 1)
    each: dict[int, int | Lost] = {}
    for member in members:
        side = sides[member.side]
        process = side.processes[member.number]
        if process.ready():
            each[member.number] = process.resident_bytes
        else:
            ended = side.take(member)
            each[member.number] = ended if isinstance(ended, Lost) else Lost()
    return each


def _ignore(_: str) -> None:
    pass
