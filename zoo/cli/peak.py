"""`zoo peak`: what this machine can do at most."""

from __future__ import annotations

import click

from zoo.cli import warn
from zoo.cli.options import as_json, echo_json, table_format


@click.command("peak")
@click.option("--device", type=click.Choice(["cpu", "gpu"]), default="cpu", show_default=True)
@click.option("--again", is_flag=True, help="Measure, whatever was measured before.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=20.0,
    show_default=True,
    help="Start nothing more after that long.",
)
@table_format
@as_json
def command(device: str, again: bool, seconds: float, fmt: str, as_json: bool) -> None:
    """Measure what this machine can do at most: matrix products by precision, memory, by threads.

    A peak is the best that any installed library reaches. It is kept for this environment; what 'zoo bench' says of a
    row's share of it, and 'zoo show --roofline', go by it.
    """
    from zoo.benchmarking.peak import peak
    from zoo.report import peaks as report

    found = peak(device=device, again=again, seconds=seconds, on_event=lambda what: warn(f"measuring {what}"))
    if as_json:
        echo_json(found.to_json())
        return
    for part in (report.arithmetic(found, fmt), report.memory(found, fmt), *report.notes(found)):
        click.echo(part + ("\n" if "\n" in part else ""))
