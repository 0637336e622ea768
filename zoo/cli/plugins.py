"""`zoo plugins`: which are installed, what each brings, what is wrong with it, and putting some in or out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from zoo.cli import App, names
from zoo.cli.options import ListsByDefault, as_json, echo_json, table_format
from zoo.errors import UsageError, ZooError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zoo.report.plugins import Line


@click.group("plugins", cls=ListsByDefault)
def command() -> None:
    """List the plugins that are installed, say what is wrong with one, install and uninstall some."""


@command.command("list")
@click.option(
    "--why",
    shell_complete=names.plugins,
    metavar="NAME",
    help="Read one plugin anew, and say all that was found and how to mend it.",
)
@click.option("--refresh", is_flag=True, help="Read all plugins anew, those too that have not changed.")
@table_format
@as_json
@click.pass_obj
def list_(app: App, why: str | None, refresh: bool, fmt: str, as_json: bool) -> None:
    """List the plugins: what each brings, where it comes from, whether it is used, and how long it took to read.

    A plugin is read, in a process of its own, when it has changed; what it declared is kept until then.
    """
    from zoo.registry import unknown
    from zoo.report.plugins import inventory

    registry = app.registry(quiet=True, fresh=["*"] if refresh else [why] if why else [])
    lines = inventory(registry)
    if why is not None:
        from zoo.installed import normalised

        lines = [line for line in lines if normalised(why) in map(normalised, line.plugin.names)]
        if not lines:
            names = [name for line in inventory(registry) for name in line.plugin.names]
            raise unknown("plugin", why, names, "zoo plugins")
    if as_json:
        echo_json([line.to_json() for line in lines])
    elif why is not None:
        for line in lines:
            _explain(line)
    else:
        from zoo.report.render import render

        headers = ["plugin", "version", "brings", "from", "state", "read in"]
        click.echo(render(headers, [_row(line) for line in lines], fmt, right=["read in"]))


def _row(line: Line) -> list[str]:
    return [line.plugin.distribution, line.plugin.version, line.brings_text, line.origin, line.state, line.load_text]


def _explain(line: Line) -> None:
    click.echo(f"{line.plugin}: {line.state}")
    click.echo(f"  entry point {line.plugin.name} = {line.plugin.reference}")
    click.echo(f"  from {line.origin}")
    click.echo(f"  brings {line.brings_text}")
    if line.load_text:
        click.echo(f"  read in {line.load_text}")
    for finding in line.findings:
        values = finding.explained()
        click.echo(f"\n{values['level']} {finding.code}, at {finding.where}\n  {finding.message}\n  {values['what']}")
        click.echo(f"  To mend it: {values['mend']}")
        for text in finding.detail.splitlines():
            click.echo(f"    {text}".rstrip())
    if not line.findings:
        click.echo("\nnothing is wrong with it")


PASSED_ON: dict[str, Any] = {"ignore_unknown_options": True}


@command.command("install", context_settings=PASSED_ON)
@click.argument(
    "arguments", metavar="ARGUMENT...", nargs=-1, required=True, type=click.UNPROCESSED, shell_complete=names.files
)
def install(arguments: tuple[str, ...]) -> None:
    """Install plugins into the zoo's own environment: its 'pip install ARGUMENT...', or uv's."""
    _run("install", arguments)


@command.command("uninstall", context_settings=PASSED_ON)
@click.argument(
    "arguments", metavar="ARGUMENT...", nargs=-1, required=True, type=click.UNPROCESSED, shell_complete=names.plugins
)
def uninstall(arguments: tuple[str, ...]) -> None:
    """Uninstall plugins from the zoo's own environment, broken ones too: 'pip uninstall ARGUMENT...', or uv's."""
    _run("uninstall", arguments)


def _run(verb: str, arguments: Sequence[str]) -> None:
    """`pip VERB ARGUMENTS` in this interpreter's environment. No plugin is imported, however broken it may be.

    :raises UsageError: if there is neither pip nor uv.
    :raises ZooError: if it failed; it has said why.
    """
    import importlib.util
    import shutil
    import subprocess
    import sys

    if importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", verb, *arguments]
    elif uv := shutil.which("uv"):
        command = [uv, "pip", verb, "--python", sys.executable, *arguments]
    else:
        raise UsageError(f"there is neither pip nor uv for {sys.executable}; 'python -m ensurepip' brings pip")
    code = subprocess.run(command, check=False).returncode
    if code:
        raise ZooError(f"{'pip' if command[0] == sys.executable else 'uv'} {verb} failed with exit code {code}")
