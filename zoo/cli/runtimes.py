"""`zoo runtimes`: what can execute a model here, and what is missing for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from zoo.cli import App
from zoo.cli.options import as_json, echo_json, table_format

if TYPE_CHECKING:
    from zoo.registry import Entry
    from zoo.specs import RuntimeSpec


@click.command("runtimes")
@table_format
@as_json
@click.pass_obj
def command(app: App, fmt: str, as_json: bool) -> None:
    """List runtimes, what each can be asked for, and whether it is installed.

    What a runtime sees of this machine, 'zoo doctor' says.
    """
    entries = app.registry().runtimes.values()
    if as_json:
        echo_json([_as_json(entry) for entry in entries])
        return
    from zoo.report.render import render
    from zoo.runtimes.availability import why_not

    rows = [
        [
            entry.spec.name,
            ", ".join(entry.spec.devices),
            ", ".join(entry.spec.precisions),
            why_not(entry.spec) or "yes",
            f"{entry.plugin.distribution} {entry.plugin.version}",
            entry.spec.summary,
        ]
        for entry in entries
    ]
    click.echo(render(["runtime", "devices", "precisions", "available", "plugin", "summary"], rows, fmt))


def _as_json(entry: Entry[RuntimeSpec]) -> dict[str, Any]:
    from zoo.installed import versions
    from zoo.runtimes.availability import why_not

    spec, reason = entry.spec, why_not(entry.spec)
    return {
        "name": spec.name,
        "plugin": entry.plugin.distribution,
        "plugin_version": entry.plugin.version,
        "summary": spec.summary,
        "devices": list(spec.devices),
        "precisions": list(spec.precisions),
        "keras_backend": spec.keras_backend,
        "requires": list(spec.requires),
        "versions": versions(spec.requires),
        "available": reason is None,
        "reason": reason,
    }
