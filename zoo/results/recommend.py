"""Which model, run by what: of what was measured, the best within limits, and why the rest is not. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.benchmarking.definitions import memory_measure
from zoo.errors import EXIT_INCONCLUSIVE, EXIT_OK, EXIT_REGRESSION
from zoo.record import numbers
from zoo.record.result import Result
from zoo.specs import Plain

MEASURES = ("latency", "accuracy", "memory")
LIMITED_BY = {"latency": "latency_s", "accuracy": "accuracy", "memory": "memory_bytes"}  # fields of `Limits`
TO_BE_LARGE = "accuracy"  # of the measures; the others are to be small
WITHIN = ("model", "dataset", "runtime", "device", "precision", "batch_size")
WRONG = "wrong"
IMPOSSIBLE = (WRONG, "unavailable")  # will not be otherwise the next time


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits(Plain):
    """What is asked for. None is no limit.

    Attributes:
        latency_s: the most that the median for one batch may take.
        accuracy: the least top-1 accuracy on the test split, as a share.
        memory_bytes: the most memory: of the process, or of the device where that is an accelerator.
    """

    latency_s: float | None = None
    accuracy: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate(Plain):
    """A value of a measure and, where it has one, its 95 % interval."""

    value: float
    low: float | None = None
    high: float | None = None

    def ends(self) -> tuple[float, float]:
        """Of the interval; without one the value is both."""
        return self.value if self.low is None else self.low, self.value if self.high is None else self.high

    def leaves_open(self, limit: float) -> bool:
        """Whether a limit lies inside the interval."""
        return self.low is not None and self.high is not None and self.low <= limit <= self.high

    def meets(self, other: Estimate) -> bool:
        """Whether the intervals meet."""
        (low, high), (other_low, other_high) = self.ends(), other.ends()
        return low <= other_high and other_low <= high


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate(Plain):
    """A scenario that was measured.

    Attributes:
        id: of its Result.
        threads: that it had in the end.
        latency, accuracy, memory: None where there is no measure …
        reasons: … for which this is why, by their names.
    """

    id: str
    outcome: str
    model: str
    dataset: str
    runtime: str
    device: str
    precision: str
    batch_size: int
    threads: int | None
    latency: Estimate | None
    accuracy: Estimate | None
    memory: Estimate | None
    reasons: Mapping[str, str]

    def __str__(self) -> str:
        threads = "" if self.threads is None else f", {self.threads} thread{'s' if self.threads > 1 else ''}"
        return f"{self.model} by {self.runtime} on {self.device}, {self.precision}{threads}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Excluded(Plain):
    """A candidate that is out, and why.

    Attributes:
        certain: whether a limit is broken for certain: not only within an interval, nor for want of a measure.
    """

    candidate: Candidate
    reasons: tuple[str, ...]
    certain: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Recommendation(Plain):
    """The answer.

    Attributes:
        best: what it is the best in, among those within the limits.
        winner: None if nothing keeps within the limits.
        runners_up: the others that do, the best first.
        excluded: the rest.
        front: ids of those that no other is at least as good as in latency, accuracy and memory, and better in one.
        notes: what is to be said of the winner: limits inside its intervals, and who is as good for all one can tell.
    """

    limits: Limits
    best: str
    winner: Candidate | None
    runners_up: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]
    front: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 with a winner, 1 if nothing keeps within the limits, 4 if that can't be told."""
        if self.winner is not None:
            return EXIT_OK
        return EXIT_REGRESSION if self.excluded and all(one.certain for one in self.excluded) else EXIT_INCONCLUSIVE


def newest(results: Iterable[Result]) -> list[Result]:
    """The newest Result of each scenario that could be measured; a scenario whose logits were once found wrong since
    then is that.

    :param results: in any order.
    """
    chosen: dict[str, Result] = {}
    for result in sorted(results, key=lambda result: result.id):
        key = repr(result.scenario)
        if key not in chosen or result.outcome in ("ok", WRONG) or chosen[key].outcome not in ("ok", WRONG):
            chosen[key] = result
    return list(chosen.values())


def candidate(result: Result) -> Candidate:
    """What counts of a Result."""
    scenario, measures = result.scenario, result.measures
    memory = memory_measure(scenario)
    names = {"latency": "latency_s", "accuracy": "accuracy", "memory": memory}
    interval = result.stats.latency_s
    accuracy = measures.accuracy
    return Candidate(
        id=result.id,
        outcome=result.outcome,
        **{name: getattr(scenario, name) for name in WITHIN},
        threads=scenario.threads or result.environment.threads,
        latency=_estimate(measures.latency_s, *((interval.low, interval.high) if interval else ())),
        accuracy=None if accuracy is None else Estimate(value=accuracy.value, low=accuracy.low, high=accuracy.high),
        memory=_estimate(getattr(measures, memory)),
        reasons={
            name: result.reasons.get(measure, "not measured")
            for name, measure in names.items()
            if getattr(measures, measure) is None
        },
    )


def _estimate(value: float | None, low: float | None = None, high: float | None = None) -> Estimate | None:
    return None if value is None else Estimate(value=value, low=low, high=high)


def recommend(results: Sequence[Result], limits: Limits, best: str = "latency") -> Recommendation:
    """Choose among Results, one a scenario.

    :param best: which of `MEASURES` decides; where two are equal in it, the others do.
    """
    candidates = sorted(map(candidate, results), key=lambda one: _order(one, best))
    broken = {one.id: _broken(one, limits, best) for one in candidates}
    fits = [one for one in candidates if not broken[one.id]]
    return Recommendation(
        limits=limits,
        best=best,
        winner=fits[0] if fits else None,
        runners_up=tuple(fits[1:]),
        excluded=tuple(
            Excluded(candidate=one, reasons=tuple(why), certain=any(why.values()))
            for one in candidates
            if (why := broken[one.id])
        ),
        front=tuple(one.id for one in front(candidates)),
        notes=tuple(_notes(fits, limits, best)),
    )


def front(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The Pareto front, the fastest first. What has no latency isn't on it; what lacks another is worst in that."""
    there = sorted((one for one in candidates if one.latency is not None), key=lambda one: _order(one, "latency"))
    return [one for one in there if not any(_dominates(other, one) for other in there)]


def _dominates(a: Candidate, b: Candidate) -> bool:
    costs = list(zip(_costs(a).values(), _costs(b).values(), strict=True))
    return all(x <= y for x, y in costs) and any(x < y for x, y in costs)


def _costs(one: Candidate) -> dict[str, float]:
    """What is to be small, by measure."""
    found: dict[str, Estimate | None] = {name: getattr(one, name) for name in MEASURES}
    return {
        name: math.inf if measured is None else -measured.value if name == TO_BE_LARGE else measured.value
        for name, measured in found.items()
    }


def _order(one: Candidate, best: str) -> tuple[Any, ...]:
    costs = _costs(one)
    first = costs.pop(best)
    return (first, *costs.values(), one.model, one.runtime, one.id)


def _broken(one: Candidate, limits: Limits, best: str) -> dict[str, bool]:
    """Each limit that is not kept, in words, and whether that is sure."""
    if one.latency is None:
        return {one.reasons["latency"]: one.outcome in IMPOSSIBLE}
    broken = {}
    for name, field in LIMITED_BY.items():
        measured: Estimate | None = getattr(one, name)
        limit: float | None = getattr(limits, field)
        if measured is None:
            if limit is not None or name == best:
                broken[f"no {name}: {one.reasons[name]}"] = False
        elif limit is not None and (measured.value < limit if name == TO_BE_LARGE else measured.value > limit):
            word, inside = "less" if name == TO_BE_LARGE else "more", measured.leaves_open(limit)
            text = f"{name} {show(name, measured.value)}, {word} than {show(name, limit)}"
            broken[f"{text}, which lies inside its interval" if inside else text] = not inside
    return broken


def _notes(fits: Sequence[Candidate], limits: Limits, best: str) -> Iterable[str]:
    for winner in fits[:1]:
        for name, field in LIMITED_BY.items():
            measured: Estimate | None = getattr(winner, name)
            limit: float | None = getattr(limits, field)
            if measured is not None and limit is not None and measured.leaves_open(limit):
                value, low, high = (show(name, one) for one in (measured.value, *measured.ends()))
                yield f"the limit of {name}, {show(name, limit)}, lies inside the interval of {value}: {low} to {high}"
        for other in fits[1:]:
            if getattr(winner, best).meets(getattr(other, best)):
                value = show(best, getattr(other, best).value)
                yield f"{other} is as good in {best} for all one can tell: {value}"


def show(name: str, value: float) -> str:
    """A value of a measure, as people read it."""
    if name == "latency":
        return numbers.duration(value)
    if name == "accuracy":
        return f"{100 * value:.2f} %"
    return numbers.size(round(value))
