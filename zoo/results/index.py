"""The index of a store: SQLite beside the Results, so that 100,000 of them are listed in no time.

It is an optimisation and never a source of truth. The names in the folder decide what is there; a Result never
changes, so a name that the index knows isn't read again. An index that is missing, damaged or of another layout is
built anew, and one that can't be written is done without, both in silence.
"""

from __future__ import annotations

import contextlib
import datetime
import fnmatch
import functools
import hashlib
import json
import math
import os
import re
import sqlite3
import stat
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from zoo import __version__
from zoo.bench.scenario import Scenario
from zoo.errors import UsageError
from zoo.paths import reason
from zoo.results.schema import SCHEMA, Result, loads

FILE = "index.sqlite"
ID = re.compile(r"[0-9]{4}(0[1-9]|1[0-2])[0-9]{2}T[0-9]{6}-[0-9a-f]{8}")
MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Row:
    """What the index knows of a Result.

    Attributes:
        path: of its file, relative to the store's folder.
        created_at: UTC, ISO 8601; sorts by time.
        environment: the fingerprint.
        accuracy: the value alone, in [0, 1].
        scenario: a digest, equal where scenarios are.
    """

    path: str
    id: str
    created_at: str
    outcome: str
    model: str
    dataset: str
    runtime: str
    device: str
    precision: str
    batch_size: int
    threads: int | None
    mode: str
    labels: tuple[str, ...]
    environment: str
    latency_s: float | None
    images_per_second: float | None
    accuracy: float | None
    scenario: str


COLUMNS = tuple(field.name for field in fields(Row))
LABELS = COLUMNS.index("labels")


@dataclass(frozen=True, slots=True)
class Damaged:
    """A file, or a line of one, that holds no Result this zoo can read; `reason` completes the sentence."""

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where} {self.reason}"


# What tables and exports read of a Result beyond what is indexed, by type; and of one that is ok. More may be there.
NUMBER = (int, float)
MAYBE = (*NUMBER, type(None))
ACCURACY = ("value", "low", "high", "images")
NEEDED = (
    (str, "scenario", "runtime"),
    (str, "scenario", "precision"),
    (int, "scenario", "batch_size"),
    (str, "environment", "device"),
    (str, "environment", "python"),
    (dict, "environment", "packages"),
    (list, "environment", "accelerators"),
    (str, "environment", "os", "system"),
    (str, "environment", "os", "release"),
    (str, "environment", "processor", "model"),
    (str, "environment", "processor", "architecture"),
    (int, "environment", "processor", "usable_cores"),
    (int, "environment", "processor", "memory_bytes"),
    (str, "plugin", "distribution"),
    (str, "plugin", "version"),
    (dict, "reasons"),
)
NEEDED_IF_OK = (
    (NUMBER, "measures", "latency_s"),
    (NUMBER, "measures", "images_per_second"),
    *((MAYBE, "measures", name) for name in ("parameters", "macs", "weights_bytes", "peak_rss_bytes")),
    *((MAYBE, "measures", name) for name in ("import_s", "build_s", "first_call_s")),
    (int, "stats", "latency_s", "n"),
    (MAYBE, "stats", "latency_s", "p90"),
    (NUMBER, "stats", "images_per_second", "low"),
    (NUMBER, "stats", "images_per_second", "high"),
)
OVERFLOW = re.compile(rb"[eE]\+?[0-9]{3}")  # such a number may be infinite as a float


def path_of(identifier: str) -> str:
    """Where in a store the Result of that id lies, relative to its folder.

    :raises UsageError: if it is no id: nothing else names a file.
    """
    if not (isinstance(identifier, str) and ID.fullmatch(identifier)):
        raise UsageError(f"{ascii(identifier)[:60]} is not the id of a Result, such as 20261123T130741-1a2b3c4d")
    return f"{identifier[:4]}-{identifier[4:6]}/{identifier}.json"


def paths(folder: Path) -> Iterator[str]:
    """The files that should be Results, relative to the folder, in no order.

    :raises UsageError: if the folder is there but can't be listed.
    """
    months = [entry.name for entry in _scan(folder) if MONTH.fullmatch(entry.name) and entry.is_dir()]
    for month in months:
        # A name that begins with a dot is a file being written.
        yield from (f"{month}/{e.name}" for e in _scan(folder / month) if e.name.endswith(".json") and e.name[0] != ".")


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"can't list {folder}: {reason(error)}") from None


def read(content: bytes, where: str) -> Result:
    """Read a Result, and see that it has what lists, tables and exports need and can be written again.

    :raises UsageError: in a line that begins with `where`, if it is damaged or of a version this zoo doesn't know.
    """
    return _read(content, where)[0]


def _read(content: bytes, where: str) -> tuple[Result, Row]:
    try:
        result = loads(content, where)
    except RecursionError:
        raise UsageError(f"{where} is damaged: nested too deeply") from None
    try:
        row = row_of(result)
        _check(result, NEEDED)
        if row.outcome == "ok":
            _check(result, NEEDED_IF_OK)
        _check_parts(result)
        if b"NaN" in content or b"Infinity" in content or OVERFLOW.search(content):
            result.dumps()
    except KeyError as error:
        raise UsageError(f"{where} is damaged: it has no {error}") from None
    except (AttributeError, IndexError, OverflowError, RecursionError, TypeError, ValueError, UsageError) as error:
        raise UsageError(f"{where} is damaged: {error}") from None
    return result, row


def _check(result: Result, needed: Sequence[Sequence[Any]]) -> None:
    for kind, first, *keys in needed:
        value = getattr(result, first)
        for key in keys:
            value = value[key]
        if not isinstance(value, kind):
            raise TypeError(f"{'.'.join((first, *keys))} is of the type {type(value).__name__}")


def _check_parts(result: Result) -> None:
    parts: list[tuple[Any, tuple[str, ...]]] = [(part, ("code", "message")) for part in result.checks]
    parts += [(part, ("name",)) for part in result.environment["accelerators"]]
    parts += [(part, ("phase", "message", "log")) for part in (result.failure,) if part]
    parts += [(part, ("source", "sha256")) for part in (result.weights,) if part]
    for part, names in parts:
        for name in names:
            part[name]
    for process in result.samples:
        sum(process["latency_s"])  # numbers, all of them


def row_of(result: Result) -> Row:
    """Index a Result that has been read. What is missing in it or of the wrong type raises as it happens to."""
    scenario, measures = result.get_scenario(), result.measures
    scored = measures["accuracy"]
    return Row(
        path=path_of(result.id),
        id=result.id,
        created_at=utc(datetime.datetime.fromisoformat(result.created_at)),
        outcome=text(result.outcome),
        model=text(scenario.model),
        dataset=text(scenario.dataset),
        runtime=text(scenario.runtime),
        device=scenario.device,
        precision=scenario.precision,
        batch_size=scenario.batch_size,
        threads=scenario.threads,
        mode=scenario.mode,
        labels=tuple(map(text, result.labels)),
        environment=text(result.environment["fingerprint"]),
        latency_s=None if measures["latency_s"] is None else _number(measures["latency_s"]),
        images_per_second=None if measures["images_per_second"] is None else _number(measures["images_per_second"]),
        accuracy=None if scored is None else {part: _number(scored[part]) for part in ACCURACY}["value"],
        scenario=digest(scenario),
    )


def utc(moment: datetime.datetime) -> str:
    """ISO 8601 in UTC, which sorts by time. Without a time zone it is taken for UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC).isoformat()


def text(value: object) -> str:
    """The text as SQLite can hold it: bytes of an argument that were no UTF-8 become `?`."""
    if not isinstance(value, str):
        raise TypeError(f"{ascii(value)[:40]} is not text")
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


@functools.lru_cache(maxsize=1024)
def digest(scenario: Scenario) -> str:
    """Equal for equal scenarios, in every process and version that knows their fields."""
    canonical = json.dumps(scenario.to_json(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def _number(value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, NUMBER) or not math.isfinite(value):
        raise TypeError(f"{ascii(value)[:40]} is not a number")
    return float(value)


def _values(row: Row) -> tuple[object, ...]:
    return tuple(json.dumps(row.labels) if name == "labels" else getattr(row, name) for name in COLUMNS)


def row_from(values: Sequence[Any]) -> Row:
    """The row whose columns were asked for, in the order of `COLUMNS`."""
    found = list(values)
    found[LABELS] = _labels(found[LABELS])
    return Row(*found)


@functools.lru_cache(maxsize=1024)
def _labels(listed: str) -> tuple[str, ...]:
    return tuple(json.loads(listed))


TABLES = (
    f"CREATE TABLE results ({', '.join(COLUMNS)}, PRIMARY KEY (path)) WITHOUT ROWID",
    "CREATE TABLE damaged (path PRIMARY KEY, signature, reason)",
)
INSERT = f"INSERT OR REPLACE INTO results VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 -- constants
# Another layout has another number, and is built anew.
LAYOUT = zlib.crc32(" ".join((SCHEMA, *TABLES)).encode()) & 0x7FFFFFFF

# The index may be sound, but is not ours to use now. Whatever else is wrong with it, it is built anew.
NOT_NOW = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}
T = TypeVar("T")
PATIENCE_S = 5.0  # with another process that is writing the index, before it is done without
BATCH = 1000  # files read between two commits: what is read again if a first listing is interrupted


def ask(folder: Path, sql: str, convert: Callable[[tuple[Any, ...]], T], parameters: Sequence[object] = ()) -> list[T]:
    """What an index that agrees with the folder answers.

    :param sql: a query of `TABLES`; it may use `shell_glob(value, pattern)`.
    :param convert: makes of a tuple what is wanted.
    :raises UsageError: if the folder can't be listed.
    """
    for _ in range(2):
        try:
            with closing(sqlite3.connect(folder / FILE, timeout=PATIENCE_S)) as index:
                return _answer(index, folder, sql, convert, parameters)
        except (sqlite3.Error, TypeError, ValueError) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in NOT_NOW:
                break
            _discard(folder / FILE)
    with contextlib.suppress(sqlite3.Error, TypeError, ValueError), closing(_copy(folder / FILE)) as index:
        return _answer(index, folder, sql, convert, parameters)
    with closing(sqlite3.connect(":memory:")) as index:
        return _answer(index, folder, sql, convert, parameters)


def _answer(
    index: sqlite3.Connection,
    folder: Path,
    sql: str,
    convert: Callable[[tuple[Any, ...]], T],
    parameters: Sequence[object],
) -> list[T]:
    index.create_function("shell_glob", 2, fnmatch.fnmatchcase, deterministic=True)
    _lay_out(index)
    _update(index, folder)
    return [convert(values) for values in index.execute(sql, parameters).fetchall()]


def _lay_out(index: sqlite3.Connection) -> None:
    """Make the tables, unless they are there in this layout."""
    if _layout(index) == LAYOUT:
        return
    with index:
        index.execute("BEGIN IMMEDIATE")
        if _layout(index) == LAYOUT:  # another process was faster
            return
        for name in ("results", "damaged"):
            index.execute(f"DROP TABLE IF EXISTS {name}")
        for table in TABLES:
            index.execute(table)
        index.execute(f"PRAGMA user_version = {LAYOUT}")


def _layout(index: sqlite3.Connection) -> int:
    return int(index.execute("PRAGMA user_version").fetchone()[0])


def _update(index: sqlite3.Connection, folder: Path) -> None:
    """Make the index agree with the names in the folder.

    What is known is asked for before the folder is listed: a Result that another process adds and indexes in between
    is then merely new here, and not taken for one that vanished.
    """
    known = {path for (path,) in index.execute("SELECT path FROM results")}
    damaged = dict(index.execute("SELECT path, signature FROM damaged"))
    there = set(paths(folder))
    if gone := [(path,) for path in (known | damaged.keys()) - there]:
        with index:
            index.executemany("DELETE FROM results WHERE path = ?", gone)
            index.executemany("DELETE FROM damaged WHERE path = ?", gone)
    new = iter(sorted(there - known))
    while batch := list(islice(new, BATCH)):
        _read_batch(index, folder, batch, damaged)


def _read_batch(index: sqlite3.Connection, folder: Path, batch: Sequence[str], damaged: dict[str, str]) -> None:
    """Read files that are new, or that were damaged and have changed since."""
    rows, faults = [], []
    for path in batch:
        signature = None
        try:
            status = (folder / path).stat()
            # Another zoo may read what this one can't.
            signature = f"{__version__} {status.st_size} {status.st_mtime_ns}"
            if damaged.get(path) != signature:
                rows.append(_examine(folder, path, status.st_mode))
        except FileNotFoundError:  # it has vanished since
            continue
        except OSError as error:
            faults.append((path, signature, f"can't be read: {reason(error)}"))
        except UsageError as error:
            faults.append((path, signature, text(str(error).removeprefix(f"{path} "))))
    if rows or faults:
        with index:
            index.executemany(INSERT, map(_values, rows))
            index.executemany("INSERT OR REPLACE INTO damaged VALUES (?, ?, ?)", faults)
            index.executemany("DELETE FROM damaged WHERE path = ?", [(row.path,) for row in rows])


def _examine(folder: Path, path: str, mode: int) -> Row:
    """Read the file for the index; UsageError if it is damaged, OSError if it can't be read."""
    if not stat.S_ISREG(mode):
        raise UsageError("is not a file")
    _, row = _read((folder / path).read_bytes(), path)
    if row.path != path:
        raise UsageError(f"holds the Result {row.id}, which belongs in {row.path}")
    return row


def _copy(path: Path) -> sqlite3.Connection:
    """A copy in memory, for this query alone, of an index that may only be read."""
    memory = sqlite3.connect(":memory:")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=PATIENCE_S)) as index:
            index.execute("BEGIN")
            _layout(index)  # takes the lock for reading, or gives up: `backup` would wait for it for ever
            index.backup(memory)
    except sqlite3.Error:
        memory.close()
        raise
    return memory


def _discard(path: Path) -> None:
    for name in (path, path.with_name(f"{path.name}-journal")):
        with contextlib.suppress(OSError):
            name.unlink()
