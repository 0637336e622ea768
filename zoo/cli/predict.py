"""`zoo predict`: ask a trained model about images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from zoo.cli import App, names, warn
from zoo.cli.options import as_json, echo_json, table_format, weights_option
from zoo.errors import EXIT_FAILED, EXIT_OK
from zoo.keras_backend import BACKENDS

if TYPE_CHECKING:
    from zoo.predicting.api import Prediction

DIGEST_SHOWN = 8


@click.command("predict")
@click.argument("name", shell_complete=names.models)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--dataset",
    shell_complete=names.datasets,
    metavar="NAME",
    help="Whose weights; by default the only one that the model has weights for.",
)
@weights_option
@click.option("--top", type=click.IntRange(min=1), default=3, show_default=True, metavar="N", help="Classes to name.")
@click.option(
    "--keras-backend",
    type=click.Choice(BACKENDS),
    help="What Keras computes with; by default the first that is installed.",
)
@table_format
@as_json
@click.pass_obj
def command(app: App, /, name: str, images: tuple[str, ...], fmt: str, as_json: bool, **settings: Any) -> int:
    """Ask a trained model which classes images show.

    IMAGE is a file, a folder with images, or - for standard input. The exit code is 3 if a file can't be decoded; the
    others are predicted.
    """
    from zoo.cli.progress import progress
    from zoo.predicting.api import predict

    with progress() as display:
        bar = display.add_task("starting", total=None)

        def on_event(event: dict[str, Any]) -> None:
            if event["event"] == "phase":
                display.update(bar, description=event["name"], total=event.get("steps"))
            elif event["event"] == "step":
                display.update(bar, completed=event["done"])

        found = predict(name, images, on_event=on_event, registry=app.registry(), **settings)
    damaged = [one for one in found.predictions if one.error is not None]
    if as_json:
        echo_json(found.to_json())
    else:
        from zoo.report.render import render

        source = f"{found.weights_source}, {found.weights_sha256[:DIGEST_SHOWN]}"
        click.echo(
            f"{found.model}, weights for {found.dataset or 'an unknown dataset'} ({source}); resize: {found.resize}"
        )
        rows = [_row(one) for one in found.predictions if one.error is None]
        if rows:
            click.echo(f"\n{render(['image', 'class', 'probability', 'then'], rows, fmt, right=['probability'])}")
    for one in damaged:
        warn(f"{one.image}: {one.error}")
    return EXIT_FAILED if damaged else EXIT_OK


def _row(one: Prediction) -> list[str]:
    first, *rest = ((guess.name, f"{100 * guess.probability:.1f} %") for guess in one.guesses)
    return [one.image, *first, ", ".join(f"{name} {share}" for name, share in rest)]
