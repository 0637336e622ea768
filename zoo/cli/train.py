"""`zoo train`: train a model by its recipe."""

from __future__ import annotations

from typing import Any

import click

from zoo.cli import App
from zoo.cli.options import as_json, data_dir, echo_json


@click.command("train")
@click.argument("name")
@click.option("--dataset", metavar="NAME", default="digits", show_default=True, help="What to train on.")
@data_dir
@click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="Instead of the recipe's.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), metavar="N", help="Instead of the recipe's.")
@click.option(
    "-o", "--output", metavar="FILE", help="Where to write the weights; by default where 'zoo bench' finds them."
)
@as_json
@click.pass_obj
def command(
    app: App,
    name: str,
    dataset: str,
    data_dir: str | None,
    epochs: int | None,
    seed: int | None,
    output: str | None,
    as_json: bool,
) -> None:
    """Train a model by the recipe its plugin gives for the dataset, and write its weights.

    The weights are safetensors; how they were made and what they score stands in the file. The test split is
    evaluated once, after the last epoch.
    """
    from zoo.api import train
    from zoo.cli.progress import progress
    from zoo.report.tables import accuracy

    changes = {key: value for key, value in (("epochs", epochs), ("seed", seed)) if value is not None}
    registry = app.registry()
    with progress() as display:
        bar = display.add_task("starting", total=None)

        def on_event(event: dict[str, Any]) -> None:
            kind = event["event"]
            if kind == "phase":
                display.update(bar, description=f"{name}: {event['name']}")
            elif kind == "step":
                done = (event["epoch"] - 1) * event["steps"] + event["step"]
                display.update(bar, completed=done)
            elif kind == "epoch":
                text = f"{name}: epoch {event['epoch']}, loss {event['loss']:.3f}"
                display.update(bar, description=text)
            if kind == "phase" and "steps" in event:
                display.update(bar, total=event["steps"])

        done = train(
            name,
            dataset,
            data_dir=data_dir,
            output=output,
            changes=changes,
            on_event=on_event,
            registry=registry,
        )
    if as_json:
        echo_json(done)
        return
    record = done["provenance"]
    score = record["score"]
    click.echo(
        f"{name} on {dataset}: {accuracy(score)} of {score['images']:,} test images, after {record['train_s']:g} s"
    )
    click.echo(f"weights {done['path']}")
    click.echo(f"sha256  {done['sha256']}")
