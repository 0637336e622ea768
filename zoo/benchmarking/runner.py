"""Measure a plan: fresh processes for each scenario, and a Result whatever becomes of them."""

from __future__ import annotations

import datetime
import math
import random
import secrets
import time
from collections.abc import Callable, Iterator, Sequence

import psutil

from zoo.benchmarking import environment as env
from zoo.benchmarking.assemble import Ended
from zoo.benchmarking.load import load_of_others
from zoo.benchmarking.plan import Options, Step
from zoo.benchmarking.reference import References
from zoo.benchmarking.stats import LEAST_TURNS, interval
from zoo.benchmarking.taken import OnPhase, Taken
from zoo.benchmarking.timing import Turn
from zoo.benchmarking.turns import Group, Member
from zoo.cores import usable_cores
from zoo.executors.local import Failure
from zoo.results.schema import Result

OnStep = Callable[[int, int, Step], OnPhase]

WIDTH_TIME_S = 300.0  # for an interval to become as narrow as asked for, where no time is given
# A long turn leaves the caches to a process for longer; short ones let what the machine does meet a pair more alike.
TURN_S = 0.25
ENDING_S = 1.5
PAIR_TURNS = 64
PARTNER_ENDED = "the process that it was measured in turn with has ended"


def measure_plan(steps: Sequence[Step], on_step: OnStep | None = None, run_id: str | None = None) -> Iterator[Result]:
    """Measure each step in turn and yield its Result; a step that fails yields one that says how.

    :param on_step: called when a step begins, with its number, how many there are, and the step; returns what is called
        with the name of each of its phases.
    :param run_id: of the run that this continues.
    :raises UsageError: if what was asked for is impossible here.
    """
    environment, run_id = env.collect(), run_id or new_run_id()
    load_at_start = load_of_others()  # before the steps, which load it themselves
    with References(steps) as references:
        for index, step in enumerate(steps):
            on_phase = on_step(index, len(steps), step) if on_step else _ignore
            taken = Taken.nothing_yet(step, load_at_start, references, on_phase)
            _measure(taken, on_phase)
            yield taken.result(environment, run_id)


def _measure(taken: Taken, on_phase: OnPhase) -> None:
    """Measure all processes of a scenario: at once as far as memory goes, else one group after the other."""
    clock = _Clock(taken.step.options)
    while taken.ended is None and clock.wanted() > len(taken.records) and not (taken.records and clock.over()):
        with Group() as group:
            taken.start(group, on_phase)  # alone, so that its phases are timed
            alive = group.members[0].ready() and group.members[0].warm_up()
            clock.first_started()
            while alive and (missing := clock.wanted() - len(taken.records) - len(group.members)) > 0:
                if not _has_room(group.members[0]):
                    break
                alive = _start_more(taken, group, min(missing, usable_cores()), on_phase)
            turn = _turn(taken.step.options, len(group.members))
            while alive and not clock.enough(group.members):
                alive = all(member.sample(turn) for member in random.sample(group.members, len(group.members)))
            for member in group.members if alive else group.ended():
                if taken.ended is None:
                    taken.take(member)


def _start_more(taken: Taken, group: Group, count: int, on_phase: OnPhase) -> bool:
    """Start some more at the same time; they warm up one by one. False if one has ended instead."""
    more = [taken.start(group, on_phase, beside=count - 1) for _ in range(count)]
    return all(member.ready() for member in more) and all(member.warm_up() for member in more)


def _turn(options: Options, members: int) -> Turn:
    policy = options.policy
    if members > 1 or options.target_width is not None:
        return Turn(least_s=TURN_S)
    return Turn(least_s=policy.min_time_s, least_rounds=policy.min_rounds, most_s=policy.max_time_s)


class _Clock:
    """Decides how many processes there are to be, and when they have sampled enough."""

    def __init__(self, options: Options) -> None:
        self.options, self.count = options, options.least_processes()
        self.limit_s = options.max_time_s or (math.inf if options.target_width is None else WIDTH_TIME_S)
        self.begun, self.start_s = time.monotonic(), 0.0

    def first_started(self) -> None:
        """The first process is ready: another will take as long."""
        self.start_s = max(self.start_s, self.spent_s())

    def spent_s(self) -> float:
        """Since the scenario began."""
        return time.monotonic() - self.begun

    def over(self) -> bool:
        """Whether the time is, but for what ending takes."""
        return self.spent_s() >= self.limit_s - ENDING_S

    def wanted(self) -> int:
        """How many processes in all; at least one, and no more than there is time to start and to measure."""
        needed_s = self.start_s + self.options.policy.min_time_s * self.count
        return self.count if self.spent_s() + needed_s <= self.limit_s else 1

    def enough(self, members: Sequence[Member]) -> bool:
        """Whether they have sampled enough."""
        if not all(member.blocks for member in members):
            return False
        if self.over():
            return True
        if not all(self._satisfied(member) for member in members):
            return False
        return self.options.target_width is None or _width(members) <= self.options.target_width

    def _satisfied(self, member: Member) -> bool:
        policy, sampled_s = self.options.policy, member.sampled_s()
        if sampled_s >= policy.max_time_s:
            return True
        return sampled_s >= policy.min_time_s and member.sampled_rounds() >= policy.min_rounds


def _width(members: Sequence[Member]) -> float:
    """How wide the interval of the median is by now, as a share of it, by some of the samples."""
    import numpy as np

    if len(members) < 2 or min(len(member.blocks) for member in members) < LEAST_TURNS:
        return math.inf
    samples = [[second for block in member.blocks for second in block.some_s] for member in members]
    turns = [[{"start_s": b.start_s, "rounds": len(b.some_s)} for b in member.blocks] for member in members]
    low, high = interval(samples, np.median, turns)
    return 2 * (high - low) / (high + low)


def _has_room(member: Member) -> bool:
    """Whether memory holds another process as large as this one, twice over."""
    return bool(psutil.virtual_memory().available > 2 * member.resident_bytes)


def measure_sides(matrix: Sequence[Sequence[Step]], on_step: OnStep | None = None) -> Iterator[tuple[Result, ...]]:
    """Measure steps side by side, a process of each at a time that compute in turn, and yield all their Results."""
    environment, run_id = env.collect(), new_run_id()
    load_at_start = load_of_others()
    with References([step for steps in matrix for step in steps]) as references:
        for index, steps in enumerate(matrix):
            on_phase = on_step(index, len(matrix), steps[-1]) if on_step else _ignore
            sides = [Taken.nothing_yet(step, load_at_start, references, on_phase) for step in steps]
            begun, longest_s, number = time.monotonic(), 0.0, 0
            while _another_round(sides, number, time.monotonic() - begun, longest_s):
                started = time.monotonic()
                _measure_round(sides, number, on_phase)
                longest_s, number = max(longest_s, time.monotonic() - started), number + 1
            yield tuple(side.result(environment, run_id) for side in sides)


def _another_round(sides: Sequence[Taken], number: int, spent_s: float, longest_s: float) -> bool:
    """Whether another process of each is to be measured: by count, by time, and by how narrow the intervals are."""
    options = sides[0].step.options
    if any(side.ended is not None for side in sides):
        return False
    if number == 0:
        return True
    if options.max_time_s is not None and spent_s + longest_s > options.max_time_s:
        return False
    if number < options.least_processes():
        return True
    if options.target_width is None:
        return False
    return number < options.most_processes and any(side.width() > options.target_width for side in sides)


def _measure_round(sides: Sequence[Taken], number: int, on_phase: OnPhase) -> None:
    """Measure one process of each side, in short turns; their order is drawn by lot each time."""
    with Group() as group:
        for index, side in enumerate(sides):
            side.start(group, _ignore if index else on_phase, beside=len(sides) - 1)
        members, count = group.members, len(sides)
        alive = all(member.ready() for member in members) and all(
            member.warm_up() for member in random.sample(members, count)
        )
        turn = Turn(least_s=sides[0].step.options.policy.min_time_s / PAIR_TURNS)
        for _ in range(PAIR_TURNS):
            alive = alive and all(member.sample(turn) for member in random.sample(members, count))
        for side, member in zip(sides, members, strict=True):
            if alive or member in group.ended():
                side.take(member, number)
            else:
                side.ended = Ended("error", Failure(None, "Ended", PARTNER_ENDED))


def new_run_id() -> str:
    """Identifies what was measured in one run; sorts by time."""
    return f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def _ignore(_: str) -> None:
    pass
