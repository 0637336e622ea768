"""Time a call: warm up until it is steady, then sample. No framework; the clock is passed in.

A round is one sample: the mean of `iterations` calls, as in pytest-benchmark. Calls are grouped only where one alone is
too short for the clock to resolve.
"""

from __future__ import annotations

import gc
import math
import statistics
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

Clock = Callable[[], int]

# A round lasts at least this many times what reading the clock costs: two readings and the loop stay below 0.1 %.
CLOCK_SHARE = 3000
CHANGE_Z = 2.576  # two-sided 1 % of the normal distribution
LEAST_RANKED = 5  # fewer in each stretch can't differ at that level, whatever they are
CHANGE_RATIO = 0.01  # a change of the median smaller than that is no change


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """How long to measure.

    Attributes:
        warmup_min_s, warmup_max_s: the least and the most time for warming up.
        min_time_s, min_rounds: sampling ends once both are reached …
        max_time_s: … or this time is over, whatever the count.
    """

    warmup_min_s: float = 0.5
    warmup_max_s: float = 5.0
    min_time_s: float = 2.0
    min_rounds: int = 64
    max_time_s: float = 10.0

    def within(self, seconds: float) -> Policy:
        """The same, as far as there is time: a quarter of it at most for warming up, half of it for sampling."""
        return Policy(
            warmup_min_s=min(self.warmup_min_s, seconds / 8),
            warmup_max_s=min(self.warmup_max_s, seconds / 4),
            min_time_s=min(self.min_time_s, seconds / 2),
            min_rounds=self.min_rounds,
            max_time_s=min(self.max_time_s, seconds / 2),
        )

    def one_turn(self, most_s: float = math.inf) -> TurnLength:
        """All of the sampling at once.

        :param most_s: a limit that may be tighter than `max_time_s`, but leaves `min_time_s`.
        """
        limit_s = max(self.min_time_s, min(self.max_time_s, most_s))
        return TurnLength(least_s=self.min_time_s, least_rounds=self.min_rounds, most_s=limit_s)


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnLength:
    """How long a process is to sample before another does: to a least time and a least count, or to a limit."""

    least_s: float
    least_rounds: int = 1
    most_s: float = math.inf


@dataclass(frozen=True, slots=True)
class Turn:
    """What a process has sampled without another sampling in between.

    Attributes:
        start_s: by the clock.
        seconds: how long it took.
        samples_s: seconds a call, for each round.
    """

    start_s: float
    seconds: float
    samples_s: tuple[float, ...]

    @property
    def rounds(self) -> int:
        """How many samples there are."""
        return len(self.samples_s)


class TurnSource:
    """Tells a process when to compute. Nobody directs this one: it samples once, as long as the policy says."""

    def __init__(self, policy: Policy) -> None:
        self.left = [policy.one_turn()]

    def warm_up(self) -> None:
        """Return when it is time to warm up."""

    def next_turn(self) -> TurnLength | None:
        """Return when it is time to sample; None when there has been enough."""
        return self.left.pop() if self.left else None

    def hand_over(self, turn: Turn) -> None:
        """Take what was sampled in this turn."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The raw samples of one process.

    Attributes:
        iterations: calls in a round.
        warmup_s: seconds a call, for each round of warming up.
        turns: what was sampled.
        settled: whether the change test saw the steady state before the time for warming up was over.
    """

    iterations: int
    warmup_s: list[float]
    turns: list[Turn]
    settled: bool

    @property
    def samples_s(self) -> list[float]:
        """Seconds a call, for each round that counts."""
        return [sample for turn in self.turns for sample in turn.samples_s]


def measure(
    call: Callable[[], object],
    policy: Policy,
    clock: Clock = time.perf_counter_ns,
    *,
    source: TurnSource | None = None,
    meters: Sequence[AbstractContextManager[object]] = (),
) -> Timing:
    """Warm up, then sample, with the garbage collector off as in `timeit`.

    :param call: does the work once and returns when it is done.
    :param clock: monotonic, in nanoseconds.
    :param source: says when to compute, if other processes are measured in turn with this one.
    :param meters: entered around each turn's samples, in their order: the last is the nearest to what is timed.
    """
    source = source or TurnSource(policy)
    source.warm_up()
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    turns: list[Turn] = []
    try:
        iterations = _iterations(call, clock)
        warmup_s, settled = _warm_up(call, iterations, policy, clock)
        while (length := source.next_turn()) is not None:
            call()  # not timed: it finds the caches as another process has left them
            with ExitStack() as stack:
                for meter in meters:
                    stack.enter_context(meter)
                start = clock()
                rounds = _sample(call, iterations, length, clock)
                end = clock()
            turns.append(Turn(start * 1e-9, (end - start) * 1e-9, tuple(rounds)))
            source.hand_over(turns[-1])
    finally:
        if collecting:
            gc.enable()
    return Timing(iterations, warmup_s, turns, settled)


def _round(call: Callable[[], object], iterations: int, clock: Clock) -> float:
    """Seconds a call, over one round."""
    repeat = range(iterations)
    start = clock()
    for _ in repeat:
        call()
    return (clock() - start) / iterations * 1e-9


def _iterations(call: Callable[[], object], clock: Clock) -> int:
    """How many calls a round needs so that the clock resolves it."""
    least_s = CLOCK_SHARE * clock_cost_s(clock)
    iterations = 1
    while iterations < 2**24:
        # the quicker of two: a slow first call says nothing of the next
        spent = min(_round(call, iterations, clock) for _ in range(2)) * iterations
        if spent >= least_s:
            break
        wanted = math.ceil(iterations * least_s / spent) if spent > 0 else 2**24
        iterations = min(max(iterations * 2, wanted), iterations * 10)
    return iterations


def clock_cost_s(clock: Clock) -> float:
    """What reading the clock costs, or its resolution if that is coarser: the least step it shows."""
    steps = []
    for _ in range(50):
        first = last = clock()
        while last == first:
            last = clock()
        steps.append(last - first)
    return min(steps) * 1e-9


def _warm_up(call: Callable[[], object], iterations: int, policy: Policy, clock: Clock) -> tuple[list[float], bool]:
    """Rounds until two stretches of them can't be told apart, within the policy's limits."""
    rounds: list[float] = []
    start, next_look = clock(), 6
    while True:
        rounds.append(_round(call, iterations, clock))
        spent_s = (clock() - start) * 1e-9
        if len(rounds) >= next_look and spent_s >= policy.warmup_min_s:
            if is_steady(rounds):
                return rounds, True
            next_look = math.ceil(len(rounds) * 1.25)
        if spent_s >= policy.warmup_max_s:
            return rounds, len(rounds) >= 6 and is_steady(rounds)


def is_steady(rounds: Sequence[float]) -> bool:
    """Whether the last third of the rounds is no different from the third before it.

    Different means that the medians differ by over 1 % and that a rank test (Mann & Whitney 1947) says so at the 1 %
    level: a difference that matters and that is not noise.
    """
    third = len(rounds) // 3
    if third < 2:
        return False
    before, after = rounds[-2 * third : -third], rounds[-third:]
    first, last = statistics.median(before), statistics.median(after)
    if abs(last - first) <= CHANGE_RATIO * first:
        return True
    return third >= LEAST_RANKED and abs(rank_test_z(before, after)) <= CHANGE_Z


def rank_test_z(a: Sequence[float], b: Sequence[float]) -> float:
    """The Mann–Whitney statistic of two samples in standard deviations; positive where `b` is larger."""
    ordered, n, m = sorted(a), len(a), len(b)
    u = sum(bisect_left(ordered, value) + bisect_right(ordered, value) for value in b) / 2  # of equal ones, half
    return (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)


def _sample(call: Callable[[], object], iterations: int, length: TurnLength, clock: Clock) -> list[float]:
    rounds: list[float] = []
    start = clock()
    while True:
        rounds.append(_round(call, iterations, clock))
        spent_s = (clock() - start) * 1e-9
        if spent_s >= length.most_s or (len(rounds) >= length.least_rounds and spent_s >= length.least_s):
            return rounds
