"""Discover: from entry points to plugins. One plugin's failure never hides another plugin.

pluggy's own `load_setuptools_entrypoints` stops at the first plugin that fails to import, so entry points are loaded
one by one here, and hooks are called plugin by plugin; whatever fails becomes a `Problem`.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from types import ModuleType
from typing import Any

import pluggy

from zoo import hookspecs
from zoo.installed import EntryPoint, entry_points
from zoo.plugins.plugin import CORE, Plugin
from zoo.streams import stdout_to_stderr
from zoo.text import describe, printable

DISABLE_VARIABLE = "ZOO_DISABLE_PLUGINS"


@dataclass(frozen=True, slots=True)
class Problem:
    """What was wrong with one plugin: one line, and the whole story for `zoo doctor`."""

    plugin: Plugin
    reason: str
    detail: str = ""


@dataclass(slots=True)
class Plugins:
    """The plugins found, which of them are in use, and what went wrong with the others.

    Attributes:
        not_found: names that were to be switched off and are no plugin's.
    """

    manager: pluggy.PluginManager
    found: list[Plugin] = field(default_factory=list)
    active: dict[Plugin, object] = field(default_factory=dict)
    disabled: list[Plugin] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)

    def call(self, hook: str) -> Iterator[tuple[Plugin, Any]]:
        """Call one hook in every plugin that implements it, and yield what each returned.

        A plugin that raises, or exits, is skipped and becomes a problem.
        """
        caller = getattr(self.manager.hook, hook)
        implementing = [implementation.plugin for implementation in caller.get_hookimpls()]
        for plugin, module in self.active.items():
            if not any(module is other for other in implementing):
                continue
            others = [other for other in implementing if other is not module]
            returned: list[Any] = []
            with self.containing(plugin, f"in {hook}"):
                # pluggy leaves None out of the results: the caller then says what should have been returned
                returned = self.manager.subset_hook_caller(hook, remove_plugins=others)() or [None]
            if returned:
                yield plugin, returned[0]

    @contextlib.contextmanager
    def containing(self, plugin: Plugin, where: str) -> Iterator[None]:
        """Turn whatever the block raises into a problem of the plugin's; its output goes to standard error."""
        try:
            with stdout_to_stderr():
                yield
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            import traceback

            reason = f"{where}: {describe(error)}"
            self.problems.append(Problem(plugin, reason, traceback.format_exc()))


def discover(disabled: Collection[str] = (), found: Iterable[EntryPoint] | None = None) -> Plugins:
    """Find and load every plugin that is installed.

    :param disabled: names of distributions or entry points to leave alone, besides those in the environment
        variable `ZOO_DISABLE_PLUGINS` (separated by commas). A plugin that is switched off is not imported.
    :param found: the entry points to load; by default those of the installed distributions.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    plugins = Plugins(manager)
    _register_builtin(plugins)

    off = {_normal(name): name for name in (*disabled, *_disabled_by_environment())}
    for entry_point in entry_points(hookspecs.PROJECT) if found is None else found:
        fields = (entry_point.name, entry_point.distribution, entry_point.version, entry_point.reference)
        plugin = Plugin(*map(printable, fields))
        plugins.found.append(plugin)
        if off.keys() & {_normal(name) for name in plugin.names}:
            plugins.disabled.append(plugin)
            continue
        with plugins.containing(plugin, "on import"):
            module = _load(plugin.reference)
            _register(plugins, plugin, module)
    known = {_normal(name) for plugin in plugins.found for name in plugin.names}
    plugins.not_found = [name for normal, name in off.items() if normal not in known]
    return plugins


def _load(reference: str) -> object:
    """The object that `"package.module"` or `"package.module:attribute"` names."""
    module, _, attributes = reference.partition(":")
    return reduce(getattr, filter(None, attributes.split(".")), importlib.import_module(module))


def _register(plugins: Plugins, plugin: Plugin, module: object) -> None:
    if owner := next((p for p, m in plugins.active.items() if m is module), None):
        raise pluggy.PluginValidationError(module, f"{plugin.reference} is {owner}'s already")
    try:
        hash(module)
    except TypeError:
        module = _Hashable(module)
    try:
        plugins.manager.register(module, f"{plugin.distribution}:{plugin.name}")
    except pluggy.PluginValidationError as error:
        raise pluggy.PluginValidationError(module, " ".join(str(error).split())) from None
    unknown = [hook.name for hook in plugins.manager.get_hookcallers(module) or () if not hook.has_spec()]
    if unknown:
        plugins.manager.unregister(module)
        raise pluggy.PluginValidationError(module, f"there is no hook {', '.join(unknown)}; the hooks are {_hooks()}")
    if not plugins.manager.get_hookcallers(module):
        plugins.manager.unregister(module)
        raise pluggy.PluginValidationError(
            module, f"{plugin.reference} implements no hook; the hooks are {_hooks()}, marked @zoo.hookimpl"
        )
    plugins.active[plugin] = module


class _Hashable:
    """Stands for a plugin object that has no hash, which pluggy needs."""

    def __init__(self, plugin: object) -> None:
        self.__dict__ = {name: getattr(plugin, name) for name in dir(plugin) if name.startswith("zoo_")}


def _hooks() -> str:
    return ", ".join(sorted(name for name in vars(hookspecs) if name.startswith("zoo_")))


def _register_builtin(plugins: Plugins) -> None:
    from zoo import builtin

    module: ModuleType = builtin
    plugins.manager.register(module, f"{CORE.distribution}:{CORE.name}")
    plugins.active[CORE] = module


def _disabled_by_environment() -> list[str]:
    return [name.strip() for name in os.environ.get(DISABLE_VARIABLE, "").split(",") if name.strip()]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
