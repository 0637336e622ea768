"""Is B faster than A? Two sides measure by measure. Pure functions of Results."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zoo.benchmarking.differences import in_words
from zoo.errors import UsageError
from zoo.record.result import Result
from zoo.results.accuracy import compare_accuracy
from zoo.results.speed import compare_speed, mean_difference
from zoo.results.verdicts import LEAST_EFFECT, LEAST_OBSERVATIONS, MARGIN, Comparison, Floor, decide

Floors = Callable[[Result, Result], Floor | None]


def no_floor(_: Result, __: Result) -> None:
    """Nothing is known of how much a scenario varies."""


def compare(
    a: Sequence[Result], b: Sequence[Result], *, across: bool = False, floor: Floor | None = None
) -> list[Comparison]:
    """Compare two sides measure by measure. Each side holds Results of one scenario, whose processes are pooled.

    :param across: allow Results from different environments; the comparisons then say so.
    :raises UsageError: if a side has no ok Result, or the environments differ and that was not allowed.
    """
    a, b = _usable(a, "A"), _usable(b, "B")
    other = next((r for r in (*b, *a) if r.environment.fingerprint != a[0].environment.fingerprint), None)
    different = other is not None
    if other is not None and not across:
        raise UsageError(
            f"{_name(a[0])} and {_name(other)} were measured in different environments "
            f"({in_words(a[0].environment.to_json(), other.environment.to_json())}); --across-environments allows it"
        )
    common = {"scenario": _scenario(a[0]), "across": different}
    found = [compare_speed(a, b, floor, common), *_exact(a[0], b[0], common), *_memory(a, b, common)]
    if (accuracy := compare_accuracy(a[0], b[0], common)) is not None:
        found.append(accuracy)
    latency = found[0]
    return [latency, _throughput(a, b, latency, common), *found[1:]]


def compare_matching(
    a: Sequence[Result], b: Sequence[Result], *, across: bool = False, floors: Floors = no_floor
) -> list[Comparison]:
    """Compare two sides scenario by scenario, whatever models and datasets they are of.

    :param floors: the noise floor of two Results of one scenario, where it is known.
    :raises UsageError: if no scenario was measured on both sides, or as `compare` does.
    """
    sides = [_by_scenario(_usable(side, name)) for side, name in ((a, "A"), (b, "B"))]
    common = [scenario for scenario in sides[0] if scenario in sides[1]]
    if not common:
        raise UsageError(
            f"nothing was measured on both sides: A has {'; '.join(sides[0])}, and B has {'; '.join(sides[1])}"
        )
    pairs = [(sides[0][scenario], sides[1][scenario]) for scenario in common]
    return [comparison for a, b in pairs for comparison in compare(a, b, across=across, floor=floors(a[0], b[0]))]


def _by_scenario(results: Sequence[Result]) -> dict[str, list[Result]]:
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(_scenario(result), []).append(result)
    return found


def _throughput(a: Sequence[Result], b: Sequence[Result], latency: Comparison, common: Mapping[str, Any]) -> Comparison:
    """The same samples read the other way round: images in a second for seconds an image."""
    assert latency.low is not None  # noqa: S101 - it comes from compare_speed
    assert latency.high is not None  # noqa: S101 - as does this
    words: dict[str, str] = {"slower": "slower", "faster": "faster"}
    return Comparison(
        **common,
        measure="throughput",
        a=a[0].scenario.batch_size / latency.a,
        b=b[0].scenario.batch_size / latency.b,
        change=1 / (1 + latency.change) - 1,
        low=1 / (1 + latency.high) - 1,
        high=1 / (1 + latency.low) - 1,
        verdict=words.get(latency.verdict, latency.verdict),
        reason=latency.reason,
    )


def _exact(a: Result, b: Result, common: Mapping[str, Any]) -> list[Comparison]:
    """Counts, which have no spread. Those that are not whole are bounds, which decide nothing."""
    found = []
    verdict: str
    for measure in ("parameters", "macs"):
        value_a, value_b = getattr(a.measures, measure), getattr(b.measures, measure)
        if value_a is None or value_b is None:
            continue
        change = value_b / value_a - 1 if value_a else 0.0
        low: float | None = change
        verdict, reason = decide(measure, change, change, 0.0, 0.0), ""
        if measure == "macs" and (reason := _left_out(a, b)):
            low, verdict = None, "inconclusive"
        found.append(
            Comparison(
                **common,
                measure=measure,
                a=value_a,
                b=value_b,
                change=change,
                low=low,
                high=low,
                verdict=verdict,
                reason=reason,
                not_whole=tuple(name for name, _ in _left_out_by_side(a, b)) if reason else (),
            )
        )
    return found


def _left_out(a: Result, b: Result) -> str:
    """Which layers the MACs of each side leave out, if any do."""
    said = [f"in {name} they leave out {', '.join(names)}" for name, names in _left_out_by_side(a, b)]
    return f"the MACs are not whole: {'; '.join(said)}" if said else ""


def _left_out_by_side(a: Result, b: Result) -> list[tuple[str, Sequence[str]]]:
    sides = [(name, side.measures.macs_left_out) for name, side in (("A", a), ("B", b))]
    return [(name, names) for name, names in sides if names]


def _memory(a: Sequence[Result], b: Sequence[Result], common: Mapping[str, Any]) -> list[Comparison]:
    """None of it where a side has no process that recorded its memory."""
    peaks = [[p.memory.peak_bytes for r in side for p in r.samples if p.memory is not None] for side in (a, b)]
    if not all(peaks) or min(map(min, peaks)) <= 0:
        return []
    values = [sum(side) / len(side) for side in peaks]
    change = values[1] / values[0] - 1
    low = high = None
    verdict, reason = "inconclusive", f"fewer than {LEAST_OBSERVATIONS} processes a side"
    if min(map(len, peaks)) >= LEAST_OBSERVATIONS:
        centre, reach = mean_difference(*[[math.log(peak) for peak in side] for side in peaks], paired=False)
        low, high = math.expm1(centre - reach), math.expm1(centre + reach)
        verdict, reason = decide("memory", low, high, LEAST_EFFECT, MARGIN), ""
    return [
        Comparison(
            **common,
            measure="memory",
            a=values[0],
            b=values[1],
            change=change,
            low=low,
            high=high,
            verdict=verdict,
            reason=reason,
        )
    ]


def _usable(side: Sequence[Result], name: str) -> list[Result]:
    usable = [result for result in side if result.outcome == "ok"]
    if not usable:
        raise UsageError(f"{name} has no Result to compare: nothing was measured, or all of it failed")
    return usable


def _name(result: Result) -> str:
    return f"{result.scenario.model} ({result.id})"


def _scenario(result: Result) -> str:
    scenario = result.scenario
    threads = "" if scenario.threads is None else f", {scenario.threads} threads"
    parts = (scenario.dataset, scenario.runtime, scenario.device, scenario.precision)
    return f"{', '.join(parts)}, batch {scenario.batch_size}{threads}"
