"""The file of events lies open to whatever code a task runs: what is no event is passed over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zoo.executors import local

GOOD: list[dict[str, Any]] = [{"event": "phase", "name": "build"}, {"event": "told", "text": "x" * 30}]
BAD = (b"torn {", b"7", b"[]", b"{}", b'{"event": 7}', b'{"event": "phase"}', b"\xff\x00", b"[" * 100_000, b"")


@pytest.mark.parametrize("most", [2**26, 200_000])
def test_events_are_passed_on_in_their_order_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(local, "EVENTS_BYTES", most)
    file, heard = tmp_path / "events.jsonl", list[dict[str, Any]]()
    events = local._Events(file, heard.append)
    events.read()
    lines = [*BAD, *(json.dumps(event).encode() for event in GOOD)]
    for number in range(1, 4):
        with file.open("ab") as written:
            written.write(b"\n".join(lines) + b"\n" + b'{"event": "tor')
        events.read()
        assert heard == GOOD * number
        with file.open("ab") as written:
            written.write(b'n"}\n')
        events.read()
        assert heard.pop() == {"event": "torn"}
    assert events.phase == "build"


def test_a_line_without_an_end_keeps_nothing_else_from_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "EVENTS_BYTES", 100)
    file, heard = tmp_path / "events.jsonl", list[dict[str, Any]]()
    events = local._Events(file, heard.append)
    file.write_bytes(b"x" * 1050 + b"\n" + json.dumps(GOOD[1]).encode() + b"\n")
    events.read()
    assert heard == GOOD[1:]
