"""Have tried what is given Results: formats, and plugins that are told of them. Each in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from zoo.authoring.check.models import log_of
from zoo.authoring.check.sample import sample_results
from zoo.executors import folders
from zoo.executors.local import OnEvent
from zoo.findings import Finding
from zoo.installed import Plugin
from zoo.plugins.examine import LISTENER
from zoo.results.exporters import write_to
from zoo.results.listeners import tell
from zoo.specs import ExporterSpec


def check_exporters(
    specs: Sequence[ExporterSpec], environment: Mapping[str, str], on_event: OnEvent
) -> Iterator[Finding]:
    """Have each write two Results, one of which failed, and none.

    :param environment: what the processes need to import the plugins.
    """
    for spec in specs:
        on_event({"event": "phase", "name": f"exporter {spec.name}"})
        for results in (sample_results(), ()):
            with folders.make(folders.CHECK) as owned:
                failure = write_to(owned.path, results, spec, environment)
            if failure is not None:
                where = f"{spec.write}, exporter {spec.name}"
                what = f"with {len(results)} Results: {failure.message}"
                yield Finding("exporter-fails", where, what, log_of(failure))
                break


def check_listeners(plugins: Sequence[Plugin], environment: Mapping[str, str], on_event: OnEvent) -> Iterator[Finding]:
    """Tell each of one Result, as `zoo bench` would.

    :param environment: what the processes need to import the plugins.
    """
    for plugin in plugins:
        on_event({"event": "phase", "name": f"{LISTENER} of {plugin.name}"})
        failure = tell(plugin, sample_results()[0], environment).failure
        if failure is not None:
            yield Finding("listener-fails", f"{plugin.reference}, {LISTENER}", failure.message, log_of(failure))
