"""`zoo doctor`: what is installed, what works, and why the rest doesn't."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from zoo.cli import App
from zoo.cli.options import as_json, echo_json
from zoo.cli.progress import progress

if TYPE_CHECKING:
    from zoo.registry import Registry
    from zoo.runtimes.look import Seen


@click.command("doctor")
@click.option("--quick", is_flag=True, help="Leave out what takes seconds: asking the runtimes.")
@as_json
@click.pass_obj
def command(app: App, quick: bool, as_json: bool) -> None:
    """Say what this machine is, which plugins are in use, what is wrong with the others, what each runtime sees, and
    which energy counters can be read."""
    from zoo.benchmarking import environment
    from zoo.benchmarking.computing import distributions, scoped
    from zoo.benchmarking.conditions import readable
    from zoo.data.catalog import default_folders, prepared

    registry = app.registry(quiet=True)
    found = environment.collect()
    datasets = {name: str(folder) for name, folder in prepared(default_folders()).items()}
    computing = {name: distributions(entry) for name, entry in registry.runtimes.items()}
    fingerprints = {name: scoped(found, names).fingerprint for name, names in computing.items()}
    found = scoped(found, {name for names in computing.values() for name in names})
    counters = readable()
    seen = {} if quick else _ask(registry)
    if as_json:
        echo_json(
            {
                "environment": {name: value for name, value in found.to_json().items() if name != "fingerprint"},
                "fingerprints": fingerprints,
                "energy_counters": [{"device": c.device, "problem": c.problem} for c in counters],
                "plugins": [_plugin(plugin) for plugin in registry.plugins],
                "disabled": [_plugin(plugin) for plugin in registry.disabled],
                "problems": [{**_plugin(p.plugin), **p.finding.explained()} for p in registry.problems],
                "runtimes": {name: {"devices": list(s.devices), "problem": s.problem} for name, s in seen.items()},
                "prepared_datasets": datasets,
            }
        )
        return
    click.echo(found.in_a_line())
    click.echo("\nfingerprint of the environment, by runtime")
    for name, fingerprint in fingerprints.items():
        click.echo(f"  {name}: {fingerprint}")
    click.echo("\nenergy counters")
    for counter in counters:
        click.echo(f"  {counter.device}: {counter.problem or 'readable'}")
    click.echo("\nplugins in use")
    for plugin in registry.plugins:
        click.echo(f"  {plugin}: {_brings(registry, plugin)}")
    for plugin in registry.disabled:
        click.echo(f"  {plugin}: switched off")
    if not quick:
        click.echo("\nruntimes, and the devices that they see")
    for name, what in seen.items():
        click.echo(f"  {name}: {what.problem or ', '.join(what.devices)}")
    click.echo("\ndatasets")
    for name, entry in registry.datasets.items():
        click.echo(f"  {name}: {entry.spec.summary}")
    for name, folder in datasets.items():
        click.echo(f"  {name}: prepared in {folder}")
    if not registry.problems:
        click.echo("\nno problems")
        return
    click.echo(f"\nproblems: {len(registry.problems)}")
    for problem in registry.problems:
        finding = problem.finding
        click.echo(f"  {problem.plugin}, at {finding.where}\n    {finding.level}: {finding.message} [{finding.code}]")
        for line in finding.detail.splitlines():
            click.echo(f"      {line}".rstrip())
    click.echo("\n'zoo plugins --why NAME' says how to mend them")


def _ask(registry: Registry) -> dict[str, Seen]:
    """What each runtime sees, in the order of the registry."""
    from zoo.runtimes.look import look

    with progress() as display:
        display.add_task("asking the runtimes what they see", total=None)
        found = {name: seen for answers in look(registry.runtimes.values()) for name, seen in answers.items()}
    return {name: found[name] for name in registry.runtimes}


def _plugin(plugin: Any) -> dict[str, str]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "reference": plugin.reference,
    }


def _brings(registry: Any, plugin: Any) -> str:
    kinds = {"models": registry.models, "datasets": registry.datasets, "runtimes": registry.runtimes}
    parts = []
    for kind, entries in kinds.items():
        names = [name for name, entry in entries.items() if entry.plugin == plugin]
        if names:
            parts.append(f"{kind} {', '.join(names)}")
    return "; ".join(parts) or "nothing"
