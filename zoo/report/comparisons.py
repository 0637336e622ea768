"""Comparisons and verdicts as tables. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from zoo.record import numbers
from zoo.report.render import render
from zoo.results.gate import Limit
from zoo.results.verdicts import Comparison


def table(comparisons: Sequence[Comparison], fmt: str) -> str:
    """One row a measure; what rests on different environments says so in each of its rows.

    :param comparisons: at least one, all of the same two sides.
    """
    names = comparisons[0].names
    rows = [
        [
            comparison.scenario + (" (different environments)" if comparison.across else ""),
            comparison.measure,
            _value(comparison, "a"),
            _value(comparison, "b"),
            _change(comparison.measure, comparison.change),
            _interval(comparison),
            comparison.verdict,
        ]
        for comparison in comparisons
    ]
    figures = (*names, "change", "95 % interval")
    return render(("scenario", "measure", *figures, f"verdict on {names[1]}"), rows, fmt, right=figures)


def sides(comparisons: Sequence[Comparison]) -> list[str]:
    """Which versions were compared, a line for each side of a scenario."""
    return list(dict.fromkeys(side.in_a_line() for comparison in comparisons for side in comparison.sides))


def reasons(comparisons: Sequence[Comparison]) -> list[str]:
    """What the verdicts rest on, and what is doubtful about it, a line each."""
    lines = [f"{c.measure}, {c.scenario}: {c.reason}" for c in comparisons if c.reason and c.measure != "throughput"]
    lines += [f"! {c.scenario}: {doubt}" for c in comparisons for doubt in c.doubts]
    return list(dict.fromkeys(lines))


def gate_lines(judged: Sequence[tuple[Limit, str, str]]) -> list[str]:
    """What became of each limit."""
    return [f"{limit.text}: {outcome} ({scenario})" for limit, scenario, outcome in judged]


def _value(comparison: Comparison, side: Literal["a", "b"]) -> str:
    measure = comparison.measure
    value = comparison.a if side == "a" else comparison.b
    if measure == "latency":
        return numbers.duration(value)
    if measure == "memory":
        return numbers.size(round(value))
    if measure == "accuracy":
        return numbers.percent(value)
    if measure == "throughput":
        return f"{numbers.rate(value)}/s"
    lacks = measure == "macs" and side in comparison.not_whole
    return numbers.at_least(numbers.count(round(value)), (side,) if lacks else ())


def _change(measure: str, change: float) -> str:
    return f"{100 * change:+.2f} {'pp' if measure == 'accuracy' else '%'}"


def _interval(comparison: Comparison) -> str:
    if comparison.low is None or comparison.high is None:
        return "not known"
    return f"{100 * comparison.low:+.2f} to {100 * comparison.high:+.2f}"
