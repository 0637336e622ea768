"""The index of a store: SQLite beside the Results, so that 100,000 of them are listed in no time.

It is an optimisation and never a source of truth. The names in the folder decide what is there; a Result never
changes, so a name that the index knows isn't read again. An index that is missing, damaged or of another layout is
built anew, and one that can't be written is done without, both in silence.
"""

from __future__ import annotations

import contextlib
import fnmatch
import sqlite3
import stat
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from zoo import __version__
from zoo.errors import UsageError
from zoo.paths import reason
from zoo.record.reading import loads
from zoo.record.result import SCHEMA
from zoo.results.rows import COLUMNS, Row, paths, row_of, text, to_columns

FILE = "index.sqlite"
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
            index.executemany(INSERT, map(to_columns, rows))
            index.executemany("INSERT OR REPLACE INTO damaged VALUES (?, ?, ?)", faults)
            index.executemany("DELETE FROM damaged WHERE path = ?", [(row.path,) for row in rows])


def _examine(folder: Path, path: str, mode: int) -> Row:
    """Read the file for the index; UsageError if it is damaged, OSError if it can't be read."""
    if not stat.S_ISREG(mode):
        raise UsageError("is not a file")
    row = row_of(loads((folder / path).read_bytes(), path))
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
