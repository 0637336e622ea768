"""`zoo results`: what was measured before."""

from __future__ import annotations

import dataclasses
import functools
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.choices import PRECISIONS
from zoo.cli import App, names, warn
from zoo.cli.options import ListsByDefault, as_json, echo_json, store_option, table_format
from zoo.errors import EXIT_FAILED, EXIT_OK, UsageError
from zoo.paths import logs, reason
from zoo.record.scenario import OUTCOMES, check_device

if TYPE_CHECKING:
    from zoo.record.reading import Damaged
    from zoo.record.result import Result
    from zoo.results.rows import Row
    from zoo.results.scores import Scores
    from zoo.results.store import Filter, Store

DAMAGED_SHOWN = 5
MISTAKES_SHOWN = 40
HEADERS = (
    *("id", "model", "dataset", "batch", "runtime", "device", "precision"),
    *("latency", "images/s", "accuracy", "outcome", "environment", "labels"),
)
RIGHT = ("batch", "latency", "images/s", "accuracy")


@click.group("results", cls=ListsByDefault)
def command() -> None:
    """List, show, export, import and remove Results. Without a subcommand: list them."""


def _device(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        check_device(value)
    return value


SELECTION = (
    click.option("--model", shell_complete=names.models, metavar="NAME", help="A name or a shell glob."),
    click.option("--dataset", shell_complete=names.datasets, metavar="NAME"),
    click.option("--runtime", shell_complete=names.runtimes, metavar="NAME"),
    click.option("--device", metavar="cpu|gpu|gpu:N", callback=_device),
    click.option("--precision", type=click.Choice(PRECISIONS)),
    click.option("--batch-size", type=click.IntRange(min=1), metavar="N"),
    click.option("--outcome", type=click.Choice(OUTCOMES)),
    click.option("--label", metavar="TEXT", help="One that the Result has."),
    click.option("--environment", metavar="FINGERPRINT", help="As 'zoo doctor' shows it."),
    click.option("--since", metavar="DATE", help="ISO date or time, UTC unless it names a zone."),
    click.option("--until", metavar="DATE", help="The same; a date is included as a whole."),
    store_option,
)
SELECTED_BY = (
    *("model", "dataset", "runtime", "device", "precision", "batch_size"),
    *("outcome", "label", "environment", "since", "until"),
)


def selection(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose Results; the command is given a `Store` and, as `wanted`, a `Filter`."""

    @functools.wraps(function)
    def with_filter(*args: Any, **options: Any) -> Any:
        from zoo.results.store import Filter

        wanted = Filter(**{name: options.pop(name) for name in SELECTED_BY})
        return function(*args, wanted=wanted, **options)

    made: Callable[..., Any] = with_filter
    for option in reversed(SELECTION):
        made = option(made)
    return made


@command.command("list")
@selection
@click.option("--limit", type=click.IntRange(min=0), metavar="N", default=50, show_default=True, help="0: all.")
@click.option("--oldest-first", is_flag=True, help="Instead of the newest.")
@click.option("--damaged", is_flag=True, help="List the files that hold no readable Result, and why.")
@table_format
@as_json
def list_command(
    store: Store, wanted: Filter, limit: int, oldest_first: bool, damaged: bool, fmt: str, as_json: bool
) -> None:
    """List Results, the newest first. Latency is the median for one batch."""
    faults = store.damaged()
    if damaged:
        _print_damaged(faults, fmt, as_json)
        return
    # One more than are shown tells whether there are more.
    rows = store.select(wanted, newest_first=not oldest_first, limit=limit + 1 if limit else None)
    shown = rows[:limit] if limit else rows
    if as_json:
        echo_json([{**dataclasses.asdict(row), "path": str(store.folder / row.path)} for row in shown])
    elif shown:
        from zoo.report.render import render

        click.echo(render(HEADERS, [_cells(row) for row in shown], fmt, right=RIGHT))
    _warn_damaged(faults)
    _warn_if_none(shown, store, wanted)
    if len(rows) > len(shown):
        warn(f"there are more than these {limit:,}; --limit 0 lists all")


@command.command("show")
@click.argument("name", metavar="ID")
@store_option
@table_format
@as_json
def show_command(name: str, store: Store, fmt: str, as_json: bool) -> None:
    """Show one Result as 'zoo bench' shows it. ID is an id or the beginning of one.

    If it failed on this machine, its log is named.
    """
    from zoo.report import tables

    result = store.get(name)
    if as_json:
        echo_json(result.to_json())
    else:
        click.echo(tables.bench([result], fmt, _logs_of(result)))


def _logs_of(result: Result) -> Path | None:
    """The folder of logs, if the log of this Result is there: it may come from another machine."""
    name = result.failure and result.failure.log
    return logs() if name and os.path.isfile(logs() / name) else None


@command.command("scores")
@click.argument("name", metavar="[ID]", required=False)
@click.option("--confusion", metavar="FILE.svg", help="Draw the confusion matrix.")
@click.option("--mistakes", metavar="FILE.png", help="Draw the images with the most confident mistakes.")
@click.option("--data-dir", metavar="PATH", help="Where the dataset lies, for --mistakes.")
@store_option
@table_format
@as_json
def scores_command(
    name: str | None,
    confusion: str | None,
    mistakes: str | None,
    data_dir: str | None,
    store: Store,
    fmt: str,
    as_json: bool,
) -> None:
    """Show what a model got right and wrong: scores with intervals, each class, and the most frequent mistakes.

    Nothing is measured: the predictions are in the Result. ID is an id or the beginning of one; by default it is the
    newest Result with a score.
    """
    from zoo.files import write_atomic
    from zoo.report import scores as report
    from zoo.results.scores import scores

    result = store.get(name or _newest_scored(store))
    found = scores(result)
    if confusion is not None:
        if Path(confusion).suffix.lower() != ".svg":
            raise UsageError(f"{confusion} must be the name of an SVG file")
        title = f"{result.scenario.model} on {result.scenario.dataset}"
        write_atomic(Path(confusion).absolute(), report.confusion(found, title).encode())
    if mistakes is not None:
        _draw_mistakes(result, found, mistakes, data_dir)
    if as_json:
        echo_json(found.to_json())
    else:
        click.echo(report.table(found, fmt))


def _newest_scored(store: Store) -> str:
    newest = next((row.id for row in store.select(limit=None) if row.accuracy is not None), None)
    if newest is None:
        raise UsageError(f"no Result in {store.folder} has a score; 'zoo bench NAME' measures one")
    return newest


def _draw_mistakes(result: Result, found: Scores, output: str, data_dir: str | None) -> None:
    from zoo.data.api import draw_images

    shown = found.mistakes[:MISTAKES_SHOWN]
    if not shown or result.predictions is None:
        warn(f"{result.scenario.model} made no mistake; {output} is not written")
        return
    draw_images(
        result.scenario.dataset,
        output,
        split=result.predictions.split,
        sha256=result.predictions.dataset_sha256,
        indices=[mistake.index for mistake in shown],
        captions=[
            (f"{mistake.predicted}, {100 * mistake.confidence:.1f} %", f"is {mistake.label}") for mistake in shown
        ],
        title=f"The most confident mistakes of {result.scenario.model}",
        images=result.images,
        data_dir=data_dir,
    )


@command.command("export")
@selection
@click.option(
    "--format",
    "fmt",
    metavar="NAME",
    shell_complete=names.exporters,
    default="jsonl",
    show_default=True,
    help="jsonl (all of each Result), csv, pytest-benchmark, or a format that a plugin brings.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(),
    default="-",
    help="Where to write; in a folder: 'results' with the format's suffix; - is standard output.",
)
@click.pass_obj
def export_command(app: App, /, store: Store, wanted: Filter, fmt: str, output: str) -> int:
    """Write Results in a format for others, the oldest first.

    A plugin's format is written in a separate process. The exit code is 3 if that fails, or if a chosen Result can't
    be read.
    """
    from zoo.results.exporters import write

    entry = app.registry().exporter(fmt)
    _warn_damaged(store.damaged())
    rows = store.select(wanted, newest_first=False)
    unread: list[Damaged] = []
    _write(write(store.load(rows, unread.append), entry), output, f"results{entry.spec.suffix}")
    for fault in unread:
        warn(str(fault))
    _warn_if_none(rows, store, wanted)
    return EXIT_FAILED if unread else EXIT_OK


@command.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@store_option
def import_command(files: Sequence[str], store: Store) -> int:
    """Add Results from JSON Lines, from a JSON array as 'zoo bench --json' prints it, or from a single Result.

    FILE may be - for standard input. Those whose ids are known are skipped. The exit code is 3 if any can't be read.
    """
    from zoo.results.export import parse

    done = store.add_all(item for file in files for item in parse(_read(file), file))
    for fault in done.bad:
        warn(str(fault))
    click.echo(f"added {done.added:,}, known already {done.known:,}, not readable {len(done.bad):,}")
    return EXIT_FAILED if done.bad else EXIT_OK


@command.command("rm")
@click.argument("names", metavar="[ID]...", nargs=-1)
@selection
@click.option("--all", "every", is_flag=True, help="All, or all that the other options choose.")
@click.option("--yes", is_flag=True, help="Do it.")
def rm_command(names: Sequence[str], store: Store, wanted: Filter, every: bool, yes: bool) -> None:
    """Remove Results: by ID (or the beginning of one), or with --all those that the options choose."""
    click.echo(f"removed {store.remove(_to_remove(names, store, wanted, every, yes)):,}")


def _to_remove(names: Sequence[str], store: Store, wanted: Filter, every: bool, yes: bool) -> list[str]:
    if names:
        if every or wanted:
            raise UsageError("remove either by ID, or with --all by the other options")
        return list(dict.fromkeys(store.find(name) for name in names))
    if not every:
        raise UsageError("name the Results to remove by their ids, or choose them by options and --all")
    ids = [row.id for row in store.select(wanted)]
    if ids and not yes:
        raise UsageError(f"this would remove {len(ids):,} Results from {store.folder}; --yes does it")
    return ids


def _write(pieces: Iterator[bytes], output: str, name: str) -> None:
    """Write to standard output, or to a file that is whole or not there.

    :param name: of the file, where the output is a folder.
    """
    from zoo.files import write_atomic

    if output == "-":
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    path = Path(output).absolute()
    write_atomic(path / name if path.is_dir() else path, b"".join(pieces))


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"can't read {file}: {reason(error)}") from None


def _cells(row: Row) -> list[object]:
    from zoo.record import numbers

    return [
        row.id,
        row.model,
        row.dataset,
        row.batch_size,
        row.runtime,
        row.device,
        row.precision,
        numbers.duration(row.latency_s),
        numbers.rate(row.images_per_second),
        "–" if row.accuracy is None else numbers.percent(row.accuracy),
        row.outcome,
        row.environment,
        ", ".join(row.labels),
    ]


def _print_damaged(faults: Sequence[Damaged], fmt: str, as_json: bool) -> None:
    if as_json:
        echo_json([{"path": fault.where, "reason": fault.reason} for fault in faults])
    elif faults:
        from zoo.report.render import render

        click.echo(render(("path", "reason"), [[fault.where, fault.reason] for fault in faults], fmt))


def _warn_if_none(rows: Sequence[Row], store: Store, wanted: Filter) -> None:
    if not rows:
        warn(f"no {'such ' if wanted else ''}Result in {store.folder}")


def _warn_damaged(faults: Sequence[Damaged]) -> None:
    for fault in faults[:DAMAGED_SHOWN]:
        warn(str(fault))
    if len(faults) > DAMAGED_SHOWN:
        warn(f"and {len(faults) - DAMAGED_SHOWN:,} more; 'zoo results list --damaged' names them all")
