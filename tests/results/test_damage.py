"""Damaged Results: told, and left where they are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import ids, make_result

from zoo.errors import UsageError
from zoo.record.reading import Damaged
from zoo.results import index
from zoo.results.rows import path_of
from zoo.results.store import Filter, Store


def without(name: str) -> Callable[[dict[str, Any]], object]:
    """Take a field away."""
    return lambda record: record.pop(name)


def put(name: str, value: object) -> Callable[[dict[str, Any]], object]:
    """Put a value where there was another."""

    def change(record: dict[str, Any]) -> None:
        *path, last = name.split(".")
        for key in path:
            record = record[key]
        record[last] = value

    return change


WRONG = {
    "no model": (put("scenario", {"dataset": "digits"}), "is damaged: "),
    "newer schema": (put("schema", "zoo.result/2"), "has the schema zoo.result/2; this zoo reads zoo.result/1"),
    "no schema": (without("schema"), "is not a Result: it has no schema"),
    "no measures": (without("measures"), "is damaged: "),
    "scenario a list": (put("scenario", []), "is damaged: "),
    "measures a number": (put("measures", 3), "is damaged: "),
    "unknown precision": (put("scenario.precision", "int4"), "is damaged: precision 'int4' is not one of"),
    "latency a text": (put("measures.latency_s", "fast"), "is damaged: "),
    "latency true": (put("measures.latency_s", True), "is damaged: "),
    "latency null though ok": (put("measures.latency_s", None), "is damaged: "),
    "accuracy bare": (put("measures.accuracy", 0.9), "is damaged: "),
    "no interval": (put("measures.accuracy", {"value": 0.9}), "is damaged: "),
    "no fingerprint": (put("environment", {}), "is damaged: "),
    "no processor": (put("environment.processor", None), "is damaged: "),
    "a day that is none": (put("created_at", "yesterday"), "is damaged: "),
    "before time": (put("created_at", "0001-01-01T00:00:00+23:00"), "is damaged: "),
    "another's id": (put("id", make_result(7).id), f"holds the Result {make_result(7).id}, which belongs in 2026-11/"),
    "evil id": (put("id", "../../evil"), "is damaged: "),
    "not a number": (put("samples", [{"latency_s": [float("nan")]}]), "is damaged: "),
    "checks of text": (put("checks", ["busy"]), "is damaged: "),
    "samples of text": (put("samples", [{"latency_s": ["fast"]}]), "is damaged: "),
    "weights of nowhere": (put("weights", {"file": "x"}), "is damaged: "),
    "labels of numbers": (put("labels", [1]), "is damaged: "),
}
BYTES = {
    "empty": b"",
    "truncated": make_result(1).dumps().encode()[:-20],
    "no JSON": b"<html>",
    "a list": b"[]",
    "not UTF-8": b'{"schema": "\xff\xfe"}',
    "deep": b"[" * 100_000,
    "infinite": make_result(1).dumps().replace('"iterations": 3', '"iterations": 1e999').encode(),
}


@pytest.mark.parametrize("what", [*WRONG, *BYTES])
def test_a_damaged_file_is_reported_and_left_alone(filled: Store, what: str) -> None:
    path = filled.folder / path_of(make_result(1).id)
    if what in BYTES:
        content, reason = BYTES[what], "is "
    else:
        change, reason = WRONG[what]
        record = json.loads(path.read_bytes())
        change(record)
        content = json.dumps(record).encode()
    path.write_bytes(content)

    assert ids(filled) == [make_result(2).id, make_result(0).id]
    for _ in range(2):  # read, and from the index
        (fault,) = filled.damaged()
        assert fault.where == str(path)
        assert fault.reason.startswith(reason)
        assert fault.reason.isprintable()
    assert path.read_bytes() == content
    if what != "another's id":
        with pytest.raises(UsageError) as caught:
            filled.get(path.stem)
        assert str(caught.value).startswith(f"{path} ")


def test_a_damaged_file_that_was_mended_or_removed_is_damaged_no_more(filled: Store) -> None:
    path = filled.folder / path_of(make_result(1).id)
    whole = path.read_bytes()
    path.write_bytes(whole[:50])
    assert len(filled.damaged()) == 1
    path.write_bytes(whole)
    assert filled.damaged() == []
    assert len(ids(filled)) == 3
    second = filled.folder / "2026-11" / "notes.json"
    second.write_text("{}")
    assert len(filled.damaged()) == 1
    second.unlink()
    assert filled.damaged() == []


def test_a_newer_zoo_looks_again_at_what_an_older_one_could_not_read(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = filled.folder / path_of(make_result(1).id)
    path.write_text(json.dumps({**make_result(1).to_json(), "schema": "zoo.result/1.1"}))
    assert len(filled.damaged()) == 1
    monkeypatch.setattr("zoo.record.reading.SCHEMA", "zoo.result/1.1")
    assert len(filled.damaged()) == 1
    monkeypatch.setattr(index, "__version__", "99")
    assert filled.damaged() == []
    assert len(ids(filled)) == 3


def test_what_is_no_file_or_lies_elsewhere(filled: Store) -> None:
    month = filled.folder / "2026-11"
    (month / f"{make_result(5).id}.json").mkdir()
    (month / f".{make_result(6).id}.json.abc").write_text("being written")
    (month / f".{make_result(6).id}.json").write_text("hidden")
    (month / "notes.txt").write_text("a note")
    (month / "loop.json").symlink_to("loop.json")
    (month / "nowhere.json").symlink_to("/nonexistent")
    os.mkfifo(month / "pipe.json")
    (filled.folder / "2026-10").mkdir()
    stray = filled.folder / "2026-10" / f"{make_result(1).id}.json"
    stray.write_bytes((month / stray.name).read_bytes())
    (filled.folder / "2026-09").write_text("no folder")
    (filled.folder / "elsewhere").mkdir()
    (filled.folder / "elsewhere" / "x.json").write_text("")

    assert len(ids(filled)) == 3
    assert {Path(fault.where).name: fault.reason for fault in filled.damaged()} == {
        stray.name: f"holds the Result {make_result(1).id}, which belongs in 2026-11/{stray.name}",
        f"{make_result(5).id}.json": "is not a file",
        "loop.json": "can't be read: too many levels of symbolic links",
        "pipe.json": "is not a file",
    }
    assert filled.get("20261101T01").id == make_result(1).id


def test_what_was_damaged_after_it_was_indexed_is_told(filled: Store) -> None:
    rows = filled.select(newest_first=False)
    (filled.folder / rows[0].path).write_text("{}")
    (filled.folder / rows[1].path).unlink()
    faults: list[Damaged] = []
    assert [result.id for result in filled.load(rows, faults.append)] == [rows[2].id]
    assert [str(fault) for fault in faults] == [f"{filled.folder / rows[0].path} is not a Result: it has no schema"]


def test_text_that_is_no_unicode_is_listed(store: Store) -> None:
    """As an argument comes that isn't UTF-8."""
    result = make_result(labels=("\udcff",))
    store.add(result)
    assert store.select()[0].labels == ("?",)
    assert store.get(result.id).labels == ("\udcff",)
    assert ids(store, Filter(label="\udcff")) == [result.id]
