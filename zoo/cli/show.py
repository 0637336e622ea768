"""`zoo show`: what one model is made of and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli import App, names
from zoo.cli.options import as_json, echo_json, table_format
from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.benchmarking.peak import Peaks


@click.command("show")
@click.argument("name", shell_complete=names.models)
@click.option(
    "--diagram",
    metavar="FILE.svg",
    type=click.Path(),
    help="Draw the model, skip connections as arcs, into an SVG file.",
)
@click.option(
    "--roofline",
    metavar="FILE.svg",
    type=click.Path(),
    help="Draw the layers under the roofs that 'zoo peak' measured, into an SVG file.",
)
@table_format
@as_json
@click.pass_obj
def command(app: App, name: str, diagram: str | None, roofline: str | None, fmt: str, as_json: bool) -> None:
    """Show a model: its layers, parameters, MACs and FLOPs, weights, paper and licence.

    The model is built in a process of its own, under the Keras backend that KERAS_BACKEND names, or one that is there.
    """
    from zoo.api import describe
    from zoo.report import tables

    registry = app.registry()
    peaks = _peaks() if roofline is not None else None
    description = describe(name, registry=registry)
    pictures = []
    if diagram is not None:
        from zoo.modeling.diagram import draw

        pictures.append(("diagram", diagram, draw(description)))
    if roofline is not None and peaks is not None:
        pictures.append(("roofline", roofline, _roofline(description, peaks)))
    for _, file, picture in pictures:
        from zoo.files import write_atomic

        write_atomic(Path(file), picture.encode())
    if as_json:
        echo_json(description)
        return
    facts = tables.model_summary(description)
    width = max(len(label) for label, _ in facts)
    click.echo(tables.layers(description, fmt))
    click.echo()
    for label, text in facts:
        click.echo(f"{label:<{width}}  {text}")
    for label, file, _ in pictures:
        click.echo(f"{label:<{width}}  {file}")


def _peaks() -> Peaks:
    from zoo.benchmarking.environment import collect
    from zoo.benchmarking.peak import load

    found = load(collect().fingerprint)
    if found is None:
        raise UsageError("the peaks of this machine have not been measured; 'zoo peak' does it")
    return found


def _roofline(description: Mapping[str, Any], peaks: Peaks) -> str:
    from zoo.cores import usable_cores
    from zoo.report.roofline import draw

    return draw(description, peaks, threads=usable_cores())
