"""Is B faster than A? In turn, or at different times. Pure functions of Results."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.benchmarking.stats import (
    BLOCKS,
    LEAST_TURNS,
    STRETCHES,
    divide,
    expanded_quantiles,
    interval,
    quantile_reach,
    replicates,
    share_below,
    student,
)
from zoo.record.measures import Process
from zoo.record.result import Result
from zoo.results.verdicts import LEAST_EFFECT, LEAST_OBSERVATIONS, MARGIN, Comparison, Floor, decide

ASSUMED_SD = 0.10  # of a machine's speed from one time to another, where no calibration has measured it


@dataclass(frozen=True, slots=True)
class Spread:
    """What is known beforehand of how observations vary: a standard deviation and its degrees of freedom."""

    sd: float
    freedom: float


def compare_speed(
    a: Sequence[Result], b: Sequence[Result], floor: Floor | None, common: Mapping[str, Any]
) -> Comparison:
    """Latency: process by process where both sides took turns, else Result by Result.

    The processes of one Result count as one observation in the second case: the machine was the same for all of them,
    and may have been another one, so to speak, when the other side was measured.
    """
    change, reach, reason = (_in_turn if took_turns(a, b) else _at_different_times)(a, b, floor)
    low, high = math.expm1(change - reach), math.expm1(change + reach)
    verdict: str = decide("latency", low, high, LEAST_EFFECT, MARGIN)
    processes = [len(result.samples) for side in (a, b) for result in side]
    if floor is None and took_turns(a, b) and min(processes) < LEAST_OBSERVATIONS:
        verdict = "inconclusive"
        reason += f": how pairs differ takes {LEAST_OBSERVATIONS} of them, or 'zoo calibrate' for this scenario"
    return Comparison(
        **common,
        measure="latency",
        a=_typical(a),
        b=_typical(b),
        change=math.expm1(change),
        low=low,
        high=high,
        verdict=verdict,
        reason=reason,
    )


def took_turns(a: Sequence[Result], b: Sequence[Result]) -> bool:
    """Whether the processes of both sides ran in pairs: then they share the number of their pair."""
    pairs = [[process.pair for result in side for process in result.samples] for side in (a, b)]
    return pairs[0] == pairs[1] and None not in pairs[0] and a[0].run == b[0].run


def _in_turn(a: Sequence[Result], b: Sequence[Result], floor: Floor | None) -> tuple[float, float, str]:
    """The logarithm of the ratio, half its interval, and what it rests on."""
    processes = [[process for result in side for process in result.samples] for side in (a, b)]
    levels = [[math.log(statistics.median(process.latency_s)) for process in side] for side in processes]
    known = Spread(floor.pair_sd, floor.pairs - 1) if floor else None
    centre, reach = mean_difference(*levels, paired=True, known=known)
    reason = f"{len(levels[0])} and {len(levels[1])} processes, interleaved" + _calibrated(floor)
    if len(levels[0]) == 1:
        reach = max(reach, _within(processes[0][0], processes[1][0]))
    return centre, reach, reason


def _at_different_times(a: Sequence[Result], b: Sequence[Result], floor: Floor | None) -> tuple[float, float, str]:
    levels = [[_level(result) for result in side] for side in (a, b)]
    reason = f"{_count(a)} and {_count(b)}, at different times" + _calibrated(floor)
    if floor is not None:
        known = Spread(floor.process_sd, floor.pairs - 1)
    elif min(map(len, levels)) >= LEAST_OBSERVATIONS:
        known = None
    else:
        known = Spread(ASSUMED_SD, math.inf)
        reason += (
            f": that speed varies by {ASSUMED_SD:.0%} from one time to another is assumed; "
            "'zoo calibrate' measures it for this scenario, 'zoo bench --against' avoids it"
        )
    centre, reach = mean_difference(*levels, paired=False, known=known)
    own = math.sqrt(sum(_reach(result) ** 2 / len(side) ** 2 for side in (a, b) for result in side))
    return centre, max(reach, own), reason


def mean_difference(
    a: Sequence[float], b: Sequence[float], *, paired: bool, known: Spread | None = None
) -> tuple[float, float]:
    """The mean of B less that of A, and half its 95 % interval (Student's t).

    :param paired: observation i of A belongs to observation i of B.
    :param known: what is known beforehand of the spread of an observation (or of a pair's difference) is pooled with
        what these show, each weighted by its degrees of freedom.
    """
    if paired:
        differences = [y - x for x, y in zip(a, b, strict=True)]
        squares, freedom, scale = _squares(differences), float(len(a) - 1), math.sqrt(1 / len(a))
    else:
        squares, freedom = _squares(a) + _squares(b), float(len(a) + len(b) - 2)
        scale = math.sqrt(1 / len(a) + 1 / len(b))
    if known is not None and math.isinf(known.freedom):
        variance, freedom = known.sd**2, math.inf
    else:
        if known is not None:
            squares, freedom = squares + known.freedom * known.sd**2, freedom + known.freedom
        variance = squares / freedom if freedom else 0.0
    reach = student(freedom) * math.sqrt(variance) * scale if freedom else 0.0
    return statistics.fmean(b) - statistics.fmean(a), reach


def _squares(values: Sequence[float]) -> float:
    """Sum of squared deviations from the mean."""
    mean = statistics.fmean(values)
    return sum((value - mean) ** 2 for value in values)


def _within(a: Process, b: Process) -> float:
    """Half the interval as far as a single pair tells it: over stretches of their turns, else by a bootstrap.

    What counts of a stretch is the share of A's samples below A's median less the share of B's below B's, so that what
    the machine did to both cancels out; it is read back as a quantile (Woodruff 1952), as in `zoo.benchmarking.stats`.
    """
    import numpy as np

    sides = [divide(process.latency_s, process.turns) for process in (a, b)]
    if len(sides[0]) == len(sides[1]) >= LEAST_TURNS:
        relative = [[turn / np.median(np.concatenate(turns)) for turn in turns] for turns in sides]
        stretches = np.array_split(np.arange(len(sides[0])), min(STRETCHES, len(sides[0])))
        below = [[share_below(np.concatenate([turns[i] for i in s]), 1.0) for s in stretches] for turns in relative]
        differences = [x - y for x, y in zip(*below, strict=True)]
        error = statistics.stdev(differences) / math.sqrt(len(differences))
        pooled = np.concatenate([turn for turns in relative for turn in turns])
        return student(len(differences) - 1) * quantile_reach(pooled, error)
    random = np.random.default_rng(0)
    drawn_a, drawn_b = (np.log(replicates([p.latency_s], np.median, random)[0]) for p in (a, b))
    low, high = expanded_quantiles(drawn_b - drawn_a, BLOCKS)
    return (high - low) / 2


def _reach(result: Result) -> float:
    """Half the interval of a Result's own median, on a logarithmic scale."""
    import numpy as np

    turns = [process.turns for process in result.samples]
    low, high = interval([process.latency_s for process in result.samples], np.median, turns)
    return math.log(high / low) / 2


def _level(result: Result) -> float:
    """The mean of the logarithms of its processes' medians."""
    return statistics.fmean(math.log(statistics.median(process.latency_s)) for process in result.samples)


def _typical(side: Sequence[Result]) -> float:
    """What the ratio is a ratio of: the geometric mean of the processes' medians, in seconds."""
    return statistics.geometric_mean(
        statistics.median(process.latency_s) for result in side for process in result.samples
    )


def _count(side: Sequence[Result]) -> str:
    return "1 Result" if len(side) == 1 else f"{len(side)} Results"


def _calibrated(floor: Floor | None) -> str:
    return "" if floor is None else f", noise floor of {floor.pairs} pairs"
