"""`zoo list`: the models that the installed plugins bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from zoo import listing
from zoo.cli import App, names
from zoo.cli.options import as_json, echo_json, table_format

if TYPE_CHECKING:
    from zoo.registry import Entry
    from zoo.specs import ModelSpec


@click.command("list")
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1, shell_complete=names.models)
@table_format
@as_json
@click.pass_obj
def command(app: App, patterns: tuple[str, ...], fmt: str, as_json: bool) -> None:
    """List models: all of them, or those that match names or shell globs.

    Parameters are as declared. 'weights' names the datasets for which trained weights come with the plugin.
    """
    registry = app.registry()
    entries = registry.select(patterns)
    if as_json:
        echo_json([_as_json(entry) for entry in entries])
    elif entries:
        click.echo(_table(entries, fmt))
    else:
        click.echo("no models: no plugin is installed that brings any", err=True)


def _as_json(entry: Entry[ModelSpec]) -> dict[str, Any]:
    spec = entry.spec
    return {
        "name": spec.name,
        "plugin": entry.plugin.distribution,
        "plugin_version": entry.plugin.version,
        "summary": spec.summary,
        "input_shape": list(spec.input_shape),
        "classes": spec.classes,
        "parameters": spec.parameters,
        "weights": [weights.dataset for weights in spec.weights],
        "recipes": list(dict.fromkeys(recipe.dataset for recipe in spec.recipes)),
        "paper": spec.paper,
        "licence": spec.licence,
    }


def _table(entries: list[Entry[ModelSpec]], fmt: str) -> str:
    rows = listing.rows((entry.spec, entry.plugin) for entry in entries)
    if fmt == "simple":
        return listing.table(rows)
    from zoo.report.render import render

    return render(listing.HEADERS, rows, fmt, right=["parameters"])
