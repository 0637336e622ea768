"""A study of skip connections drawn as SVG: a row for each pair of twins. Lengths are in px."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.chart import Curve, Panel, sheet

PLAIN, RESIDUAL = "#c2410c", "#2f6fb3"
KINDS = (("plain", PLAIN), ("residual", RESIDUAL))


def draw(study: Mapping[str, Any]) -> str:
    """Draw what `zoo.study.api.study_residual` returns."""
    rows = [_row(pair) for pair in study["pairs"]]
    recipe = study["recipe"]
    title = (
        f"Twins with and without skip connections: {study['steps']} steps of {recipe['batch_size']} images of "
        f"{study['dataset']['name']}, seed {recipe['seed']}"
    )
    return sheet(title, rows)


def _row(pair: Mapping[str, Any]) -> list[Panel]:
    first, last = 0, -1
    norms = [
        Panel(
            title=f"norm of the gradient, {when}",
            x_title="layer, from the input on",
            logarithmic=True,
            whole=True,
            curves=[
                Curve(
                    label=pair[kind]["model"],
                    colour=colour,
                    points=list(enumerate(pair[kind]["points"][index]["gradient_norms"], start=1)),
                )
                for kind, colour in KINDS
            ],
        )
        for when, index in (("first step", first), ("at the end", last))
    ]
    loss = Panel(
        title="training loss",
        x_title="step",
        whole=True,
        curves=[
            Curve(
                label=f"{pair[kind]['model']}, held out {pair[kind]['held_out']['value']:.1%}",
                colour=colour,
                points=[(point["step"], point["loss"]) for point in pair[kind]["points"]],
            )
            for kind, colour in KINDS
        ],
    )
    return [loss, *norms]
