"""Tell plugins of each Result that was measured and stored: those that implement `zoo_result_recorded`."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pluggy

from zoo.errors import ZooError
from zoo.executors.local import Completed, Task, run
from zoo.hookspecs import PROJECT
from zoo.installed import Plugin
from zoo.plugins.examine import LISTENER, load
from zoo.record.result import Result

TIMEOUT_S = 30.0

OnWarning = Callable[[str], None]


class Listeners:
    """The plugins that are told while one command runs.

    :param on_warning: told in a line that a plugin failed; by default it is a warning of Python's.
    :param hold: whether other scenarios are measured meanwhile; Results are then kept for `tell_held`.
    """

    def __init__(self, plugins: Sequence[Plugin], on_warning: OnWarning | None = None, *, hold: bool = False) -> None:
        self.plugins, self.hold = list(plugins), hold
        self.held: list[Result] = []
        self.on_warning = on_warning or warnings.warn

    def tell(self, result: Result) -> None:
        """Call each, one after the other, each in a process of its own. Call this while nothing is measured.

        Whatever they do is a warning. One that takes too long is not told again.
        """
        if self.hold:
            self.held += [result] * bool(self.plugins)
            return
        for plugin in tuple(self.plugins):
            try:
                ended = tell(plugin, result)
            except ZooError as error:  # no process can be started, or there is no room for its files
                self.on_warning(f"plugin {plugin} was not told of {result.id}: {error}")
                continue
            if ended.failure is None:
                continue
            log = f"; its log is {ended.failure.log}" if ended.failure.log else ""
            self.on_warning(f"plugin {plugin}, told of {result.id}: {ended.failure.message}{log}")
            if ended.outcome == "timeout":
                self.plugins.remove(plugin)

    def tell_held(self) -> None:
        """Tell of what was held, now that nothing is measured any more."""
        self.hold = False
        while self.held:
            self.tell(self.held.pop(0))


def tell(plugin: Plugin, result: Result, variables: Mapping[str, str] | None = None) -> Completed:
    """Call a plugin's `zoo_result_recorded` in a process of its own, and say how it ended.

    :param variables: of the environment, that the process needs to import the plugin.
    :raises ZooError: if no process can be started.
    """
    job = {"reference": plugin.reference, "result": result.to_json()}
    return run(Task(f"{__name__}:work", job, variables or {}, TIMEOUT_S, label=f"tell-{plugin.name}"))


def work(job: Mapping[str, Any], _: Callable[..., None]) -> None:
    """In a process of its own: call every implementation of the hook in the plugin, once."""
    module = load(job["reference"])
    result = Result.from_json(job["result"])
    manager = pluggy.PluginManager(PROJECT)
    functions = []
    for name in dir(module):
        options = manager.parse_hookimpl_opts(module, name)
        function = getattr(module, name)
        if options and (options.get("specname") or name) == LISTENER and function not in functions:
            functions.append(function)
    for function in functions:
        function(**({"result": result} if "result" in inspect.signature(function).parameters else {}))
