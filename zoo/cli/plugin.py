"""`zoo plugin`: for authors of plugins: one to start from, and what is wrong with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from zoo.cli import App, names
from zoo.cli.options import as_json, echo_json
from zoo.errors import EXIT_OK, EXIT_REGRESSION, UsageError

if TYPE_CHECKING:
    from zoo.authoring.check.api import Report


@click.group("plugin")
def command() -> None:
    """Write a plugin of your own, and check it before others use it. 'zoo plugins' lists those that are installed."""


@command.command("new")
@click.argument("name")
@click.option("--runtime", "kind", flag_value="runtime", help="One that brings a runtime instead of a model.")
@click.option("--dataset", "kind", flag_value="dataset", help="One that brings a dataset.")
@click.option("-o", "--output", metavar="FOLDER", type=click.Path(), help="Where to; by default zoo-NAME here.")
@as_json
@click.pass_obj
def new_command(app: App, name: str, kind: str | None, output: str | None, as_json: bool) -> None:
    """Write a complete distribution whose plugin brings a small model NAME, and works as it is.

    It has the entry point, the hook, a network with residual blocks and a recipe to train it by, tests, and what a
    repository needs. Change what it declares and builds; 'zoo plugin check' says what is wrong with it.
    """
    from zoo.authoring.new import new

    written = new(name, kind or "model", output, registry=app.registry(quiet=True))
    if as_json:
        echo_json(
            {**{key: getattr(written, key) for key in written.__dataclass_fields__}, "folder": str(written.folder)}
        )
        return
    click.echo(f"{written.distribution}: {len(written.files)} files in {written.folder}")
    for line in (f"cd {output or written.distribution}", "pip install -e '.[dev]'", "zoo plugin check", written.start):
        click.echo(f"  {line}")


@command.command("check")
@click.argument("target", metavar="[NAME|FOLDER]", required=False, shell_complete=names.plugins)
@click.option(
    "--backend", "backends", metavar="NAME[,NAME…]", help="Keras backends to check models on, instead of all there are."
)
@as_json
@click.pass_obj
def check_command(app: App, target: str | None, backends: str | None, as_json: bool) -> int:
    """Say what is wrong with a plugin, where, and how to mend it.

    NAME is an installed distribution, FOLDER a source tree, which need not be installed; without either, the folder
    that this is. Models are built, called, saved and trained on every Keras backend that is installed; runtimes are
    compared with Keras; datasets that need no download are prepared and read; formats write sample Results;
    zoo_result_recorded is called with one. All checks run in separate processes.

    The exit code is 1 if anything must be mended. docs/findings.md explains each code.
    """
    from zoo.authoring.check.api import check
    from zoo.cli.progress import progress

    if backends is not None and not all(chosen := [name.strip() for name in backends.split(",")]):
        raise UsageError(f"'{backends}' is not a list of names such as tensorflow,jax")
    with progress() as display:
        bar = display.add_task("starting", total=None)

        def on_event(event: dict[str, Any]) -> None:
            display.update(bar, description=event["name"])

        report = check(target, backends=chosen if backends else None, on_event=on_event, disabled=app.disabled)
    if as_json:
        echo_json(report.to_json())
    else:
        _print(report)
    return EXIT_OK if report.passes else EXIT_REGRESSION


def _print(report: Report) -> None:
    from zoo.authoring.check.api import describe, level

    click.echo(f"{report.distribution} {report.version}: {'; '.join(_brings(report)) or 'nothing'}")
    if report.backends:
        click.echo(f"models checked on {', '.join(report.backends)}")
    for left_out in report.not_checked:
        click.echo(f"not checked: {left_out}")
    for finding in report.findings:
        click.echo(f"\n{describe(finding)}")
    errors = [finding for finding in report.findings if level(finding) == "error"]
    warnings = len(report.findings) - len(errors)
    if report.findings:
        click.echo(f"\n{_count(len(errors), 'error')}, {_count(warnings, 'warning')}")
    else:
        click.echo("nothing is wrong")


def _brings(report: Report) -> list[str]:
    kinds = {
        "model": report.models,
        "dataset": report.datasets,
        "runtime": report.runtimes,
        "exporter": report.exporters,
        "executor": report.executors,
        "recipe": report.recipes,
    }
    brings = [f"{kind}{'s' * (len(names) > 1)} {', '.join(names)}" for kind, names in kinds.items() if names]
    brings += [f"weights {', '.join(report.weights)}"] * bool(report.weights)
    return [*brings, *(["zoo_result_recorded"] * report.listens)]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
