"""A run's history drawn as SVG: loss, accuracy and learning rate over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.chart import Curve, Panel, Point, sheet

TRAINING, TUNING = "#2f6fb3", "#c2410c"

# Each panel: its title, and the curves in it: the key in a line of the history, what it is called, its colour.
PANELS = (
    ("loss", (("loss", "training", TRAINING), ("tuning_loss", "tuning", TUNING))),
    ("accuracy, %", (("accuracy", "training", TRAINING), ("tuning_accuracy", "tuning", TUNING))),
    ("learning rate", (("learning_rate", "of the epoch's last step", TRAINING),)),
)


def draw(title: str, history: Sequence[Mapping[str, Any]]) -> str:
    """Draw a history as SVG text, one panel beside the other.

    :param history: a line for each epoch, as a run's `history.jsonl` has them; at least one.
    """
    return sheet(title, [[_panel(name, curves, history) for name, curves in PANELS]])


def _panel(name: str, curves: Sequence[tuple[str, str, str]], history: Sequence[Mapping[str, Any]]) -> Panel:
    shown = [Curve(label, colour, points) for key, label, colour in curves if (points := _points(key, history))]
    return Panel(title=name, x_title="epoch", curves=shown, whole=True)


def _points(key: str, history: Sequence[Mapping[str, Any]]) -> list[Point]:
    scale = 100 if key.endswith("accuracy") else 1
    return [(line["epoch"], scale * line[key]) for line in history if key in line]
