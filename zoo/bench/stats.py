"""What raw samples say: percentiles, an interval, outliers. Pure functions of the samples."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zoo.specs import Plain

CONFIDENCE = 0.95
RESAMPLES = 10_000
BLOCKS = 40  # a process's samples are resampled as that many stretches, which keeps neighbours together
PERCENTILE_CONFIDENCE = 0.99


@dataclass(frozen=True, kw_only=True, slots=True)
class Stats(Plain):
    """Of samples from one or more processes, in the samples' unit.

    Attributes:
        n: number of samples; `processes`: number of processes they come from.
        median, mean, std, min, max: over all samples. std is 0 for one sample.
        p90, p99: None where the count can't carry them (`samples_needed`).
        low, high: 95 % interval of the median.
        mean_low, mean_high: 95 % interval of the mean.
        outliers: how many samples lie beyond Tukey's fences (1.5 interquartile ranges); none is dropped.
        severe_outliers: how many lie beyond 3 interquartile ranges.
    """

    n: int
    processes: int
    median: float
    mean: float
    std: float
    min: float
    max: float
    p90: float | None
    p99: float | None
    low: float
    high: float
    mean_low: float
    mean_high: float
    outliers: int
    severe_outliers: int
    confidence: float = CONFIDENCE


def summarise(processes: Sequence[Sequence[float]], *, seed: int = 0) -> Stats:
    """Summarise samples, grouped by the process that took them; each process has at least one.

    :param seed: of the bootstrap: the same samples give the same interval.
    """
    import numpy as np

    samples = np.concatenate([np.asarray(process, float) for process in processes])
    ordered = np.sort(samples)
    low, high = interval(processes, np.median, seed=seed)
    mean_low, mean_high = interval(processes, np.mean, seed=seed)
    first, third = np.quantile(ordered, [0.25, 0.75])
    return Stats(
        n=len(samples),
        processes=len(processes),
        median=float(np.median(ordered)),
        mean=float(samples.mean()),
        std=float(samples.std(ddof=1)) if len(samples) > 1 else 0.0,
        min=float(ordered[0]),
        max=float(ordered[-1]),
        p90=percentile(ordered, 0.90),
        p99=percentile(ordered, 0.99),
        low=low,
        high=high,
        mean_low=mean_low,
        mean_high=mean_high,
        outliers=_beyond(samples, first, third, 1.5),
        severe_outliers=_beyond(samples, first, third, 3.0),
    )


def interval(processes: Sequence[Sequence[float]], statistic: Any, *, seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of a statistic, by Student's t over processes, or by a bootstrap over one process's stretches.

    Processes differ from each other (memory layout, placement), so where there are several, each counts as one
    observation, on a logarithmic scale. The interval of one process says nothing of how processes differ.

    :param statistic: `numpy.median` or `numpy.mean`.
    """
    import numpy as np

    if not all(len(process) for process in processes):
        raise ValueError("a process without samples")
    centre = float(statistic(np.concatenate([np.asarray(p, float) for p in processes])))
    each = np.array([statistic(np.asarray(p, float)) for p in processes])
    if len(each) > 1 and (each > 0).all():
        reach = math.exp(student(len(each) - 1) * float(np.log(each).std(ddof=1)) / math.sqrt(len(each)))
        return centre / reach, centre * reach
    drawn = replicates(processes[:1], statistic, np.random.default_rng(seed))[0]
    lower, upper = expanded_quantiles(drawn, _stretches(len(processes[0])))
    return min(centre, lower), max(centre, upper)


def replicates(processes: Sequence[Sequence[float]], statistic: Any, random: Any) -> Any:
    """Bootstrap replicates of each process's statistic, over stretches of its samples: (processes, resamples).

    For the median what is resampled is the share of samples below it, which is then read as a quantile of the samples
    (Woodruff 1952): an outlier counts as one sample above, however far above it lies.
    """
    import numpy as np

    rows = []
    for process in processes:
        samples = np.asarray(process, float)
        median = np.median(samples) if statistic is np.median else None
        values = samples if median is None else (samples < median) + 0.5 * (samples == median)
        means = np.array([stretch.mean() for stretch in np.array_split(values, _stretches(len(samples)))])
        drawn = means[random.integers(0, len(means), (RESAMPLES, len(means)))].mean(axis=1)
        if median is not None:
            drawn = np.quantile(samples, np.clip(0.5 + drawn - means.mean(), 0, 1))
        rows.append(drawn)
    return np.array(rows)


def _stretches(count: int) -> int:
    """In how many stretches so many samples are resampled: long enough to keep neighbours together."""
    return max(min(count, 8), min(BLOCKS, count // 8))


def student(freedom: float) -> float:
    """How many standard errors Student's t puts on each side of a 95 % interval."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))


def expanded_quantiles(drawn: Any, units: int) -> tuple[float, float]:
    """The limits of the 95 % interval, as far out as Student's t asks for so few units."""
    import numpy as np

    tail = _expanded_tail(units)
    lower, upper = np.quantile(drawn, [tail, 1 - tail])
    return float(lower), float(upper)


def _expanded_tail(units: int) -> float:
    """The tail probability whose percentile is as far out as Student's t for so few units."""
    from scipy.special import ndtr

    if units < 2:
        return (1 - CONFIDENCE) / 2
    return float(ndtr(-student(units - 1) * math.sqrt(units / (units - 1))))


def percentile(ordered: Sequence[float] | Any, q: float) -> float | None:
    """The q-quantile of sorted samples, or None if there are too few for it."""
    import numpy as np

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


def median_width(samples: Sequence[float]) -> float:
    """Width of the median's 95 % interval as a share of the median, from the spread of block medians.

    Cheap enough to be asked while sampling; the reported interval is `interval`'s.
    """
    size = max(1, len(samples) // BLOCKS)
    medians = [statistics.median(samples[i : i + size]) for i in range(0, len(samples) - size + 1, size)]
    if len(medians) < 2:
        return math.inf
    standard_error = statistics.stdev(medians) / math.sqrt(len(medians))
    return 2 * 1.96 * standard_error / statistics.median(medians)


def _beyond(samples: Any, first: float, third: float, ranges: float) -> int:
    reach = ranges * (third - first)
    return int(((samples < first - reach) | (samples > third + reach)).sum())
