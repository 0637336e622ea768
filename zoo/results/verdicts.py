"""What can be said of one measure of B against A, and when. Pure functions.

A verdict needs the whole interval on one side: *slower* or *faster* where it lies beyond the least effect worth a word,
*same* where it lies within the margin, else *inconclusive*. Nothing is decided by a mean alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import msgspec

from zoo.plain import Plain
from zoo.record.scenario import Scenario

Verdict = Literal["faster", "slower", "better", "worse", "smaller", "larger", "same", "inconclusive"]

LEAST_EFFECT = 0.01  # a difference below 1 % is not called one, however sure it is
MARGIN = 0.03  # "same" means: no more than 3 % apart, for sure
ACCURACY_LEAST = 0.0
ACCURACY_MARGIN = 0.01
LEAST_OBSERVATIONS = 3  # a side, for their variation to be seen in the data themselves

# By measure: what B is where its value is lower, and where it is higher, than A's.
WORDS: Mapping[str, tuple[Verdict, Verdict]] = {
    "latency": ("faster", "slower"),
    "throughput": ("slower", "faster"),
    "memory": ("smaller", "larger"),
    "parameters": ("smaller", "larger"),
    "macs": ("smaller", "larger"),
    "accuracy": ("worse", "better"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison(Plain):
    """One measure of B against A.

    Attributes:
        measure: latency, throughput, memory, parameters, macs or accuracy.
        scenario: what was measured, less the model.
        a, b: the values, in the unit of the measure; for latency the geometric mean of the processes' medians.
        change: B against A: a ratio less one, or for accuracy a difference (0.01 is one percentage point).
        low, high: 95 % interval of the change; None where nothing is known of its spread.
        verdict: what B is.
        reason: why a verdict could not be given, or what it rests on.
        across: whether the two come from different environments.
        not_whole: the sides ("A", "B") whose value is a lower bound.
    """

    measure: str
    scenario: str
    a: float
    b: float
    change: float
    low: float | None
    high: float | None
    verdict: str
    reason: str = ""
    across: bool = False
    not_whole: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Floor(Plain):
    """What a scenario shows against itself on a machine, as `zoo calibrate` measured it.

    Attributes:
        process_sd: standard deviation of the logarithm of a process's median, from process to process.
        pair_sd: the same of the logarithm of the ratio of two processes that ran in turn.
        pairs: how many pairs of processes it rests on.
        environment: fingerprint of the machine.
        scenario: of which it was measured, whatever the dataset.
        ratio_p95: 95th percentile of the ratio's distance from one, pair by pair.
    """

    process_sd: float
    pair_sd: float
    pairs: int
    environment: str
    scenario: Scenario
    ratio_p95: float

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The floor that `to_json` wrote.

        :raises msgspec.ValidationError: if a field is missing, or of another type.
        """
        return msgspec.convert(values, cls)


def decide(measure: str, low: float, high: float, least: float, margin: float) -> Verdict:
    """The verdict on B from the interval of its change against A."""
    lower, higher = WORDS[measure]
    if low > least:
        return higher
    if high < -least:
        return lower
    if -margin <= low and high <= margin:
        return "same"
    return "inconclusive"
