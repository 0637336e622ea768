"""Time a call: warm up until it is steady, then sample. No framework; the clock is passed in.

A round is one sample: the mean of `iterations` calls, as in pytest-benchmark. Calls are grouped only where one alone is
too short for the clock to resolve.
"""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zoo.bench.turns import BLOCKS, Turns

Clock = Callable[[], int]

# A round lasts at least this many times what reading the clock costs, so that reading it stays below 0.1 %.
CLOCK_SHARE = 1000
CHANGE_Z = 2.576  # two-sided 1 % of the normal distribution
LEAST_RANKED = 5  # fewer in each stretch can't differ at that level, whatever they are
CHANGE_RATIO = 0.01  # a change of the median smaller than that is no change


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """How long to measure.

    Attributes:
        warmup_min_s, warmup_max_s: the least and the most time for warming up.
        min_time_s, min_rounds: sampling ends once both are reached …
        max_time_s: … or this time is, whatever the count.
        precision: sampling goes on until the interval of the median is at most this share of it wide, or
            `max_time_s` is reached; None doesn't ask.
    """

    warmup_min_s: float = 0.5
    warmup_max_s: float = 5.0
    min_time_s: float = 2.0
    min_rounds: int = 64
    max_time_s: float = 10.0
    precision: float | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """The raw samples of one process.

    Attributes:
        iterations: calls in a round.
        warmup_s: seconds a call, for each round of warming up.
        samples_s: seconds a call, for each round that counts.
        settled: whether the change test saw the steady state before the time for warming up was over.
    """

    iterations: int
    warmup_s: list[float]
    samples_s: list[float]
    settled: bool


def measure(
    call: Callable[[], object], policy: Policy, clock: Clock = time.perf_counter_ns, turns: Turns | None = None
) -> Timing:
    """Warm up, then sample, with the garbage collector off as in `timeit`.

    :param call: does the work once and returns when it is done.
    :param clock: monotonic, in nanoseconds.
    :param turns: if another process is measured in turn with this one.
    """
    if turns is not None:
        turns.begin()
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        iterations = _iterations(call, clock)
        warmup_s, settled = _warm_up(call, iterations, policy, clock)
        if turns is None:
            samples_s = _sample(call, iterations, policy, clock)
        else:
            samples_s = _sample_in_turns(call, iterations, policy, clock, turns)
    finally:
        if collecting:
            gc.enable()
    return Timing(iterations, warmup_s, samples_s, settled)


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
    ordered = sorted([(value, 0) for value in a] + [(value, 1) for value in b])
    rank_sum, index = 0.0, 0
    while index < len(ordered):
        end = index
        while end < len(ordered) and ordered[end][0] == ordered[index][0]:
            end += 1
        mean_rank = (index + 1 + end) / 2
        rank_sum += mean_rank * sum(group for _, group in ordered[index:end])
        index = end
    n, m = len(a), len(b)
    u = rank_sum - m * (m + 1) / 2
    return (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)


def _sample(call: Callable[[], object], iterations: int, policy: Policy, clock: Clock) -> list[float]:
    from zoo.bench.stats import median_width

    rounds: list[float] = []
    start, next_look = clock(), policy.min_rounds
    while True:
        rounds.append(_round(call, iterations, clock))
        spent_s = (clock() - start) * 1e-9
        if spent_s >= policy.max_time_s:
            return rounds
        if len(rounds) < max(policy.min_rounds, next_look) or spent_s < policy.min_time_s:
            continue
        if policy.precision is None or median_width(rounds) <= policy.precision:
            return rounds
        next_look = math.ceil(len(rounds) * 1.1)


def _sample_in_turns(
    call: Callable[[], object], iterations: int, policy: Policy, clock: Clock, turns: Turns
) -> list[float]:
    """A block of rounds at each turn, of equal time, at least one round."""
    block_ns = policy.min_time_s / BLOCKS * 1e9
    rounds: list[float] = []
    for _ in turns.schedule():
        call()  # not timed: it finds the caches as the other side has left them
        start = clock()
        rounds.append(_round(call, iterations, clock))
        while clock() - start < block_ns:
            rounds.append(_round(call, iterations, clock))
    return rounds
