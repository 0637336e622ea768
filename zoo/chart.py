"""Line charts as SVG, side by side on one sheet.

Written by hand: nothing to install, and the same data give the same file. Lengths are in px of the SVG's own
coordinates.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 300, 180  # of a panel's plot
LEFT, TOP, GAP, LINE = 60, 68, 76, 15
INK, FAINT, PAPER, GRID = "#1f2328", "#59636e", "#ffffff", "#d8dee4"

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through points, in order of x."""

    label: str
    colour: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves over one pair of axes. The vertical axis begins at zero, or is logarithmic.

    Attributes:
        whole: ticks of the horizontal axis are whole numbers.
        logarithmic: of the vertical axis; values of zero and below are left out then.
    """

    title: str
    x_title: str
    curves: Sequence[Curve]
    whole: bool = False
    logarithmic: bool = False


def sheet(title: str, rows: Sequence[Sequence[Panel]]) -> str:
    """Panels in rows under a title, as SVG text."""
    columns = max(len(row) for row in rows)
    legend = LINE * max(len(panel.curves) for row in rows for panel in row)
    row_height = HEIGHT + legend + 84
    width, height = LEFT + columns * (WIDTH + GAP), TOP - 20 + len(rows) * row_height
    groups = [
        f'<g transform="translate({LEFT + column * (WIDTH + GAP)} {TOP + legend + row * row_height})">'
        f"{''.join(_panel(panel))}</g>"
        for row, panels in enumerate(rows)
        for column, panel in enumerate(panels)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="Helvetica, Arial, sans-serif" font-size="11" fill="{INK}">',
            f"<title>{html.escape(title)}</title>",
            f'<rect width="100%" height="100%" fill="{PAPER}"/>',
            text(title, LEFT, 28, size=15),
            *groups,
            "</svg>\n",
        ]
    )


def _panel(panel: Panel) -> Iterator[str]:
    curves = [_shown(curve, panel.logarithmic) for curve in panel.curves]
    points = [point for curve in curves for point in curve.points]
    across = ticks(min((x for x, _ in points), default=0), max((x for x, _ in points), default=1), whole=panel.whole)
    values = [y for _, y in points] or [1.0]
    up = decades(min(values), max(values)) if panel.logarithmic else ticks(0, max(values))
    scale = math.log10 if panel.logarithmic else float

    def place(x: float, y: float) -> Point:
        share = (scale(y) - scale(up[0])) / (scale(up[-1]) - scale(up[0]))
        return WIDTH * (x - across[0]) / (across[-1] - across[0]), HEIGHT * (1 - share)

    yield text(panel.title, 0, -14 - LINE * len(curves), size=12)
    for value in up:
        y = place(across[0], value)[1]
        yield f'<path d="M0 {y:.1f}H{WIDTH}" stroke="{GRID}"/>'
        yield text(f"{value:g}", -6, y + 4, "end")
    for x in across:
        yield text(f"{x:g}", place(x, up[0])[0], HEIGHT + 16, "middle")
    yield text(panel.x_title, WIDTH, HEIGHT + 32, "end")
    for row, curve in enumerate(curves):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in curve.points))
        yield f'<polyline points="{path}" fill="none" stroke="{curve.colour}" stroke-width="1.8"/>'
        if curve.points:
            x, y = place(*curve.points[-1])
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{curve.colour}"/>'
        yield f'<path d="M0 {-12 - LINE * row}h14" stroke="{curve.colour}" stroke-width="2.4"/>'
        yield text(curve.label, 20, -8 - LINE * row)


def _shown(curve: Curve, logarithmic: bool) -> Curve:
    if not logarithmic:
        return curve
    return Curve(curve.label, curve.colour, [(x, y) for x, y in curve.points if y > 0])


def ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Round numbers, evenly apart, from `low` or just below to `high` or just above; at least two."""
    span = high - low if high > low else 1.0
    size = 10 ** math.floor(math.log10(span))
    step: float = next(size * m for m in (0.2, 0.5, 1, 2) if span / (size * m) <= 6)
    if whole:
        step = max(1, round(step))
    first, last = math.floor(low / step + 1e-9), math.ceil((low + span) / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def decades(low: float, high: float) -> list[float]:
    """Powers of ten from `low` or just below to `high` or just above; at least two."""
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    return [10.0**i for i in range(first, max(last, first + 1) + 1)]


def text(content: str, x: float, y: float, anchor: str = "start", *, size: int = 11) -> str:
    """Text at a place, as SVG; large text is dark."""
    colour = INK if size > 11 else FAINT
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">'
        f"{html.escape(content)}</text>"
    )
