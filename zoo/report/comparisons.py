"""Comparisons and verdicts as tables. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.record import numbers
from zoo.report.tables import render
from zoo.results.gate import Limit
from zoo.results.verdicts import Comparison

HEADERS = ("scenario", "measure", "A", "B", "change", "95 % interval", "verdict")


def table(comparisons: Sequence[Comparison], fmt: str) -> str:
    """One row a measure; what rests on different environments says so in each of its rows."""
    rows = [
        [
            comparison.scenario + (" (different environments)" if comparison.across else ""),
            comparison.measure,
            _value(comparison.measure, comparison.a),
            _value(comparison.measure, comparison.b),
            _change(comparison.measure, comparison.change),
            _interval(comparison),
            comparison.verdict,
        ]
        for comparison in comparisons
    ]
    return render(HEADERS, rows, fmt, right=HEADERS[2:6])


def reasons(comparisons: Sequence[Comparison]) -> list[str]:
    """What the verdicts rest on, a line each, where there is something to say."""
    lines = [f"{c.measure}, {c.scenario}: {c.reason}" for c in comparisons if c.reason and c.measure != "throughput"]
    return list(dict.fromkeys(lines))


def gate_lines(judged: Sequence[tuple[Limit, str, str]]) -> list[str]:
    """What became of each limit."""
    return [f"{limit.text}: {outcome} ({scenario})" for limit, scenario, outcome in judged]


def _value(measure: str, value: float) -> str:
    if measure == "latency":
        return numbers.duration(value)
    if measure == "memory":
        return numbers.size(round(value))
    if measure == "accuracy":
        return numbers.percent(value)
    if measure == "throughput":
        return f"{numbers.rate(value)}/s"
    return numbers.count(round(value))


def _change(measure: str, change: float) -> str:
    return f"{100 * change:+.2f} {'pp' if measure == 'accuracy' else '%'}"


def _interval(comparison: Comparison) -> str:
    if comparison.low is None or comparison.high is None:
        return "not known"
    return f"{100 * comparison.low:+.2f} to {100 * comparison.high:+.2f}"
