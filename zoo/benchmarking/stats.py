"""What raw samples say: percentiles, an interval, outliers. Pure functions of the samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.benchmarking.definitions import batch_s, mean_batch_s, over_processes
from zoo.benchmarking.timing import Turn
from zoo.record.measures import LatencyStats, TurnRecord

CONFIDENCE = 0.95
RESAMPLES = 10_000
BLOCKS = 40  # a process's samples are resampled as that many stretches, which keeps neighbours together
STRETCHES = 20  # of the time that several processes shared: what the machine does varies from one to the next
LEAST_TURNS = 4  # of a process, for time to be told apart from it
MOST_CORRELATION = 0.8  # of neighbouring stretches that the interval allows for
PERCENTILE_CONFIDENCE = 0.99


@dataclass(frozen=True, kw_only=True, slots=True)
class Stats(LatencyStats):
    """The same as in a Result, and complete: of samples that are there."""

    processes: int
    mean: float
    std: float
    min: float
    max: float
    low: float
    high: float
    mean_low: float
    mean_high: float
    outliers: int
    severe_outliers: int


Turns = Sequence[TurnRecord | Turn]  # of a process: where each began, and how many samples it gave


def summarise(processes: Sequence[Sequence[float]], turns: Sequence[Turns] | None = None, *, seed: int = 0) -> Stats:
    """Summarise samples, grouped by the process that took them; each process has at least one.

    :param turns: how each process's samples are divided into turns, if processes took turns.
    :param seed: of the bootstrap: the same samples give the same interval.
    """
    samples = np.concatenate([np.asarray(process, float) for process in processes])
    ordered = np.sort(samples)
    median, mean = (over_processes([of(process) for process in processes]) for of in (batch_s, mean_batch_s))
    low, high = interval(processes, np.median, turns, seed=seed)
    mean_low, mean_high = interval(processes, np.mean, turns, seed=seed)
    first, third = np.quantile(ordered, [0.25, 0.75])
    return Stats(
        n=len(samples),
        processes=len(processes),
        median=median,
        mean=mean,
        std=float(samples.std(ddof=1)) if len(samples) > 1 else 0.0,
        min=float(ordered[0]),
        max=float(ordered[-1]),
        p90=percentile(ordered, 0.90),
        p99=percentile(ordered, 0.99),
        low=min(low, median),  # rounding may put either end on the other side
        high=max(high, median),
        mean_low=min(mean_low, mean),
        mean_high=max(mean_high, mean),
        outliers=_beyond(samples, first, third, 1.5),
        severe_outliers=_beyond(samples, first, third, 3.0),
    )


def interval(
    processes: Sequence[Sequence[float]], statistic: Any, turns: Sequence[Turns] | None = None, *, seed: int = 0
) -> tuple[float, float]:
    """The 95 % interval of a statistic, over processes and over time, or by a bootstrap over one process's stretches.

    The interval of one process says nothing of how processes differ.

    :param statistic: `numpy.median` or `numpy.mean`.
    """
    if not all(len(process) for process in processes):
        raise ValueError("a process without samples")
    arrays = [np.asarray(process, float) for process in processes]
    each = np.array([statistic(array) for array in arrays])
    centre = over_processes(each.tolist())
    if len(each) > 1 and (each > 0).all():
        reach = math.exp(_log_reach(arrays, each, statistic, turns))
        return centre / reach, centre * reach
    drawn = replicates(processes[0], statistic, np.random.default_rng(seed))
    lower, upper = expanded_quantiles(drawn, _stretches(len(processes[0])))
    return min(centre, lower), max(centre, upper)


def relative_width(processes: Sequence[Sequence[float]], turns: Sequence[Turns] | None = None) -> float:
    """How wide the interval of the median is, as a share of it: the one that `summarise` gives."""
    low, high = interval(processes, np.median, turns)
    return (high - low) / over_processes([batch_s(process) for process in processes])


def _log_reach(processes: Sequence[Any], levels: Any, statistic: Any, turns: Sequence[Turns] | None) -> float:
    """Half the 95 % interval of the processes' level, on a logarithmic scale.

    Two things vary: processes differ from each other (memory layout, placement), and the machine differs from one
    stretch of time to the next, for all processes that take turns alike. The variance is the sum of both parts, and its
    degrees of freedom are Welch and Satterthwaite's (Satterthwaite 1946). With fewer than four turns a process, how
    time varies is part of how processes differ.

    :param levels: each process's statistic.
    """
    parts = [(float(np.log(levels).var(ddof=1)) / len(levels), len(levels) - 1)]
    fewest = min(map(len, turns)) if turns else 0
    if turns and fewest >= LEAST_TURNS:
        relative = [samples / level for samples, level in zip(processes, levels, strict=True)]
        parts.append(_variance_in_time(relative, turns, statistic, min(STRETCHES, fewest)))
    total = sum(variance for variance, _ in parts)
    if total == 0:
        return 0.0
    freedom = total**2 / sum(variance**2 / free for variance, free in parts)
    return student(freedom) * math.sqrt(total)


def _variance_in_time(
    processes: Sequence[Any], turns: Sequence[Turns], statistic: Any, count: int
) -> tuple[float, int]:
    """The variance that time adds to a statistic of samples around one, and its degrees of freedom.

    The turns of all processes, in the order of time, make so many stretches. For the median what counts of each is the
    share of samples below the median, read back as a quantile (Woodruff 1952), as in `replicates`. Where the machine's
    speed lingers, stretches resemble their neighbours and say less than as many independent ones.
    """
    pieces = [
        (turn.start_s, piece)
        for samples, of in zip(processes, turns, strict=True)
        for turn, piece in zip(of, divide(samples, of), strict=True)
    ]
    in_time = [piece for _, piece in sorted(pieces, key=lambda piece: piece[0])]
    stretches = [
        np.concatenate([in_time[i] for i in chosen]) for chosen in np.array_split(np.arange(len(in_time)), count)
    ]
    if statistic is not np.median:
        return _variance_of_mean([stretch.mean() for stretch in stretches]), count - 1
    error = math.sqrt(_variance_of_mean([share_below(stretch, 1.0) for stretch in stretches]))
    return quantile_reach(np.concatenate(stretches), error) ** 2, count - 1


def _variance_of_mean(values: Sequence[float]) -> float:
    """The variance of the mean of a series whose neighbours may be alike, as in a first-order autoregression.

    That of independent values, times (1 + r) / (1 - r), where r is the correlation of neighbours (Bartlett 1946), with
    its bias in short series taken out (Kendall 1954). r counts only where it is positive, and as 0.8 at most: a series
    can't show more of a speed that lingers for as long as the series itself.
    """
    count = len(values)
    around = np.asarray(values, float) - np.mean(values)
    squares = float(around @ around)
    independent = squares / (count - 1) / count
    if squares == 0 or count <= LEAST_TURNS:
        return independent
    r = (count * float(around[1:] @ around[:-1]) / squares + 1) / (count - 3)
    r = min(max(r, 0.0), MOST_CORRELATION)
    return independent * (1 + r) / (1 - r)


def share_below(samples: Any, value: float) -> float:
    """The share of samples below a value; of those equal to it, half."""
    return float(((samples < value) + 0.5 * (samples == value)).mean())


def quantile_reach(samples: Any, error: float) -> float:
    """What an error of the share below the median is in the median itself, on a logarithmic scale (Woodruff 1952)."""
    low, high = np.quantile(samples, np.clip([0.5 - error, 0.5 + error], 0, 1))
    return float(math.log(high / low) / 2)


def divide(samples: Any, turns: Turns) -> list[Any]:
    """A process's samples, turn by turn."""
    return np.split(np.asarray(samples, float), np.cumsum([turn.rounds for turn in turns])[:-1]) if turns else []


def replicates(process: Sequence[float], statistic: Any, random: Any) -> Any:
    """Bootstrap replicates of a process's statistic, over stretches of its samples.

    For the median what is resampled is the share of samples below it, which is then read as a quantile of the samples
    (Woodruff 1952): an outlier counts as one sample above, however far above it lies.
    """
    samples = np.asarray(process, float)
    median = np.median(samples) if statistic is np.median else None
    values = samples if median is None else (samples < median) + 0.5 * (samples == median)
    means = np.array([stretch.mean() for stretch in np.array_split(values, _stretches(len(samples)))])
    drawn = means[random.integers(0, len(means), (RESAMPLES, len(means)))].mean(axis=1)
    return drawn if median is None else np.quantile(samples, np.clip(0.5 + drawn - means.mean(), 0, 1))


def _stretches(count: int) -> int:
    """In how many stretches so many samples are resampled: long enough to keep neighbours together."""
    return max(min(count, 8), min(BLOCKS, count // 8))


def student(freedom: float) -> float:
    """How many standard errors Student's t puts on each side of a 95 % interval."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))


def expanded_quantiles(drawn: Any, units: int) -> tuple[float, float]:
    """The limits of the 95 % interval, as far out as Student's t asks for so few units."""
    from scipy.special import ndtr

    tail = (1 - CONFIDENCE) / 2
    if units > 1:
        tail = float(ndtr(-student(units - 1) * math.sqrt(units / (units - 1))))
    lower, upper = np.quantile(drawn, [tail, 1 - tail])
    return float(lower), float(upper)


def percentile(ordered: Sequence[float] | Any, q: float) -> float | None:
    """The q-quantile of sorted samples, or None if there are too few for it."""
    if len(ordered) < samples_needed(q):
        return None
    return float(np.quantile(np.asarray(ordered), q))


def samples_needed(q: float, confidence: float = PERCENTILE_CONFIDENCE) -> int:
    """The least count that carries the q-quantile: two samples lie beyond it with this confidence.

    Wilks (1941), second order: 64 samples for p90, 662 for p99 at 99 %.
    """
    if not 0 < q < 1:
        raise ValueError(f"{q} is not between 0 and 1")
    n = 2
    while 1 - q**n - n * q ** (n - 1) * (1 - q) < confidence:
        n += 1
    return n


def _beyond(samples: Any, first: float, third: float, ranges: float) -> int:
    reach = ranges * (third - first)
    return int(((samples < first - reach) | (samples > third + reach)).sum())
