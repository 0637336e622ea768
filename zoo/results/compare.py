"""Is B faster than A? Two sides measure by measure. Pure functions of Results.

A Result's checks say what was wrong while it was measured. Sides that were measured at different times did not share
that: a busy machine then looks like a slow model. Sides that took turns shared whatever the machine did, from one
fraction of a second to the next, so that it cancels out of their ratio. What remains is a model that never is steady:
not a process or two of it, which differ from pair to pair, but most.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zoo.benchmarking.computing import in_words
from zoo.benchmarking.definitions import memory_bytes, memory_measure, over_processes
from zoo.errors import UsageError
from zoo.record.result import Result
from zoo.results.accuracy import compare_accuracy
from zoo.results.speed import compare_speed, mean_difference, took_turns
from zoo.results.verdicts import LEAST_OBSERVATIONS, SHOWN, ComparedSide, Comparison, NoiseFloor, SideDoubt
from zoo.text import printable

Floors = Callable[[Result, Result], NoiseFloor | None]

# Checks that decide nothing: the interval covers the former, and the latter are not about what is compared.
COVERED = ("deviation", "imprecise", "process_lost")
# Few samples for a percentile, that is.
NOT_OF_SPEED = ("few_samples", "above_peak", "classes_reordered", "images_damaged", "macs_not_whole")
UNSTEADY = "unsteady"
SHARED_IN_TURN = ("busy", "stolen", "throttled", "quota", "loaded", "accelerator_busy", "accelerator_throttled")


# What can tell two sides apart, the most telling first. Beyond the model it stands beside the model.
FACTS: tuple[Callable[[Result], str], ...] = (
    lambda result: result.scenario.runtime,
    lambda result: result.scenario.device,
    lambda result: result.scenario.precision,
    lambda result: f"{result.scenario.threads or 'default'} threads",
    lambda result: ", ".join(result.labels) or "no label",
    lambda result: f"{result.plugin.distribution} {result.plugin.version}",
    lambda result: f"zoo {result.zoo_version}",
    lambda result: f"weights {result.weights.sha256[:SHOWN]}" if result.weights else "random weights",
    lambda result: f"code {result.code[:SHOWN]}" if result.code else "unknown code",
    lambda result: f"environment {result.environment.fingerprint[:SHOWN]}",
)


def compare(
    a: Sequence[Result],
    b: Sequence[Result],
    *,
    across: bool = False,
    floor: NoiseFloor | None = None,
    names: tuple[str, str] | None = None,
    scenario: str | None = None,
) -> list[Comparison]:
    """Compare two sides measure by measure. Each side holds Results of one scenario, whose processes are pooled.

    :param across: allow Results from different environments; the comparisons then say so.
    :param names: of the sides; by default what tells them apart.
    :param scenario: what to call it; by default by all but the model.
    :raises UsageError: if a side has no ok Result or mixes versions, or the environments differ and that was not
        allowed.
    """
    a, b = _usable(a, "the first side"), _usable(b, "the second side")
    names = names or name_sides(a, b)
    for side, name in zip((a, b), names, strict=True):
        _refuse_mixed(side, name)
    other = next((r for r in (*b, *a) if r.environment.fingerprint != a[0].environment.fingerprint), None)
    if other is not None and not across:
        raise UsageError(
            f"{_name(a[0])} and {_name(other)} were measured in different environments "
            f"({in_words(a[0].environment, other.environment)}); --across-environments allows it"
        )
    sides = tuple(ComparedSide.of(side, name) for side, name in zip((a, b), names, strict=True))
    common = {"scenario": scenario or _scenario(a[0]), "across": other is not None, "sides": sides}
    speed = [doubted(one, a, b) for one in compare_speed(a, b, floor, common)]
    accuracy = compare_accuracy(a[0], b[0], common, names)
    return [*speed, *_exact(a[0], b[0], common, names), *_memory(a, b, common), *([accuracy] if accuracy else [])]


def compare_matching(
    a: Sequence[Result],
    b: Sequence[Result],
    *,
    across: bool = False,
    floors: Floors | None = None,
    names: tuple[str, str] | None = None,
) -> list[Comparison]:
    """Compare two sides scenario by scenario.

    Two models are compared where each side has one; where a side has several, each is compared with itself.

    :param floors: the noise floor of two Results of one scenario, where it is known.
    :param names: of the sides; by default what tells them apart.
    :raises UsageError: if no scenario was measured on both sides, or as `compare` does.
    """
    a, b = _usable(a, "the first side"), _usable(b, "the second side")
    names = names or name_sides(a, b)
    several = any(len({result.scenario.model for result in side}) > 1 for side in (a, b))
    sides = [_by_scenario(side, several) for side in (a, b)]
    common = [scenario for scenario in sides[0] if scenario in sides[1]]
    if not common:
        raise UsageError(
            f"nothing was measured on both sides: {names[0]} has {'; '.join(sides[0])}, "
            f"and {names[1]} has {'; '.join(sides[1])}"
        )
    found = []
    for scenario in common:
        first, second = (side[scenario] for side in sides)
        floor = floors(first[0], second[0]) if floors else None
        found += compare(first, second, across=across, floor=floor, names=names, scenario=scenario)
    return found


def name_sides(a: Sequence[Result], b: Sequence[Result]) -> tuple[str, str]:
    """A name for each side: its model; else the first fact that all of a side share and the other lacks; else ids."""
    models = [sorted({result.scenario.model for result in side}) for side in (a, b)]
    single = max(map(len, models)) == 1
    if single and models[0] != models[1]:
        return printable(models[0][0]), printable(models[1][0])
    beside = f"{models[0][0]}, " if single else ""
    for fact in FACTS:
        told = [{fact(result) for result in side} for side in (a, b)]
        if len(told[0]) == len(told[1]) == 1 and told[0] != told[1]:
            first, second = (f"{beside}{values.pop()}" for values in told)
            return printable(first), printable(second)
    return _ids(a), _ids(b)


def _ids(side: Sequence[Result]) -> str:
    more = f" and {len(side) - 1} more" if len(side) > 1 else ""
    return f"{side[0].id}{more}"


def doubted(comparison: Comparison, a: Sequence[Result], b: Sequence[Result]) -> Comparison:
    """The comparison of a measure of speed with its doubts, which leave its interval unknown if they decide."""
    found = tuple(doubts(a, b, comparison.names))
    if not any(doubt.decides for doubt in found):
        return dataclasses.replace(comparison, doubts=found)
    reason = f"{comparison.reason}; what is doubtful gives no verdict"
    if not took_turns(a, b):
        reason += ", and 'zoo bench --against' measures both sides in turn"
    return dataclasses.replace(comparison, low=None, high=None, verdict="inconclusive", reason=reason, doubts=found)


def doubts(a: Sequence[Result], b: Sequence[Result], names: tuple[str, str]) -> list[SideDoubt]:
    """What is doubtful about either side's speed. A check of a kind that is not known here counts as a doubt."""
    found = []
    for side, name in ((a, names[0]), (b, names[1])):
        passed_over = {*COVERED, *((*SHARED_IN_TURN, *_seldom(side)) if took_turns(a, b) else ())}
        for check in (check for result in side for check in result.checks):
            if check.code not in NOT_OF_SPEED:
                decides = check.code not in passed_over
                found.append(SideDoubt(side=name, code=check.code, message=check.message, decides=decides))
    return list(dict.fromkeys(found))


def _seldom(side: Sequence[Result]) -> tuple[str, ...]:
    """The code of not being steady, where that is so of fewer than half of the processes."""
    settled = [process.settled for result in side for process in result.samples]
    return (UNSTEADY,) if 2 * settled.count(False) < len(settled) else ()


def _refuse_mixed(side: Sequence[Result], name: str) -> None:
    """:raises UsageError: if the Results of one side are not of the same thing, so that pooling them says nothing."""
    facts: dict[str, Callable[[Result], object]] = {
        "models": lambda result: result.scenario.model,
        "versions of the plugin": lambda result: (result.plugin.distribution, result.plugin.version),
        "versions of the zoo": lambda result: result.zoo_version,
        "code": lambda result: result.code,
        "weights": lambda result: result.weights and result.weights.sha256,
    }
    for what, fact in facts.items():
        other = next((result for result in side if fact(result) != fact(side[0])), None)
        if other is not None:
            raise UsageError(
                f"{name} holds Results of different {what} ({_name(side[0])} and {_name(other)}); name one by its id"
            )


def _by_scenario(results: Sequence[Result], several: bool) -> dict[str, list[Result]]:
    """:param several: models, which are then told apart."""
    found: dict[str, list[Result]] = {}
    for result in results:
        model = f"{result.scenario.model}, " if several else ""
        found.setdefault(f"{model}{_scenario(result)}", []).append(result)
    return found


def _exact(a: Result, b: Result, common: Mapping[str, Any], names: tuple[str, str]) -> list[Comparison]:
    """Counts, which have no spread. Those that are not whole are bounds, which decide nothing."""
    found = []
    not_whole = tuple(name for name, side in (("a", a), ("b", b)) if side.measures.macs_left_out)
    for measure in ("parameters", "macs"):
        first, second = getattr(a.measures, measure), getattr(b.measures, measure)
        if first is None or second is None:
            continue
        change = second / first - 1 if first else 0.0
        bound = not_whole if measure == "macs" else ()
        reason = f"the MACs are not whole: {_left_out(a, b, names)}" if bound else ""
        interval = None if bound else (change, change)
        found.append(
            Comparison.decided(
                common, measure, (first, second), change, interval, reason, least=0.0, margin=0.0, not_whole=bound
            )
        )
    return found


def _left_out(a: Result, b: Result, names: tuple[str, str]) -> str:
    """Which layers the MACs of each side leave out."""
    sides = zip(names, (a.measures.macs_left_out, b.measures.macs_left_out), strict=True)
    return "; ".join(f"in {name} they leave out {', '.join(layers)}" for name, layers in sides if layers)


def _memory(a: Sequence[Result], b: Sequence[Result], common: Mapping[str, Any]) -> list[Comparison]:
    """Of the process, or of the device where that is an accelerator. None of it where a side lacks it."""
    each = [[_peaks(result) for result in side] for side in (a, b)]
    if not all(peaks and min(peaks) > 0 for side in each for peaks in side):
        return []
    values = [over_processes([memory_bytes(peaks) for peaks in side]) for side in each]
    logarithms = [[math.log(peak) for peaks in side for peak in peaks] for side in each]
    interval, reason = None, f"fewer than {LEAST_OBSERVATIONS} processes a side"
    if min(map(len, logarithms)) >= LEAST_OBSERVATIONS:
        centre, reach = mean_difference(*logarithms, paired=False)
        interval, reason = (math.expm1(centre - reach), math.expm1(centre + reach)), ""
    return [Comparison.decided(common, "memory", values, values[1] / values[0] - 1, interval, reason)]


def _peaks(result: Result) -> list[int]:
    """Of each process, in bytes; none if not all recorded it."""
    recorded = [process.memory for process in result.samples if process.memory is not None]
    if memory_measure(result.scenario) == "peak_device_bytes":
        peaks = [memory.peak_device_bytes for memory in recorded if memory.peak_device_bytes is not None]
    else:
        peaks = [memory.peak_bytes for memory in recorded]
    return peaks if len(peaks) == len(result.samples) else []


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
