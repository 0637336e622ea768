"""What can be said of one measure of B against A, and when. Pure functions.

A verdict needs the whole interval on one side: *slower* or *faster* where it lies beyond the least effect worth a word,
*same* where it lies within the margin, else *inconclusive*. Nothing is decided by a mean alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from zoo.plain import Plain
from zoo.record.base import Record
from zoo.record.result import Result
from zoo.record.scenario import Scenario
from zoo.text import printable

Verdict = Literal["faster", "slower", "better", "worse", "smaller", "larger", "same", "inconclusive"]

LEAST_EFFECT = 0.01  # a difference below 1 % is not called one, however sure it is
MARGIN = 0.03  # "same" means: no more than 3 % apart, for sure
ACCURACY_LEAST = 0.0
ACCURACY_MARGIN = 0.01
SHOWN = 8  # characters of a digest
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
class ComparedSide(Plain):
    """One side of a comparison: what was measured, by which versions.

    Attributes:
        name: tells the two sides apart.
        plugin: the distribution that the model comes from, with its version.
        code: digest of the Python files that ran; None in a Result that doesn't say.
        weights: sha256 of the weights; None for random ones.
        environment: the fingerprint.
        results: ids.
    """

    name: str
    model: str
    plugin: str
    zoo_version: str
    code: str | None
    weights: str | None
    environment: str
    results: tuple[str, ...]

    @classmethod
    def of(cls, side: Sequence[Result], name: str) -> Self:
        """The versions of the Results of one scenario."""
        first = side[0]
        return cls(
            name=name,
            model=first.scenario.model,
            plugin=f"{first.plugin.distribution} {first.plugin.version}",
            zoo_version=first.zoo_version,
            code=first.code,
            weights=first.weights.sha256 if first.weights else None,
            environment=first.environment.fingerprint,
            results=tuple(result.id for result in side),
        )

    def same_code(self, other: ComparedSide) -> bool:
        """Whether nothing that runs is another than on the other side, as far as the records tell."""
        names = ("model", "plugin", "zoo_version", "code", "weights", "environment")
        return self.code is not None and all(getattr(self, name) == getattr(other, name) for name in names)

    def in_a_line(self) -> str:
        """The versions that were measured."""
        code = f", code {self.code[:SHOWN]}" if self.code else ""
        weights = f"weights {self.weights[:SHOWN]}" if self.weights else "random weights"
        first, *others = self.results
        more = f" and {len(others)} more" if others else ""
        parts = f"{self.model} by {self.plugin}, zoo {self.zoo_version}{code}, {weights}, Result {first}{more}"
        return printable(f"{self.name}: {parts}")


@dataclass(frozen=True, kw_only=True, slots=True)
class SideDoubt(Plain):
    """Something doubtful about one side of a comparison.

    Attributes:
        side: its name.
        code, message: of the Result's check.
        decides: whether no verdict on speed can be given for it.
    """

    side: str
    code: str
    message: str
    decides: bool

    def __str__(self) -> str:
        return f"{self.side}: {self.code}: {self.message}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison(Plain):
    """One measure of B against A.

    Attributes:
        measure: latency, throughput, memory, parameters, macs or accuracy.
        scenario: what was measured, less the model.
        sides: what A and B are, and are called.
        a, b: the values, as `zoo.benchmarking.definitions` defines them; of several Results their geometric mean.
        change: B against A: a ratio less one, or for accuracy a difference (0.01 is one percentage point).
        low, high: 95 % interval of the change; None where it is not known, as of doubtful Results.
        verdict: what B is.
        reason: why a verdict could not be given, or what it rests on.
        across: whether the two come from different environments.
        not_whole: which of `a` and `b` are lower bounds.
        doubts: what is doubtful about either side, where that concerns the measure.
    """

    measure: str
    scenario: str
    sides: tuple[ComparedSide, ComparedSide]
    a: float
    b: float
    change: float
    low: float | None
    high: float | None
    verdict: str
    reason: str = ""
    across: bool = False
    not_whole: tuple[str, ...] = ()
    doubts: tuple[SideDoubt, ...] = ()

    @classmethod
    def decided(
        cls,
        common: Mapping[str, Any],
        measure: str,
        values: Sequence[float],
        change: float,
        interval: tuple[float, float] | None,
        reason: str = "",
        *,
        least: float = LEAST_EFFECT,
        margin: float = MARGIN,
        not_whole: tuple[str, ...] = (),
    ) -> Self:
        """The comparison with the verdict that its interval gives; inconclusive without one.

        :param common: its scenario, sides, and whether it is across environments.
        :param values: of A and B.
        :param least, margin: see `decide`.
        """
        low, high = interval or (None, None)
        return cls(
            **common,
            measure=measure,
            a=values[0],
            b=values[1],
            change=change,
            low=low,
            high=high,
            verdict=decide(measure, *interval, least, margin) if interval else "inconclusive",
            reason=reason,
            not_whole=not_whole,
        )

    @property
    def names(self) -> tuple[str, str]:
        """What A and B are called."""
        return self.sides[0].name, self.sides[1].name


@dataclass(frozen=True, kw_only=True, slots=True)
class NoiseFloor(Record):
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
