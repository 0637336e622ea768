"""Discover: from entry points to what each plugin declares. One plugin's failure never hides another plugin."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from zoo import hookspecs, index
from zoo.findings import Finding
from zoo.installed import Plugin, entry_point_files, entry_points, normalised
from zoo.plugins.cache import Cache, now_ns, own_files
from zoo.plugins.record import Record
from zoo.plugins.settings import switched_off, time_limit


@dataclass(slots=True)
class Discovered:
    """The plugins that were found, by distribution and entry point.

    Attributes:
        records: what those declare that are not switched off.
        disabled: those that are.
        not_found: names that were to be switched off and are no plugin's.
        since_ns: when the search began, by `time.time_ns`.
        files: on whose state all this depends.
    """

    since_ns: int
    records: list[Record] = field(default_factory=list)
    disabled: list[Plugin] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


def discover(
    disabled: Collection[str] = (), found: Iterable[Plugin] | None = None, *, fresh: Collection[str] = ()
) -> Discovered:
    """Find every plugin that is installed, and read those that have changed since they were last read.

    :param disabled: names of distributions or entry points to leave alone, besides those that `ZOO_DISABLE_PLUGINS`
        (separated by commas) or the configuration file names. A plugin that is switched off is not read.
    :param found: the plugins to look at; by default those of the installed distributions.
    :param fresh: names of plugins to read, changed or not; `"*"` for all.
    :raises UsageError: if the configuration file or `ZOO_PLUGIN_TIMEOUT` can't be understood.
    """
    discovered = Discovered(now_ns())
    timeout_s = time_limit()
    off = switched_off(disabled)
    plugins = list(entry_points(hookspecs.PROJECT) if found is None else found)
    cache = Cache()
    asked = {normalised(name) for name in fresh}
    claimed: dict[tuple[str, ...], Plugin] = {}
    records: dict[Plugin, Record] = {}
    stale = []
    for plugin in plugins:
        if off.keys() & {normalised(name) for name in plugin.names}:
            discovered.disabled.append(plugin)
            continue
        claims = ((plugin.reference,), (plugin.distribution, plugin.name))
        if same := next((claimed[claim] for claim in claims if claim in claimed), None):
            text = f"{plugin.reference} is {same}'s already" if same.reference == plugin.reference else f"so is {same}"
            message = f"{text}, by the entry point {same.name}"
            records[plugin] = Record(plugin, findings=(Finding("duplicate-plugin", plugin.reference, message),))
            continue
        claimed |= dict.fromkeys(claims, plugin)
        record = None if asked & {"*", *map(normalised, plugin.names)} else cache.get(plugin, timeout_s)
        if record is None:
            stale.append(plugin)
        else:
            records[plugin] = record
    for plugin, record in zip(stale, _read(stale, timeout_s), strict=True):
        records[plugin] = record
        if record.transient:
            continue
        lacking = index.search_path() if record.failed or record.unmet else []
        cache.put(record, [plugin.metadata, *lacking], discovered.since_ns, timeout_s)
    cache.save(plugins)
    discovered.records = [records[plugin] for plugin in plugins if plugin in records]
    known = {normalised(name) for plugin in plugins for name in plugin.names}
    discovered.not_found = [name for normal, name in off.items() if normal not in known]
    discovered.files = [
        *(*own_files(), *index.search_path(), index.config_file(), *map(os.path.abspath, entry_point_files())),
        *(plugin.metadata for plugin in plugins),
        *(file for record in discovered.records for file in record.files),
    ]
    return discovered


def _read(plugins: list[Plugin], timeout_s: float) -> list[Record]:
    if not plugins:  # as almost always: what reading takes is then not even imported
        return []
    from zoo.plugins import reader

    return reader.read(plugins, timeout_s=timeout_s)
