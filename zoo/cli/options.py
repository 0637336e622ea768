"""Options that several commands share."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from zoo.streams import is_utf_8

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from zoo.results.store import Store

F = TypeVar("F", bound=Callable[..., Any])


class ListsByDefault(click.Group):
    """A noun: without a subcommand it lists."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take `zoo results` and `zoo results --model …` for `zoo results list …`."""
        completing = not args and ctx.resilient_parsing  # then the subcommands are offered
        if not completing and (not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names)):
            args = ["list", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Subcommands, and the options of `list`."""
        found = super().shell_complete(ctx, incomplete)
        return found + self.commands["list"].shell_complete(ctx, incomplete)


def size_in_bytes(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """A size with its unit, as a callback of an option."""
    if value is None:
        return None
    units = {"MB": 10**6, "GB": 10**9, "MIB": 2**20, "GIB": 2**30}
    for unit, size in units.items():
        number = value.upper().removesuffix(unit)
        if number != value.upper() and number.replace(".", "", 1).isdigit() and float(number) > 0:
            return int(float(number) * size)
    raise click.BadParameter(f"'{value}' is not a size such as 800MB or 2GiB")


def comma_list(context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
    """Names separated by commas."""
    names = tuple(part.strip() for part in value.split(","))
    if not all(names):
        raise click.BadParameter(f"'{value}' is not a list of names such as a,b")
    return names


def devices(function: F) -> F:
    """`--device` of several."""
    return click.option(
        "--device",
        "devices",
        metavar="cpu|gpu|gpu:N|all",
        default="cpu",
        show_default=True,
        callback=comma_list,
        help="Devices, separated by commas; gpu is the first.",
    )(function)


def download_limits(function: F) -> F:
    """`--timeout` and `--idle`, in seconds."""
    seconds = click.FloatRange(min=0, min_open=True)
    timeout = click.option(
        "--timeout", type=seconds, metavar="SECONDS", default=3600, show_default=True, help="End it after so long."
    )
    idle = click.option(
        "--idle",
        type=seconds,
        metavar="SECONDS",
        default=30,
        show_default=True,
        help="End it when for so long no byte has arrived and no work was done.",
    )
    return timeout(idle(function))


def table_format(function: F) -> F:
    """`--format` with tabulate's names."""
    return click.option(
        "--format",
        "fmt",
        metavar="NAME",
        default="simple",
        show_default=True,
        callback=_check_format,
        help="Table format, by tabulate's name: simple, github, pipe, tsv, html, latex, …",
    )(function)


def as_json(function: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")(function)


def data_dir(function: F) -> F:
    """`--data-dir`."""
    return click.option(
        "--data-dir",
        metavar="FOLDER",
        type=click.Path(),
        help="Where TFDS has prepared the dataset. Also: ZOO_DATA_DIR.",
    )(function)


def skip_damaged(function: F) -> F:
    """`--skip-damaged`."""
    return click.option(
        "--skip-damaged", is_flag=True, help="Leave out files of an image folder that can't be decoded, and count them."
    )(function)


def _open_store(context: click.Context, parameter: click.Parameter, folder: str | None) -> Store:
    from zoo.results.store import Store, default_store

    return Store(Path(folder).expanduser() if folder else default_store())


def store_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--store`; the command is given a `Store`."""
    text = "The folder of Results. Also: ZOO_STORE."
    return click.option("--store", metavar="FOLDER", type=click.Path(), callback=_open_store, help=text)(function)


def echo_json(values: object) -> None:
    """JSON, and nothing else, on standard output."""
    ascii_alone = not is_utf_8(sys.stdout)  # a character that the encoding lacks would be lost
    click.echo(json.dumps(values, indent=2, ensure_ascii=ascii_alone, allow_nan=False))


def _check_format(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if value == "simple":  # the default costs no import
        return value
    from tabulate import tabulate_formats

    if value not in tabulate_formats:
        raise click.BadParameter(f"'{value}' is not one of {', '.join(tabulate_formats)}")
    return value


weights_option = click.option(
    "--weights",
    metavar="trained|plugin|FILE",
    help="Which weights: those trained here, the plugin's own, or a file. By default those trained here, if there are "
    "any, else the plugin's own.",
)
