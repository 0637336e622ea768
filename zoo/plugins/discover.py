"""Discover: from entry points to what each plugin declares. One plugin's failure never hides another plugin.

What a plugin declared is kept until something changes on which it depends. The files in which it is kept can be deleted
at any time. One that is damaged, of another version or not writable is as good as none.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import time_ns
from typing import Any

from zoo import hookspecs, index
from zoo.errors import SpecError, UsageError
from zoo.files import write_atomic
from zoo.findings import Finding
from zoo.installed import Plugin, entry_point_files, entry_points, normalised
from zoo.plugins.record import Record
from zoo.plugins.settings import switched_off, time_limit

KEPT = 64  # files; each set of places to look for plugins has two
PACKAGE = Path(__file__).parent.parent


@dataclass(slots=True)
class Discovered:
    """The plugins that were found, by distribution and entry point.

    Attributes:
        since_ns: when the search began, by `time.time_ns`.
        records: what those declare that are not switched off.
        disabled: those that are.
        not_found: names that were to be switched off and are no plugin's.
        files: on whose state all this depends.
    """

    since_ns: int
    records: list[Record] = field(default_factory=list)
    disabled: list[Plugin] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


def discover(disabled: Collection[str] = (), *, fresh: Collection[str] = ()) -> Discovered:
    """Find every plugin that is installed, and read those that have changed since they were last read.

    :param disabled: names of distributions or entry points to leave alone, besides those that `ZOO_DISABLE_PLUGINS`
        (separated by commas) or the configuration file names. A plugin that is switched off is not read.
    :param fresh: names of plugins to read, changed or not; `"*"` for all.
    :raises UsageError: if the configuration file or `ZOO_PLUGIN_TIMEOUT` can't be understood.
    """
    discovered = Discovered(time_ns())
    timeout_s, off = time_limit(), switched_off(disabled)
    plugins = list(dict.fromkeys(entry_points(hookspecs.PROJECT)))
    cache = Cache(timeout_s)
    asked = {normalised(name) for name in fresh}
    claimed: dict[tuple[str, ...], Plugin] = {}
    records: dict[Plugin, Record | None] = {}
    known: set[str] = set()
    for plugin in plugins:
        names = {normalised(name) for name in plugin.names}
        known |= names
        claims = ((plugin.reference,), (plugin.distribution, plugin.name))
        if off.keys() & names:
            discovered.disabled.append(plugin)
        elif same := next((claimed[claim] for claim in claims if claim in claimed), None):
            text = f"{plugin.reference} is {same}'s already" if same.reference == plugin.reference else f"so is {same}"
            message = f"{text}, by the entry point {same.name}"
            records[plugin] = Record(plugin, findings=(Finding("duplicate-plugin", plugin.reference, message),))
        else:
            claimed |= dict.fromkeys(claims, plugin)
            records[plugin] = None if asked & {"*", *names} else cache.get(plugin)
    if stale := [plugin for plugin, record in records.items() if record is None]:
        from zoo.plugins import reader  # and what it imports, which almost always isn't needed

        for record in reader.read(stale, timeout_s=timeout_s):
            records[record.plugin] = record
            cache.put(record, discovered.since_ns)
    cache.save(plugins)
    discovered.records = [record for record in records.values() if record is not None]
    discovered.not_found = [name for normal, name in off.items() if normal not in known]
    discovered.files = [
        *(*_own_files(), *index.search_path(), index.config_file(), *map(os.path.abspath, entry_point_files())),
        *(plugin.metadata for plugin in plugins),
        *(file for record in discovered.records for file in record.files),
    ]
    return discovered


class Cache:
    """Records by entry point, for one interpreter and one set of places to look for plugins.

    :param timeout_s: the time limit of now; a plugin that wasn't read in less is read again.
    """

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.key = [*index.interpreter(), *(state for state, _ in _states(_own_files()))]
        self.path = Path(index.cache_file("plugins", self.key))
        found = index.read(str(self.path), self.key)
        self.entries: dict[str, Any] = found if isinstance(found, dict) else {}
        self.changed = False

    def get(self, plugin: Plugin) -> Record | None:
        """What a plugin declared, or None if it must be read."""
        try:
            entry = self.entries[_name(plugin)]
            if any(index.state(path) != before for before, path in entry["states"]):
                return None
            if entry["timeout_s"] and entry["timeout_s"] < self.timeout_s:
                return None
            return Record.from_json(plugin, entry["record"])
        except (SpecError, TypeError, ValueError, KeyError):
            return None

    def put(self, record: Record, since_ns: int) -> None:
        """Keep what a plugin declares, unless what it depends on has changed while it was read."""
        lacking = index.search_path() if record.failed or record.unmet else ()
        seen = _states([record.plugin.metadata, *lacking, *record.files])
        if index.settled(seen, since_ns) and not record.transient:
            self.changed = True
            limit = self.timeout_s if any(finding.code == "too-slow" for finding in record.findings) else None
            self.entries[_name(record.plugin)] = {"record": record.to_json(), "states": seen, "timeout_s": limit}

    def save(self, plugins: Sequence[Plugin]) -> None:
        """Write it down, if anything has changed; without those plugins that are no longer there."""
        names = set(map(_name, plugins))
        kept = {name: entry for name, entry in self.entries.items() if name in names}
        if self.changed or len(kept) < len(self.entries):
            _write(self.path, self.key, kept)


def keep_index(made: index.Index, files: Sequence[str], since_ns: int) -> None:
    """Keep what `zoo list` prints, unless what is kept still holds. The next start takes the long way if it can't be.

    :param files: on whose state it depends.
    :param since_ns: when plugins were looked for, by `time.time_ns`.
    """
    if index.load() is None and index.settled(seen := _states(files), since_ns):
        _write(Path(index.cache_file("index", index.key())), index.key(), {"states": seen, "index": made})


def _states(files: Iterable[str]) -> list[tuple[str, str]]:
    return [(index.state(file), file) for file in dict.fromkeys(files)]


def _own_files() -> Iterator[str]:
    """The zoo's own files that have a part in what is kept."""
    for folder in (PACKAGE, *(PACKAGE / name for name in ("specs", "findings", "plugins", "cli"))):
        yield from (str(folder / name) for name in sorted(os.listdir(folder)) if name.endswith((".py", ".toml")))


def _name(plugin: Plugin) -> str:
    return "\t".join((plugin.distribution, plugin.name, plugin.version, plugin.reference))


def _write(path: Path, key: list[str], content: Mapping[str, Any]) -> None:
    with contextlib.suppress(UsageError, OSError, ValueError):
        write_atomic(path, index.text(key, content))
        oldest = sorted(path.parent.glob("*-*.json"), key=lambda file: file.stat().st_mtime, reverse=True)[KEPT:]
        for file in oldest:
            file.unlink(missing_ok=True)
