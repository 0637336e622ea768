"""Is B faster than A? Two sides measure by measure. Pure functions of Results."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.bench.stats import BLOCKS, expanded_quantiles, replicates, student
from zoo.errors import UsageError
from zoo.results.accuracy import compare_accuracy
from zoo.results.schema import Result
from zoo.results.verdicts import LEAST_EFFECT, LEAST_PROCESSES, MARGIN, Comparison, Floor, decide


def compare(
    a: Sequence[Result], b: Sequence[Result], *, across: bool = False, floor: Floor | None = None
) -> list[Comparison]:
    """Compare two sides measure by measure. Each side holds Results of one scenario, whose processes are pooled.

    :param across: allow Results from different environments; the comparisons then say so.
    :raises UsageError: if a side has no ok Result, or the environments differ and that was not allowed.
    """
    a, b = _usable(a, "A"), _usable(b, "B")
    fingerprints = [{r.environment["fingerprint"] for r in side} for side in (a, b)]
    different = len(fingerprints[0] | fingerprints[1]) > 1
    if different and not across:
        raise UsageError(
            f"{_name(a[0])} and {_name(b[0])} were measured in different environments "
            f"({', '.join(sorted(fingerprints[0] | fingerprints[1]))}); --across-environments allows it"
        )
    common = {"scenario": _scenario(a[0]), "across": different}
    found = [_speed(a, b, floor, common), *_exact(a[0], b[0], common), _memory(a, b, common)]
    if (accuracy := compare_accuracy(a[0], b[0], common)) is not None:
        found.append(accuracy)
    latency = found[0]
    return [latency, _throughput(a, b, latency, common), *found[1:]]


def compare_matching(
    a: Sequence[Result], b: Sequence[Result], *, across: bool = False, floor: Floor | None = None
) -> list[Comparison]:
    """Compare two sides scenario by scenario, whatever models and datasets they are of.

    :raises UsageError: if no scenario was measured on both sides, or as `compare` does.
    """
    sides = [_by_scenario(_usable(side, name)) for side, name in ((a, "A"), (b, "B"))]
    common = [scenario for scenario in sides[0] if scenario in sides[1]]
    if not common:
        raise UsageError(
            f"nothing was measured on both sides: A has {'; '.join(sides[0])}, and B has {'; '.join(sides[1])}"
        )
    return [
        comparison
        for scenario in common
        for comparison in compare(sides[0][scenario], sides[1][scenario], across=across, floor=floor)
    ]


def _by_scenario(results: Sequence[Result]) -> dict[str, list[Result]]:
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(_scenario(result), []).append(result)
    return found


def log_ratio_interval(
    a: Sequence[Sequence[float]],
    b: Sequence[Sequence[float]],
    *,
    paired: bool,
    floor: Floor | None = None,
    seed: int = 0,
) -> tuple[float, float, float]:
    """The logarithm of B's median over A's, with its 95 % interval.

    Each process counts as one observation: Student's t over the pairs, or over both sides with a common variance where
    they are not paired. What a calibration has seen of that variance is pooled with what these processes show. With one
    process a side and no calibration the interval is that of a bootstrap over its samples, which says nothing of how
    processes differ.

    :param a, b: samples by process.
    :param paired: process i of A ran beside process i of B, so that what the machine did at that time cancels out.
    """
    import numpy as np

    medians_a, medians_b = (np.log([np.median(process) for process in side]) for side in (a, b))
    centre = float(medians_b.mean() - medians_a.mean())
    if paired:
        squares, freedom = _squares(medians_b - medians_a), len(a) - 1
        scale, known = math.sqrt(1 / len(a)), floor.pair_sd if floor else 0.0
    else:
        squares, freedom = _squares(medians_a) + _squares(medians_b), len(a) + len(b) - 2
        scale, known = math.sqrt(1 / len(a) + 1 / len(b)), floor.process_sd if floor else 0.0
    if floor is not None:
        squares, freedom = squares + (floor.pairs - 1) * known**2, freedom + floor.pairs - 1
    reach = student(freedom) * math.sqrt(squares / freedom) * scale if freedom else 0.0
    low, high = _within(a, b, seed)
    return centre, min(centre - reach, low), max(centre + reach, high)


def _squares(values: Any) -> float:
    """Sum of squared deviations from the mean."""
    return float(((values - values.mean()) ** 2).sum())


def _within(a: Sequence[Sequence[float]], b: Sequence[Sequence[float]], seed: int) -> tuple[float, float]:
    """The interval as far as the samples within one process a side tell it; nothing where there are several."""
    import numpy as np

    if max(len(a), len(b)) > 1:
        return math.inf, -math.inf
    random = np.random.default_rng(seed)
    drawn_a, drawn_b = (np.log(replicates(side, np.median, random)[0]) for side in (a, b))
    return expanded_quantiles(drawn_b - drawn_a, BLOCKS)


def _speed(a: Sequence[Result], b: Sequence[Result], floor: Floor | None, common: Mapping[str, Any]) -> Comparison:
    samples_a, samples_b = _processes(a), _processes(b)
    paired = _paired(a, b)
    centre, low, high = log_ratio_interval(samples_a, samples_b, paired=paired, floor=floor)
    fewest = min(len(samples_a), len(samples_b))
    reason = f"{len(samples_a)} and {len(samples_b)} processes" + (", interleaved" if paired else "")
    if floor is not None:
        reason += f", noise floor of {floor.pairs} pairs"
    low, high = float(math.expm1(low)), float(math.expm1(high))
    verdict: str = decide("latency", low, high, LEAST_EFFECT, MARGIN)
    if floor is None and fewest < LEAST_PROCESSES:
        verdict = "inconclusive"
        reason += f": how processes differ takes {LEAST_PROCESSES} a side (--careful) or 'zoo calibrate'"
    return Comparison(
        **common,
        measure="latency",
        a=_typical(samples_a),
        b=_typical(samples_b),
        change=math.expm1(centre),
        low=low,
        high=high,
        verdict=verdict,
        reason=reason,
    )


def _throughput(a: Sequence[Result], b: Sequence[Result], latency: Comparison, common: Mapping[str, Any]) -> Comparison:
    """The same samples read the other way round: images in a second for seconds an image."""
    assert latency.low is not None  # noqa: S101 - it comes from _speed
    assert latency.high is not None  # noqa: S101 - as does this
    words: dict[str, str] = {"slower": "slower", "faster": "faster"}
    return Comparison(
        **common,
        measure="throughput",
        a=a[0].scenario["batch_size"] / latency.a,
        b=b[0].scenario["batch_size"] / latency.b,
        change=1 / (1 + latency.change) - 1,
        low=1 / (1 + latency.high) - 1,
        high=1 / (1 + latency.low) - 1,
        verdict=words.get(latency.verdict, latency.verdict),
        reason=latency.reason,
    )


def _exact(a: Result, b: Result, common: Mapping[str, Any]) -> list[Comparison]:
    """Counts, which have no spread."""
    found = []
    for measure in ("parameters", "macs"):
        value_a, value_b = a.measures[measure], b.measures[measure]
        change = value_b / value_a - 1 if value_a else 0.0
        verdict = decide(measure, change, change, 0.0, 0.0)
        found.append(
            Comparison(
                **common, measure=measure, a=value_a, b=value_b, change=change, low=change, high=change, verdict=verdict
            )
        )
    return found


def _memory(a: Sequence[Result], b: Sequence[Result], common: Mapping[str, Any]) -> Comparison:
    peaks = [[s["memory"]["peak_bytes"] for r in side for s in r.samples] for side in (a, b)]
    values = [sum(side) / len(side) for side in peaks]
    change = values[1] / values[0] - 1
    low = high = None
    verdict, reason = "inconclusive", f"fewer than {LEAST_PROCESSES} processes a side"
    if min(map(len, peaks)) >= LEAST_PROCESSES:
        _, log_low, log_high = log_ratio_interval(
            [[peak] for peak in peaks[0]], [[peak] for peak in peaks[1]], paired=False
        )
        low, high = math.expm1(log_low), math.expm1(log_high)
        verdict, reason = decide("memory", low, high, LEAST_EFFECT, MARGIN), ""
    return Comparison(
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


def _usable(side: Sequence[Result], name: str) -> list[Result]:
    usable = [result for result in side if result.outcome == "ok"]
    if not usable:
        raise UsageError(f"{name} has no Result to compare: nothing was measured, or all of it failed")
    return usable


def _processes(side: Sequence[Result]) -> list[Sequence[float]]:
    return [process["latency_s"] for result in side for process in result.samples]


def _paired(a: Sequence[Result], b: Sequence[Result]) -> bool:
    """Whether the processes of both ran in turn: then they share the number of their pair."""
    pairs = [[process.get("pair") for result in side for process in result.samples] for side in (a, b)]
    return pairs[0] == pairs[1] and None not in pairs[0] and a[0].run == b[0].run


def _typical(processes: Sequence[Sequence[float]]) -> float:
    """What the ratio is a ratio of: the geometric mean of the processes' medians, in seconds."""
    return statistics.geometric_mean(statistics.median(samples) for samples in processes)


def _name(result: Result) -> str:
    return f"{result.scenario['model']} ({result.id})"


def _scenario(result: Result) -> str:
    scenario = result.scenario
    threads = "" if scenario["threads"] is None else f", {scenario['threads']} threads"
    parts = [scenario[key] for key in ("dataset", "runtime", "device", "precision")]
    return f"{', '.join(parts)}, batch {scenario['batch_size']}{threads}"
