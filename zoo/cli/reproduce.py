"""`zoo reproduce`: does the same scenario give the same figures again?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from zoo.cli import App, names, warn
from zoo.cli.compare import fail_if, print_comparisons
from zoo.cli.options import as_json, data_dir, store_option, table_format
from zoo.cli.progress import scenario_progress
from zoo.errors import EXIT_FAILED

if TYPE_CHECKING:
    from zoo.results.store import Store


@click.command("reproduce")
@click.argument("reference", metavar="RESULT", shell_complete=names.files)
@data_dir
@fail_if
@click.option("--across-environments", is_flag=True, help="Allow a Result of another machine or other versions.")
@store_option
@table_format
@as_json
@click.pass_obj
def command(
    app: App,
    reference: str,
    data_dir: str | None,
    limits: tuple[str, ...],
    across_environments: bool,
    store: Store,
    fmt: str,
    as_json: bool,
) -> int:
    """Measure the scenario of a Result again, and say whether it agrees: the old one is A, the new one B.

    RESULT is an id, or a file that holds one Result.
    """
    from zoo.results import gate
    from zoo.results.api import reproduce

    parsed = [gate.parse(limit) for limit in limits]
    with scenario_progress(1) as on_step:
        new, comparisons = reproduce(
            reference,
            store=store,
            data_dir=data_dir,
            across_environments=across_environments,
            on_step=on_step,
            on_warning=warn,
            registry=app.registry(),
        )
    if new.outcome != "ok":
        click.echo(f"{new.scenario.model}: {new.reasons['latency_s']}", err=True)
        return EXIT_FAILED
    return print_comparisons(comparisons, parsed, fmt, as_json)
