"""The command `zoo`. One file a command; each parses, calls one public function, and prints."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import click

from zoo import __version__, streams
from zoo.cli import names
from zoo.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, ZooError
from zoo.text import printable

if TYPE_CHECKING:
    from zoo.registry import Registry

COMMANDS = (
    *("list", "show", "bench", "recommend", "compare", "results", "calibrate", "reproduce", "peak"),
    *(
        "data",
        "train",
        "weights",
        "predict",
        "export",
        "study",
        "runtimes",
        "plugins",
        "plugin",
        "doctor",
        "completion",
    ),
)


MOMENT_S = 1.5


@dataclass
class App:
    """What the options before the command say."""

    disabled: tuple[str, ...]

    def registry(self, *, quiet: bool = False, fresh: Sequence[str] = ()) -> Registry:
        """Discover the plugins; those with an error are mentioned on standard error, a line each.

        :param quiet: whether to leave that to the command.
        :param fresh: those to read anew; "*" for all.
        """
        from zoo import registry

        with patience("reading plugins, which are new or have changed"):
            loaded = registry.load(self.disabled, fresh=fresh)
        for line in loaded.warnings if quiet else loaded.mentions():
            warn(line)
        return loaded


class Commands(click.Group):
    """Imports a command's module only when the command is used, or when all are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which people meet them."""
        return [*COMMANDS]  # `list` is a module of this package

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command object of `zoo/cli/NAME.py`."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"zoo.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest a command where there is none of that name."""
        if args and args[0] not in COMMANDS and not ctx.resilient_parsing:
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean '{close[0]}'?" if close else "'zoo --help' lists the commands"
            raise click.UsageError(f"no command '{args[0]}'; {hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="zoo", message="%(prog)s %(version)s")
@click.option(
    "--no-plugin",
    "disabled",
    metavar="NAME",
    multiple=True,
    shell_complete=names.plugins,
    help="Leave a plugin alone, by distribution or entry point. Also: ZOO_DISABLE_PLUGINS=NAME,…",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def group(context: click.Context, disabled: tuple[str, ...], debug: bool) -> None:
    """A zoo of small image models, and what each costs and scores on this machine."""
    context.obj = App(disabled)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line. Every error is one line on standard error and an exit code (docs/cli.md)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    try:
        code = _run(arguments or ["--help"])
        sys.stdout.flush()
        _exit(code if isinstance(code, int) else EXIT_OK)
    except (KeyboardInterrupt, click.Abort):
        warn("interrupted")
        _exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does: nothing is wrong.
        streams.give_up()
        _exit(EXIT_OK)
    except click.ClickException as error:
        warn(" ".join(error.format_message().split()))
        _exit(EXIT_USAGE)
    except Exception as error:
        if debug:
            raise
        if isinstance(error, ZooError):
            warn(str(error))
            _exit(error.exit_code)
        if isinstance(error, OSError):
            streams.give_up()
            warn(streams.cause(error))
        else:
            warn(f"a fault in zoo itself: {type(error).__name__}: {error} (--debug shows where)")
        _exit(EXIT_FAILED)


def _run(arguments: list[str]) -> object:
    """What the command returns. Click's own `main` would end with 1, a regression, where the reader has gone."""
    if "_ZOO_COMPLETE" in os.environ:
        return group.main(arguments, prog_name="zoo", standalone_mode=False)
    try:
        with group.make_context("zoo", arguments) as context:
            return group.invoke(context)
    except click.exceptions.Exit as ended:
        return ended.exit_code


@contextlib.contextmanager
def patience(what: str) -> Iterator[None]:
    """Say in a terminal what takes so long, if it takes longer than a moment."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    import threading

    timer = threading.Timer(MOMENT_S, warn, [what])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _exit(code: int) -> NoReturn:
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    sys.exit(code)


def warn(message: str) -> None:
    """One line on standard error; never a terminal escape code."""
    with contextlib.suppress(OSError):
        print(f"zoo: {printable(message)}", file=sys.stderr)
