"""The gate: limits on a comparison, such as `latency>+5%`. Pure functions.

A limit is broken only when the whole interval lies beyond it, and kept only when the whole interval lies within it; in
between the gate says that it can't tell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from zoo.errors import EXIT_INCONCLUSIVE, EXIT_OK, EXIT_REGRESSION, UsageError
from zoo.results.verdicts import WORDS, Comparison

Outcome = Literal["kept", "broken", "can't tell"]

LIMIT = re.compile(r"\s*([a-z]+)\s*([<>])\s*([+-]?\d+(?:\.\d+)?)\s*(%|pp)\s*")


@dataclass(frozen=True, slots=True)
class Limit:
    """What must not happen to a measure of B against A.

    Attributes:
        measure: one of `zoo.results.verdicts.WORDS`.
        above: whether the change must not exceed `change`, or must not fall below it.
        change: as in `Comparison`: 0.05 is 5 %, or for accuracy 5 percentage points.
    """

    measure: str
    above: bool
    change: float
    text: str

    def judge(self, comparison: Comparison) -> Outcome:
        """Whether the limit was kept."""
        if comparison.low is None or comparison.high is None:
            return "can't tell"
        low, high = comparison.low - self.change, comparison.high - self.change
        if not self.above:
            low, high = -high, -low
        if low > 0:
            return "broken"
        return "kept" if high <= 0 else "can't tell"


def parse(text: str) -> Limit:
    """A limit from `latency>+5%` or `accuracy<-0.5pp`.

    :raises UsageError: if it is none.
    """
    match = LIMIT.fullmatch(text)
    if not match:
        raise UsageError(f"'{text}' is not a limit such as 'latency>+5%' or 'accuracy<-0.5pp'")
    measure, sign, number, unit = match.groups()
    if measure not in WORDS:
        raise UsageError(f"'{text}': there is no measure '{measure}'; there are {', '.join(WORDS)}")
    if (unit == "pp") != (measure == "accuracy"):
        raise UsageError(f"'{text}': accuracy is limited in pp (percentage points), the others in %")
    return Limit(measure, sign == ">", float(number) / 100, text.strip())


def judge(limits: Sequence[Limit], comparisons: Sequence[Comparison]) -> list[tuple[Limit, str, Outcome]]:
    """Each limit on each comparison of its measure: the limit, the scenario, and what became of it.

    A limit whose measure was not taken at all can't be told.
    """
    judged: list[tuple[Limit, str, Outcome]] = []
    for limit in limits:
        of_measure = [comparison for comparison in comparisons if comparison.measure == limit.measure]
        if not of_measure:
            judged.append((limit, "nowhere measured on both sides", "can't tell"))
        judged += [(limit, comparison.scenario, limit.judge(comparison)) for comparison in of_measure]
    return judged


def exit_code(judged: Sequence[tuple[Limit, str, Outcome]]) -> int:
    """1 if any limit was broken, else 4 if any can't be told, else 0."""
    outcomes = {outcome for _, _, outcome in judged}
    if "broken" in outcomes:
        return EXIT_REGRESSION
    return EXIT_INCONCLUSIVE if "can't tell" in outcomes else EXIT_OK
