"""`zoo study`: experiments on the zoo's own models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.cli import App, names
from zoo.cli.options import as_json, data_dir, echo_json, table_format
from zoo.errors import UsageError
from zoo.keras_backend import BACKENDS


@click.group("study")
def command() -> None:
    """Experiments on the zoo's own models, for people who learn from them."""


def _pairs(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs = []
    for value in values:
        plain, colon, with_skips = value.partition(":")
        if not (plain and colon and with_skips):
            raise click.BadParameter(f"'{value}' is not a pair such as plain56:resnet56")
        pairs.append((plain, with_skips))
    return pairs


@command.command("residual")
@click.option(
    "--pair",
    "pairs",
    metavar="PLAIN:RESIDUAL",
    multiple=True,
    default=("plain_cnn:toy_resnet", "plain56:resnet56"),
    show_default=True,
    callback=_pairs,
    help="Twins; may be given several times.",
)
@click.option(
    "--dataset",
    shell_complete=names.datasets,
    metavar="NAME",
    default="cifar10",
    show_default=True,
    help="What to train on.",
)
@data_dir
@click.option("--steps", type=click.IntRange(min=2), metavar="N", default=400, show_default=True)
@click.option("--batch-size", type=click.IntRange(min=1), metavar="N", default=128, show_default=True)
@click.option("--learning-rate", type=click.FloatRange(min=0, min_open=True), default=0.02, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), metavar="N", default=0, show_default=True)
@click.option(
    "--keras-backend",
    type=click.Choice(BACKENDS),
    help="What Keras computes with; by default the first that is installed.",
)
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    type=click.Path(),
    required=True,
    help="For study.json and residual.svg. Models that it holds the same training of are not trained again.",
)
@table_format
@as_json
@click.pass_obj
def residual(app: App, /, output: str, fmt: str, as_json: bool, **settings: Any) -> None:
    """Train twins with and without skip connections and record every layer's gradient.

    Both get the same images in the same order. docs/residual-connections.md says what is to be seen.
    """
    from zoo.cli.progress import progress
    from zoo.report.render import render
    from zoo.study.api import study_residual

    if not settings["pairs"]:
        raise UsageError("name at least one pair, such as --pair plain56:resnet56")
    with progress() as display:
        bar = display.add_task("starting", total=None)

        def on_event(event: dict[str, Any]) -> None:
            if event["event"] == "phase":
                display.update(bar, description=f"{event['model']}: {event['name']}")
                if "steps" in event:
                    display.reset(bar, total=event["steps"])
            elif event["event"] == "step":
                text = f"{event['model']}: loss {event['loss']:.3f}"
                display.update(bar, completed=event["step"], description=text)

        study = study_residual(output, on_event=on_event, registry=app.registry(), **settings)
    if as_json:
        echo_json(study)
        return
    rows = [_row(pair[kind]) for pair in study["pairs"] for kind in ("plain", "residual")]
    headers = ["model", "parameters", "loss", "held out", "gradient, first / last layer: first step", "at the end"]
    click.echo(render(headers, rows, fmt))
    click.echo(f"picture {Path(output) / 'residual.svg'}")


def _row(trained: dict[str, Any]) -> list[str]:
    first, *_, last = trained["points"]
    return [
        trained["model"],
        f"{trained['parameters']:,}",
        f"{last['loss']:.3f}",
        f"{trained['held_out']['value']:.1%}",
        *(f"{point['gradient_norms'][0]:.3g} / {point['gradient_norms'][-1]:.3g}" for point in (first, last)),
    ]
