"""`zoo list`: the models that the installed plugins bring."""

from __future__ import annotations

import sys
from typing import Any

import click

from zoo.cli import App
from zoo.cli.options import as_json, echo_json, table_format
from zoo.registry import Entry
from zoo.specs import ModelSpec


@click.command("list")
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
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
    rows = [
        [
            entry.spec.name,
            f"{entry.spec.parameters:,}",
            "×".join(map(str, entry.spec.input_shape)),
            ", ".join(weights.dataset for weights in entry.spec.weights) or "–",
            f"{entry.plugin.distribution} {entry.plugin.version}",
            entry.spec.summary,
        ]
        for entry in entries
    ]
    headers = ["model", "parameters", "input", "weights", "plugin", "summary"]
    if fmt == "simple":
        if sys.stdout.isatty():
            _shorten_summaries(rows, headers)
        return simple_table(headers, rows, right="parameters")
    from zoo.report.tables import render

    return render(headers, rows, fmt, right=["parameters"])


def simple_table(headers: list[str], rows: list[list[str]], right: str) -> str:
    """What tabulate prints as "simple". Importing tabulate takes as long as all the rest of `zoo list`."""
    padded_headers = [header + "  " for header in headers]  # tabulate's least width of a column
    widths = [max(map(len, column)) for column in zip(padded_headers, *rows, strict=True)]

    def line(cells: list[str]) -> str:
        padded = [
            cell.rjust(width) if header == right else cell.ljust(width)
            for cell, width, header in zip(cells, widths, headers, strict=True)
        ]
        return "  ".join(padded).rstrip()

    return "\n".join([line(headers), line(["-" * width for width in widths]), *map(line, rows)])


def _shorten_summaries(rows: list[list[str]], headers: list[str]) -> None:
    """Fit the rows into the terminal, so that the table stays one."""
    import shutil

    widths = [max(len(row[i]) for row in [*rows, headers]) for i in range(len(headers) - 1)]
    left = shutil.get_terminal_size().columns - sum(widths) - 2 * len(widths)
    for row in rows:
        if len(row[-1]) > left >= 10:
            row[-1] = row[-1][: left - 1] + "…"
