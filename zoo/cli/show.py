"""`zoo show`: what one model is made of and what it costs."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli import App
from zoo.cli.options import as_json, echo_json, table_format


@click.command("show")
@click.argument("name")
@click.option("--diagram", metavar="FILE.svg", help="Draw the model, skip connections as arcs, into an SVG file.")
@table_format
@as_json
@click.pass_obj
def command(app: App, name: str, diagram: str | None, fmt: str, as_json: bool) -> None:
    """Show a model: its layers, parameters, MACs and FLOPs, weights, paper and licence.

    The model is built in a process of its own, under the Keras backend that KERAS_BACKEND names.
    """
    from zoo.api import describe
    from zoo.report import tables

    registry = app.registry()
    description = describe(name, registry=registry)
    if diagram is not None:
        from zoo.files import write_atomic
        from zoo.models.diagram import draw

        write_atomic(Path(diagram), draw(description).encode())
    if as_json:
        echo_json(description)
        return
    facts = tables.model_summary(description)
    width = max(len(label) for label, _ in facts)
    click.echo(tables.layers(description, fmt))
    click.echo()
    for label, text in facts:
        click.echo(f"{label:<{width}}  {text}")
    if diagram is not None:
        click.echo(f"{'diagram':<{width}}  {diagram}")
