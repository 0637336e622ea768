"""A recommendation as text. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.record import numbers
from zoo.report.render import render
from zoo.results.recommend import Candidate, Estimate, Recommendation, show

HEADERS = ("model", "runtime", "device", "precision", "threads", "latency", "accuracy", "memory", "")
MOST = 10  # rows of a table; the rest is counted


def answer(found: Recommendation, fmt: str) -> str:
    """The winner, the runners-up, why the rest fell out, the Pareto front."""
    parts = [_first_line(found)]
    if found.winner is not None:
        marks = [(found.winner, "the answer"), *((one, "") for one in found.runners_up)]
        parts.append(_table(marks, fmt))
    parts += [f"! {note}" for note in found.notes]
    if found.excluded:
        rows = [[*_cells(excluded.candidate)[:5], "; ".join(excluded.reasons)] for excluded in found.excluded[:MOST]]
        more = f"\nand {len(found.excluded) - MOST} more" if len(found.excluded) > MOST else ""
        parts.append("out:\n" + render([*HEADERS[:5], "because"], rows, fmt, right=HEADERS[4:5]) + more)
    every = {one.id: one for one in (found.winner, *found.runners_up, *(f.candidate for f in found.excluded)) if one}
    on_front = [(every[name], "within the limits" if _fits(found, name) else "") for name in found.front]
    if len(every) > 1:
        parts.append("Pareto front of latency, accuracy and memory:\n" + _table(on_front, fmt))
    return "\n\n".join(parts)


def _fits(found: Recommendation, name: str) -> bool:
    return any(one is not None and one.id == name for one in (found.winner, *found.runners_up))


def _first_line(found: Recommendation) -> str:
    limits = found.limits
    asked = [
        f"{name} of at {word} {show(name, limit)}"
        for name, word, limit in (
            ("latency", "most", limits.latency_s),
            ("accuracy", "least", limits.accuracy),
            ("memory", "most", limits.memory_bytes),
        )
        if limit is not None
    ]
    within = ", ".join(asked) or "no limits"
    if found.winner is not None:
        return f"{found.winner}: the best {found.best} with {within}"
    if not found.excluded:
        return "nothing has been measured that could be recommended"
    return f"nothing that was measured has {within}"


def _table(marked: Sequence[tuple[Candidate, str]], fmt: str) -> str:
    rows = [[*_cells(one), mark] for one, mark in marked[:MOST]]
    more = f"\nand {len(marked) - MOST} more" if len(marked) > MOST else ""
    return render(HEADERS, rows, fmt, right=HEADERS[4:8]) + more


def _cells(one: Candidate) -> list[object]:
    return [
        one.model,
        one.runtime,
        one.device,
        one.precision,
        one.threads or "–",
        _measured("latency", one.latency),
        _measured("accuracy", one.accuracy),
        _measured("memory", one.memory),
    ]


def _measured(name: str, measured: Estimate | None) -> str:
    if measured is None:
        return "–"
    if measured.low is None or measured.high is None or name == "memory":
        return show(name, measured.value)
    if name == "accuracy":
        return f"{numbers.percent(measured.value)} ({100 * measured.low:.1f}–{100 * measured.high:.1f})"
    return f"{show(name, measured.value)} ({show(name, measured.low)}–{show(name, measured.high)})"
