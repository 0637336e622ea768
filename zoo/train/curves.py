"""A run's history drawn as SVG: loss, accuracy and learning rate over the epochs. Lengths are in px."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Line = Mapping[str, Any]

WIDTH, HEIGHT, MARGIN, GAP = 300, 180, 56, 70
INK, FAINT, PAPER = "#1f2328", "#59636e", "#ffffff"
TRAINING, TUNING = "#2f6fb3", "#c2410c"

# Each panel: its title, and the curves in it: the key in a line of the history, what it is called, its colour.
PANELS = (
    ("loss", (("loss", "training", TRAINING), ("tuning_loss", "tuning", TUNING))),
    ("accuracy, %", (("accuracy", "training", TRAINING), ("tuning_accuracy", "tuning", TUNING))),
    ("learning rate", (("learning_rate", "", TRAINING),)),
)


def draw(title: str, history: Sequence[Line]) -> str:
    """Draw a history as SVG text, one panel beside the other.

    :param history: a line for each epoch, as a run's `history.jsonl` has them; at least one.
    """
    width = MARGIN + len(PANELS) * (WIDTH + GAP)
    height = HEIGHT + 2 * MARGIN + 16
    panels = []
    for i, (name, curves) in enumerate(PANELS):
        place = f"translate({MARGIN + i * (WIDTH + GAP)} {MARGIN + 8})"
        panels += [f'<g transform="{place}">', *_panel(name, curves, history), "</g>"]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="Helvetica, Arial, sans-serif" font-size="11" fill="{INK}">',
            f"<title>{html.escape(title)}</title>",
            f'<rect width="100%" height="100%" fill="{PAPER}"/>',
            _text(title, MARGIN, 24, "start", size=15),
            *panels,
            "</svg>\n",
        ]
    )


def _panel(name: str, curves: Sequence[tuple[str, str, str]], history: Sequence[Line]) -> Iterator[str]:
    shown = [(label, colour, points) for key, label, colour in curves if (points := _points(key, history))]
    epochs = ticks(0, max(line["epoch"] for line in history), whole=True)
    values = ticks(0, max(value for _, _, points in shown for _, value in points))

    def place(epoch: float, value: float) -> tuple[float, float]:
        return WIDTH * epoch / epochs[-1], HEIGHT * (1 - value / values[-1])

    yield _text(name, 0, -12, "start", size=12)
    for value in values:
        y = place(0, value)[1]
        yield f'<path d="M0 {y:.1f}H{WIDTH}" stroke="#d8dee4"/>'
        yield _text(f"{value:g}", -6, y + 4, "end")
    for epoch in epochs:
        yield _text(f"{epoch:g}", place(epoch, 0)[0], HEIGHT + 16, "middle")
    yield _text("epoch", WIDTH, HEIGHT + 32, "end")
    for row, (label, colour, points) in enumerate(shown):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
        x, y = place(*points[-1])
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>'
        if len(shown) > 1:
            yield f'<text x="{WIDTH - 4}" y="{row * 14 - 10}" text-anchor="end" fill="{colour}">{label}</text>'


def _points(key: str, history: Sequence[Line]) -> list[tuple[float, float]]:
    scale = 100 if key.endswith("accuracy") else 1
    return [(line["epoch"], scale * line[key]) for line in history if key in line]


def ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Round numbers, evenly apart, from `low` to just above `high`: four to eight, fewer where they are whole."""
    span = high - low if high > low else 1.0
    size = 10 ** math.floor(math.log10(span))
    step = next(size * m for m in (0.2, 0.5, 1, 2) if span / (size * m) <= 6)
    if whole:
        step = max(1, round(step))
    count = math.ceil((low + span) / step - 1e-9)
    return [round(low + i * step, 12) for i in range(count + 1)]


def _text(text: str, x: float, y: float, anchor: str, *, size: int = 11) -> str:
    colour = INK if size > 11 else FAINT
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">'
        f"{html.escape(text)}</text>"
    )
