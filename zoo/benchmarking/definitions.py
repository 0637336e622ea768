"""What each measure is. Results, tables, comparisons and gates all take it from here. Pure functions.

A measure is defined for one process. That of several processes is the geometric mean of theirs, so that the ratio of
two sides is exactly the mean ratio of their pairs.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from zoo.record.scenario import Scenario

Samples = Sequence[float]  # of one process: seconds a batch, round by round


def over_processes(values: Sequence[float]) -> float:
    """What several processes amount to, by what each amounts to: the geometric mean; 0 if any of them is 0."""
    least, most = min(values), max(values)
    mean = statistics.geometric_mean(values) if least > 0 else 0.0
    return float(min(max(mean, least), most))  # rounding alone could put it outside


def batch_s(samples: Samples) -> float:
    """Latency, in seconds a batch: the median of a process's samples."""
    return float(statistics.median(samples))


def mean_batch_s(samples: Samples) -> float:
    """All the time of a process over all its batches, in seconds a batch: throughput is a batch's images over that."""
    return statistics.fmean(samples)


def memory_measure(scenario: Scenario) -> str:
    """Which measure of a Result its memory is: the process's, or the device's where that is an accelerator."""
    return "peak_rss_bytes" if scenario.device_kind == "cpu" else "peak_device_bytes"


def memory_bytes(sizes: Sequence[int]) -> int:
    """Memory: the largest size that a process had."""
    return round(over_processes(sizes))
