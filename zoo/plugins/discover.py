"""Discover: from entry points to what each plugin declares. One plugin's failure never hides another plugin."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from zoo import hookspecs, index
from zoo.findings import Finding
from zoo.installed import EntryPoint, entry_point_files, entry_points, normalised
from zoo.plugins.cache import Cache, now_ns, own_files
from zoo.plugins.plugin import Plugin, as_plugin
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
    disabled: Collection[str] = (), found: Iterable[EntryPoint] | None = None, *, fresh: Collection[str] = ()
) -> Discovered:
    """Find every plugin that is installed, and read those that have changed since they were last read.

    :param disabled: names of distributions or entry points to leave alone, besides those that `ZOO_DISABLE_PLUGINS`
        (separated by commas) or the configuration file names. A plugin that is switched off is not read.
    :param found: the entry points; by default those of the installed distributions.
    :param fresh: names of plugins to read, changed or not; `"*"` for all.
    :raises UsageError: if the configuration file or `ZOO_PLUGIN_TIMEOUT` can't be understood.
    """
    discovered = Discovered(now_ns())
    timeout_s = time_limit()
    off = switched_off(disabled)
    points = list(entry_points(hookspecs.PROJECT) if found is None else found)
    cache = Cache()
    anew = {normalised(name) for name in fresh}
    claimed: dict[tuple[str, ...], Plugin] = {}
    records: dict[EntryPoint, Record] = {}
    stale = []
    for point in points:
        plugin = as_plugin(point)
        if off.keys() & {normalised(name) for name in plugin.names}:
            discovered.disabled.append(plugin)
            continue
        same = next(
            (claimed[key] for key in ((point.reference,), (point.distribution, point.name)) if key in claimed), None
        )
        if same:
            text = f"{plugin.reference} is {same}'s already" if same.reference == plugin.reference else f"so is {same}"
            message = f"{text}, by the entry point {same.name}"
            records[point] = Record(plugin, findings=(Finding("duplicate-plugin", plugin.reference, message),))
            continue
        claimed |= {(point.reference,): plugin, (point.distribution, point.name): plugin}
        is_stale = bool(anew & {"*", *map(normalised, plugin.names)})
        record = None if is_stale else cache.get(point, plugin, timeout_s)
        if record is None:
            stale.append(point)
        else:
            records[point] = record
    for point, record in zip(stale, _read(stale, timeout_s), strict=True):
        records[point] = record
        lacking = index.search_path() if record.failed or record.unmet else []
        cache.put(point, record, [point.metadata, *lacking], discovered.since_ns, timeout_s)
    cache.save(points)
    discovered.records = [records[point] for point in points if point in records]
    known = {normalised(name) for point in points for name in as_plugin(point).names}
    discovered.not_found = [name for normal, name in off.items() if normal not in known]
    discovered.files = [
        *(*own_files(), *index.search_path(), index.config_file(), *map(os.path.abspath, entry_point_files())),
        *(point.metadata for point in points),
        *(file for record in discovered.records for file in record.files),
    ]
    return discovered


def _read(points: list[EntryPoint], timeout_s: float) -> list[Record]:
    if not points:  # as almost always: what reading takes is then not even imported
        return []
    from zoo.plugins import reader

    return reader.read(points, timeout_s=timeout_s)
