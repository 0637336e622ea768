"""The store's index, which is never believed."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from support import files, ids, make_result

from zoo.errors import UsageError
from zoo.results import index
from zoo.results.rows import path_of
from zoo.results.store import Store


def spoil(path: Path, how: str) -> None:
    """Do something to the index."""
    if how == "deleted":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_text("not a database at all\n" * 500)
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:5000])
    elif how == "scribbled over":
        content = bytearray(path.read_bytes())
        content[4096:] = b"\xff" * (len(content) - 4096)
        path.write_bytes(content)
    elif how == "a folder":
        path.unlink()
        path.mkdir()
    else:
        with sqlite3.connect(path) as connection:
            connection.executescript(how)
        connection.close()


@pytest.mark.parametrize(
    "how",
    [
        "deleted",
        "empty",
        "text",
        "truncated",
        "scribbled over",
        "a folder",
        "PRAGMA user_version = 1",
        "DROP TABLE results",
        "ALTER TABLE results DROP COLUMN model",
        "UPDATE results SET labels = 'no JSON'",
        "UPDATE results SET model = CAST(x'ff' AS TEXT)",
        "DELETE FROM results",
    ],
)
def test_whatever_happens_to_the_index_the_answer_is_the_same(
    filled: Store, how: str, capfd: pytest.CaptureFixture[str]
) -> None:
    expected, before = filled.select(), files(filled.folder)
    spoil(filled.folder / index.FILE, how)
    for _ in range(2):
        assert filled.select() == expected
        assert filled.damaged() == []
    assert files(filled.folder) == before
    assert capfd.readouterr() == ("", "")


def test_the_index_is_used(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = filled.select()

    def refuse(*_: object) -> None:
        raise AssertionError("a file was read again")

    monkeypatch.setattr(index, "loads", refuse)
    assert filled.select() == expected
    assert filled.damaged() == []


def test_files_that_come_and_go_behind_its_back_are_noticed(filled: Store, tmp_path: Path) -> None:
    oldest = ids(filled)[-1]
    other = Store(tmp_path / "other")
    new = other.add(make_result(800))
    (filled.folder / "2026-12").mkdir()
    new.rename(filled.folder / "2026-12" / new.name)
    (filled.folder / path_of(oldest)).unlink()
    assert ids(filled) == [new.stem, make_result(2).id, make_result(1).id]


def test_a_locked_index_is_done_without(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "PATIENCE_S", 0.01)
    filled.select()
    for lock in ("BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"):  # read it one may, or not even that
        holder = sqlite3.connect(filled.folder / index.FILE)
        holder.execute(lock)
        try:
            new = make_result(3 if lock == "BEGIN IMMEDIATE" else 4)
            filled.add(new)
            assert ids(filled)[0] == new.id
        finally:
            holder.rollback()
            holder.close()
    assert len(ids(filled)) == 5


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_that_may_only_be_read(filled: Store) -> None:
    folders = [filled.folder, *filled.folder.glob("*/")]
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert len(ids(filled)) == 3
        assert not (filled.folder / index.FILE).exists()
        with pytest.raises(UsageError, match="can't write"):
            filled.add(make_result(9))
        with pytest.raises(UsageError, match="can't remove"):
            filled.remove(ids(filled))
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_an_index_that_may_only_be_read_is_begun_from(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    filled.select()
    new = make_result(3)
    filled.add(new)
    connect = sqlite3.connect

    def read_only(database: Any, **options: Any) -> sqlite3.Connection:
        if isinstance(database, Path):
            return connect(f"{database.as_uri()}?mode=ro", uri=True)
        return connect(database, **options)

    monkeypatch.setattr(sqlite3, "connect", read_only)
    reads: list[str] = []
    loads = index.loads
    monkeypatch.setattr(index, "loads", lambda content, where: reads.append(where) or loads(content, where))
    assert len(ids(filled)) == 4
    assert set(reads) == {path_of(new.id)}
