"""`zoo recommend`: which model to use here, run by what."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import click

from zoo.cli import App, names, warn
from zoo.cli.options import as_json, data_dir, echo_json, size_in_bytes, store_option, table_format

if TYPE_CHECKING:
    from zoo.results.store import Store

DURATION = re.compile(r"(\d+(?:\.\d+)?) ?(s|ms|us|µs)")
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
SHARE = re.compile(r"(\d+(?:\.\d+)?) ?(%?)")


def _duration(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    match = DURATION.fullmatch(value)
    if match is None or float(match[1]) == 0:
        raise click.BadParameter(f"'{value}' is not a time such as 5ms")
    return float(match[1]) * SECONDS[match[2]]


def _accuracy(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    match = SHARE.fullmatch(value)
    share = float(match[1]) / (100 if match[2] else 1) if match else -1.0
    if not 0 <= share <= 1:
        raise click.BadParameter(f"'{value}' is not an accuracy such as 0.85 or 85%")
    return share


@click.command("recommend")
@click.argument("patterns", metavar="[NAME]...", nargs=-1, shell_complete=names.models)
@click.option(
    "--max-latency", "max_latency_s", metavar="TIME", callback=_duration, help="For one batch, such as 5ms: the median."
)
@click.option(
    "--min-accuracy", metavar="SHARE", callback=_accuracy, help="On the dataset's test split, such as 0.85 or 85%."
)
@click.option(
    "--max-memory",
    "max_memory_bytes",
    metavar="SIZE",
    callback=size_in_bytes,
    help="Of the process at its peak, such as 300MB; of the device where that is a GPU.",
)
@click.option("--batch-size", type=click.IntRange(min=1), metavar="N", default=1, show_default=True)
@click.option("--dataset", shell_complete=names.datasets, metavar="NAME", default="digits", show_default=True)
@data_dir
@click.option("--device", metavar="cpu|gpu|gpu:N", help="Only that. By default all that were measured.")
@click.option(
    "--best",
    type=click.Choice(["latency", "accuracy", "memory"]),
    default="latency",
    show_default=True,
    help="What decides among those within the limits.",
)
@click.option(
    "--measure/--no-measure",
    default=False,
    show_default=True,
    help="First measure what is missing: every model by every runtime, in every precision.",
)
@store_option
@table_format
@as_json
@click.pass_obj
def command(app: App, /, patterns: tuple[str, ...], store: Store, fmt: str, as_json: bool, **settings: Any) -> int:
    """Recommend a model and what runs it, from what was measured in this environment.

    NAME is a model or a shell glob; by default all count. For each scenario its newest Result does. Exit 1: nothing
    keeps within the limits; 4: that can't be told, for nothing was measured, or not all that the limits are about.
    """
    from zoo.report.recommendation import answer
    from zoo.results.api import recommend

    with _progress(settings["measure"]) as on_step:
        found = recommend(*patterns, store=store, on_step=on_step, on_warning=warn, registry=app.registry(), **settings)
    if as_json:
        echo_json(found.to_json())
    else:
        click.echo(answer(found, fmt))
    return found.exit_code


def _progress(measuring: bool) -> AbstractContextManager[Any]:
    if not measuring:
        return nullcontext()
    from zoo.cli.progress import scenario_progress

    return scenario_progress(1)
