"""What plugins declared when they were last read, and whether that still holds.

The files can be deleted at any time. One that is damaged, of another version or not writable is as good as none.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo import index
from zoo.errors import SpecError, UsageError
from zoo.files import write_atomic
from zoo.installed import Plugin
from zoo.plugins.record import Record

MARGIN_NS = 50_000_000  # file systems' clocks are coarse: what has changed so recently may change unseen
KEPT = 64  # files; each set of places to look for plugins has two
PACKAGE = Path(__file__).parent.parent


class Cache:
    """Records by entry point, for one interpreter and one set of places to look for plugins."""

    def __init__(self) -> None:
        self.key = [*index.interpreter(), *(state for state, _ in states(own_files()))]
        self.path = Path(index.cache_file("plugins", self.key))
        found = index.read(str(self.path), self.key)
        self.entries: dict[str, Any] = found if isinstance(found, dict) else {}
        self.changed = False

    def get(self, plugin: Plugin, timeout_s: float) -> Record | None:
        """What a plugin declared, or None if it must be read.

        :param timeout_s: the time limit of now; one that wasn't read in less is read again.
        """
        entry = self.entries.get(_name(plugin))
        try:
            if entry is None or any(index.state(path) != before for before, path in entry["states"]):
                return None
            if entry["timeout_s"] and entry["timeout_s"] < timeout_s:
                return None
            return Record.from_json(plugin, entry["record"])
        except (SpecError, TypeError, ValueError, KeyError):
            return None

    def put(self, record: Record, files: Iterable[str], since_ns: int, timeout_s: float) -> None:
        """Keep what a plugin declares, unless what it depends on has changed while it was read.

        :param files: on which it depends besides its own.
        :param since_ns: when the reading began, by `time.time_ns`.
        """
        seen = states([*files, *record.files])
        self.changed = True
        self.entries.pop(_name(record.plugin), None)
        if settled(seen, since_ns):
            slow = any(finding.code == "too-slow" for finding in record.findings)
            limit = timeout_s if slow else None
            self.entries[_name(record.plugin)] = {"record": record.to_json(), "states": seen, "timeout_s": limit}

    def save(self, plugins: Sequence[Plugin]) -> None:
        """Write it down, if anything has changed; without those plugins that are no longer there."""
        names = {_name(plugin) for plugin in plugins}
        kept = {name: entry for name, entry in self.entries.items() if name in names}
        if self.changed or len(kept) < len(self.entries):
            _write(self.path, self.key, kept)


def keep_index(made: index.Index, files: Sequence[str], since_ns: int) -> None:
    """Keep what `zoo list` prints, unless what is kept still holds. The next start takes the long way if it can't be.

    :param files: on whose state it depends.
    :param since_ns: when plugins were looked for, by `time.time_ns`.
    """
    if index.load() is None:
        seen = states(files)
        if settled(seen, since_ns):
            _write(Path(index.path()), index.key(), {"states": seen, "index": vars(made)})


def _write(path: Path, key: list[str], content: Mapping[str, Any]) -> None:
    with contextlib.suppress(UsageError, OSError, ValueError):
        write_atomic(path, index.text(key, content))
        oldest = sorted(path.parent.glob("*-*.json"), key=lambda file: file.stat().st_mtime, reverse=True)[KEPT:]
        for file in oldest:
            file.unlink(missing_ok=True)


def states(files: Iterable[str]) -> list[tuple[str, str]]:
    """The state of each file or folder, with its path."""
    return [(index.state(file), file) for file in dict.fromkeys(files)]


def settled(seen: Iterable[tuple[str, str]], since_ns: int) -> bool:
    """Whether none of these files has changed since then, or so shortly before that it may change again unseen."""
    return all(state == "-" or int(state.partition(".")[0]) < since_ns - MARGIN_NS for state, _ in seen)


def now_ns() -> int:
    """The time by the clock of the files."""
    return time.time_ns()


def own_files() -> Iterator[str]:
    """The zoo's own files that have a part in what is kept."""
    for folder in (PACKAGE, *(PACKAGE / name for name in ("specs", "findings", "plugins", "cli"))):
        yield from (str(folder / name) for name in sorted(os.listdir(folder)) if name.endswith((".py", ".toml")))


def _name(plugin: Plugin) -> str:
    return "\t".join((plugin.distribution, plugin.name, plugin.version, plugin.reference))
