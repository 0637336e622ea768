"""The store: a folder of Results, one file each, `<store>/<YYYY-MM>/<id>.json`. The files are all that counts."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from zoo import paths
from zoo.errors import UsageError
from zoo.files import write_atomic
from zoo.record.identifiers import ID
from zoo.record.reading import Damaged, loads
from zoo.record.result import Result, utc
from zoo.results import index, rows
from zoo.results.rows import COLUMNS, Row, from_columns, path_of, text

VARIABLE = "ZOO_STORE"
EQUALS = ("dataset", "runtime", "device", "precision", "batch_size", "outcome", "environment")


def default_store() -> Path:
    """The folder of the store: `ZOO_STORE`, else `results` in the zoo's own folder."""
    if folder := os.environ.get(VARIABLE):
        return Path(folder).expanduser()
    return paths.home() / "results"


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """Which Results: those for which everything given here is true.

    Attributes:
        model: a name or a shell glob, case counts.
        label: one that the Result has.
        environment: its fingerprint.
        since, until: ISO dates or times, UTC where they name no zone; both ends are included, a date until its end.

    Raises UsageError for a date that is none.
    """

    model: str | None = None
    dataset: str | None = None
    runtime: str | None = None
    device: str | None = None
    precision: str | None = None
    batch_size: int | None = None
    outcome: str | None = None
    label: str | None = None
    environment: str | None = None
    since: str | None = None
    until: str | None = None

    def __post_init__(self) -> None:
        self.where()

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return any(getattr(self, field.name) is not None for field in fields(self))

    def where(self) -> tuple[str, list[object]]:
        """The condition in SQL, and its parameters."""
        conditions = [(f"{name} = ?", getattr(self, name)) for name in EQUALS]
        conditions += [
            ("shell_glob(model, ?)", self.model),
            ("EXISTS (SELECT 1 FROM json_each(labels) WHERE value = ?)", self.label),
            ("created_at >= ?", _moment(self.since, datetime.time.min)),
            ("created_at <= ?", _moment(self.until, datetime.time.max)),
        ]
        given = [(condition, value) for condition, value in conditions if value is not None]
        values = [text(value) if isinstance(value, str) else value for _, value in given]
        return " AND ".join(condition for condition, _ in given) or "1", values


def _moment(given: str | None, time: datetime.time) -> str | None:
    """The moment as the index writes it; a date alone gets the time."""
    if given is None:
        return None
    try:
        with contextlib.suppress(ValueError):
            return utc(datetime.datetime.combine(datetime.date.fromisoformat(given), time)).isoformat()
        return utc(datetime.datetime.fromisoformat(given)).isoformat()
    except (OverflowError, ValueError):
        raise UsageError(f"'{given[:40]}' is not a date such as 2026-11-23, or a time in ISO 8601") from None


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of Results from elsewhere: added, known by their ids already, or not readable."""

    added: int
    known: int
    bad: tuple[Damaged, ...]


class Store:
    """A folder of Results. It need not be there before the first is added."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def add(self, result: Result) -> Path:
        """Write a Result; it is on the disk once this returns.

        :return: its file.
        :raises UsageError: if there is one of that id, if it isn't sound, or if the folder can't be written to.
        """
        path = self.folder / path_of(result.id)
        if not self._write(path, result):
            raise UsageError(f"{path} is already there; a Result is never overwritten")
        return path

    def add_all(self, found: Iterable[Result | Damaged]) -> Imported:
        """Add what is not known yet, as `zoo.results.export.parse` reads it.

        :raises UsageError: if the folder can't be written to; what was added until then stays.
        """
        added, known, bad = 0, 0, []
        for item in found:
            if isinstance(item, Damaged):
                bad.append(item)
            elif self._write(self.folder / path_of(item.id), item):
                added += 1
            else:
                known += 1
        return Imported(added, known, tuple(bad))

    def __contains__(self, identifier: str) -> bool:
        """Whether there is a file for a Result of that id, damaged or not."""
        return (self.folder / path_of(identifier)).exists()

    def get(self, name: str) -> Result:
        """The Result of an id, or of the beginning of one.

        :raises UsageError: if there is none, if several begin so, or if it is damaged.
        """
        path = self.folder / path_of(self.find(name))
        try:
            return loads(path.read_bytes(), str(path))
        except OSError as error:
            raise UsageError(f"{path} can't be read: {paths.reason(error)}") from None

    def find(self, name: str) -> str:
        """The id that this is, or is the beginning of; its file may be damaged.

        :raises UsageError: if there is none, or if several begin so.
        """
        if ID.fullmatch(name) and (self.folder / path_of(name)).is_file():
            return name
        there = ((path, Path(path).stem) for path in rows.paths(self.folder))
        found = sorted(s for path, s in there if s.startswith(name) and ID.fullmatch(s) and path == path_of(s))
        if not found:
            raise UsageError(f"no Result {ascii(name)[:60]} in {self.folder}; 'zoo results' lists the newest")
        if len(found) > 1:
            raise UsageError(f"{len(found)} Results begin with '{name}', such as {found[0]} and {found[-1]}")
        return found[0]

    def select(self, wanted: Filter | None = None, *, newest_first: bool = True, limit: int | None = None) -> list[Row]:
        """Rows of the Results that are wanted, by time.

        :raises UsageError: if the folder can't be listed.
        """
        where, values = (wanted or Filter()).where()
        order = "DESC" if newest_first else "ASC"
        sql = f"SELECT {', '.join(COLUMNS)} FROM results WHERE {where} ORDER BY path {order} LIMIT ?"  # noqa: S608 -- values are bound
        return index.ask(self.folder, sql, from_columns, [*values, -1 if limit is None else limit])

    def load(self, rows: Iterable[Row], on_damaged: Callable[[Damaged], None]) -> Iterator[Result]:
        """The Results of rows, one at a time; those that have vanished since are left out.

        :param on_damaged: told of each that can't be read.
        """
        for row in rows:
            path = self.folder / row.path
            try:
                yield loads(path.read_bytes(), str(path))
            except FileNotFoundError:
                continue
            except OSError as error:
                on_damaged(Damaged(str(path), f"can't be read: {paths.reason(error)}"))
            except UsageError as error:
                on_damaged(Damaged(str(path), str(error).removeprefix(f"{path} ")))

    def damaged(self) -> list[Damaged]:
        """The files in which there is no Result that this zoo can read, and why. They are left alone."""
        sql = "SELECT path, reason FROM damaged ORDER BY path"
        return index.ask(self.folder, sql, lambda found: Damaged(str(self.folder / found[0]), found[1]))

    def remove(self, ids: Iterable[str]) -> int:
        """Remove the files of these ids, damaged or not.

        :return: how many were there.
        :raises UsageError: if one of them is no id, before any is removed; or if a file can't be removed.
        """
        removed = 0
        for path in [self.folder / path_of(name) for name in ids]:
            try:
                path.unlink()
                removed += 1
            except FileNotFoundError:
                continue
            except OSError as error:
                raise UsageError(f"can't remove {path}: {paths.reason(error)}") from None
        return removed

    def _write(self, path: Path, result: Result) -> bool:
        """Write the file, unless there is one."""
        try:
            content = f"{result.dumps()}\n".encode()
        except (RecursionError, TypeError, ValueError) as error:
            raise UsageError(f"the Result {result.id} can't be written as JSON: {error}") from None
        loads(content, f"the Result {result.id}")
        with _alone_in(paths.writable_folder(path.parent)):
            if path.exists():
                return False
            write_atomic(path, content)
            return True


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Of the processes that add a file to the folder, one at a time, so that none replaces another's."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks goes without
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
