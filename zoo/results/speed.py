"""Is B faster than A? In turn, or at different times. Pure functions of Results."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.benchmarking.definitions import batch_s, mean_batch_s, over_processes
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
from zoo.results.verdicts import LEAST_OBSERVATIONS, Comparison, NoiseFloor

ASSUMED_SD = 0.10  # of a machine's speed from one time to another, where no calibration has measured it


@dataclass(frozen=True, slots=True)
class Spread:
    """What is known beforehand of how observations vary: a standard deviation and its degrees of freedom."""

    sd: float
    freedom: float


@dataclass(frozen=True, slots=True)
class Speed:
    """A measure of speed that the samples of a process show.

    Attributes:
        name: of the measure.
        level: seconds a batch of one process, by its samples.
        statistic: the same as a function of NumPy.
    """

    name: str
    level: Callable[[Sequence[float]], float]
    statistic: Any

    def of(self, result: Result) -> float:
        """Seconds a batch of a Result."""
        return over_processes([self.level(process.latency_s) for process in result.samples])


LATENCY = Speed("latency", batch_s, np.median)
THROUGHPUT = Speed("throughput", mean_batch_s, np.mean)


def compare_speed(
    a: Sequence[Result], b: Sequence[Result], floor: NoiseFloor | None, common: Mapping[str, Any]
) -> list[Comparison]:
    """Latency and throughput: process by process where both sides took turns, else Result by Result.

    The processes of one Result count as one observation in the second case: the machine was the same for all of them,
    and may have been another one, so to speak, when the other side was measured.
    """
    in_turn = took_turns(a, b)
    processes = [len(result.samples) for side in (a, b) for result in side]
    batch_size = a[0].scenario.batch_size
    found = []
    for speed in (LATENCY, THROUGHPUT):
        change, reach, reason = (_in_turn if in_turn else _at_different_times)(a, b, floor, speed)
        # as a Result states it; of several Results their geometric mean
        values = [over_processes([speed.of(result) for result in side]) for side in (a, b)]
        if speed is THROUGHPUT:  # of batches of one size: fewer seconds are more images
            change = 0.0 - change  # never minus zero
            values = [batch_size / seconds for seconds in values]
        interval: tuple[float, float] | None = (math.expm1(change - reach), math.expm1(change + reach))
        if floor is None and in_turn and min(processes) < LEAST_OBSERVATIONS:
            interval = None
            reason += f": how pairs differ takes {LEAST_OBSERVATIONS} of them, or 'zoo calibrate' for this scenario"
        found.append(Comparison.decided(common, speed.name, values, math.expm1(change), interval, reason))
    return found


def took_turns(a: Sequence[Result], b: Sequence[Result]) -> bool:
    """Whether the processes of both sides ran in pairs: then they share the number of their pair."""
    pairs = [[process.pair for result in side for process in result.samples] for side in (a, b)]
    runs = [[result.run for result in side] for side in (a, b)]
    return pairs[0] == pairs[1] and None not in pairs[0] and runs[0] == runs[1]


def _in_turn(
    a: Sequence[Result], b: Sequence[Result], floor: NoiseFloor | None, speed: Speed
) -> tuple[float, float, str]:
    """The logarithm of the ratio, half its interval, and what it rests on."""
    processes = [[process for result in side for process in result.samples] for side in (a, b)]
    levels = [[math.log(speed.level(process.latency_s)) for process in side] for side in processes]
    known = Spread(floor.pair_sd, floor.pairs - 1) if floor else None
    centre, reach = mean_difference(*levels, paired=True, known=known)
    reason = f"{len(levels[0])} and {len(levels[1])} processes, interleaved" + _calibrated(floor)
    if len(levels[0]) == 1:
        reach = max(reach, _within(processes[0][0], processes[1][0], speed))
    return centre, reach, reason


def _at_different_times(
    a: Sequence[Result], b: Sequence[Result], floor: NoiseFloor | None, speed: Speed
) -> tuple[float, float, str]:
    levels = [[math.log(speed.of(result)) for result in side] for side in (a, b)]
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
    own = math.sqrt(sum(_reach(result, speed) ** 2 / len(side) ** 2 for side in (a, b) for result in side))
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


def _within(a: Process, b: Process, speed: Speed) -> float:
    """Half the interval as far as a single pair tells it: over stretches of their turns, else by a bootstrap.

    What counts of a stretch is how far A's samples lie from A's level less how far B's lie from B's, so that what the
    machine did to both cancels out. For the median that is the share of samples below it, read back as a quantile
    (Woodruff 1952), as in `zoo.benchmarking.stats`.
    """
    sides = [divide(process.latency_s, process.turns) for process in (a, b)]
    if len(sides[0]) == len(sides[1]) >= LEAST_TURNS:
        relative = [[turn / speed.statistic(np.concatenate(turns)) for turn in turns] for turns in sides]
        stretches = np.array_split(np.arange(len(sides[0])), min(STRETCHES, len(sides[0])))
        shown = [[_shown(np.concatenate([turns[i] for i in s]), speed) for s in stretches] for turns in relative]
        differences = [x - y for x, y in zip(*shown, strict=True)]
        error = statistics.stdev(differences) / math.sqrt(len(differences))
        pooled = np.concatenate([turn for turns in relative for turn in turns])
        return student(len(differences) - 1) * (quantile_reach(pooled, error) if speed is LATENCY else error)
    random = np.random.default_rng(0)
    drawn_a, drawn_b = (np.log(replicates(p.latency_s, speed.statistic, random)) for p in (a, b))
    low, high = expanded_quantiles(drawn_b - drawn_a, BLOCKS)
    return (high - low) / 2


def _shown(samples: Any, speed: Speed) -> float:
    """What samples around one show of the level."""
    return share_below(samples, 1.0) if speed is LATENCY else float(samples.mean())


def _reach(result: Result, speed: Speed) -> float:
    """Half the interval of a Result's own level, on a logarithmic scale."""
    turns = [process.turns for process in result.samples]
    low, high = interval([process.latency_s for process in result.samples], speed.statistic, turns)
    return math.log(high / low) / 2


def _count(side: Sequence[Result]) -> str:
    return "1 Result" if len(side) == 1 else f"{len(side)} Results"


def _calibrated(floor: NoiseFloor | None) -> str:
    return "" if floor is None else f", noise floor of {floor.pairs} pairs"
