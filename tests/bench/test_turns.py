"""Turns: only one side computes at a time, both get the same number, and neither waits for a side that has ended."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from zoo.bench.turns import BLOCKS, SIDES, Pipes, Turns
from zoo.errors import ZooError


def take_part(folder: Path, side: str, seed: int, record: list[tuple[str, str]], errors: list[Exception]) -> None:
    """What a worker does: warm up when it may, then a block at each turn."""
    try:
        turns = Turns(folder, side, seed)
        turns.begin()
        record += [(side, "begins"), (side, "ends")]
        for _ in turns.schedule():
            record.append((side, "begins"))
            time.sleep(0.0005)
            record.append((side, "ends"))
    except Exception as error:
        errors.append(error)


@pytest.mark.parametrize("seed", range(5))
def test_only_one_side_computes_at_a_time(tmp_path: Path, seed: int) -> None:
    pipes = Pipes(tmp_path)
    record: list[tuple[str, str]] = []
    errors: list[Exception] = []
    threads = [
        threading.Thread(target=take_part, args=(tmp_path, side, seed, record, errors), daemon=True) for side in SIDES
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
        assert not thread.is_alive()
    pipes.close()
    assert errors == []
    assert record[0::2] == [(side, "begins") for side, _ in record[0::2]]
    assert record[1::2] == [(side, "ends") for side, _ in record[0::2]]
    order = [side for side, _ in record[0::2]]
    assert order[:2] == ["a", "b"]  # warming up
    pairs = [tuple(order[i : i + 2]) for i in range(2, len(order), 2)]
    assert len(pairs) == BLOCKS
    assert set(pairs) == {("a", "b"), ("b", "a")}


@pytest.mark.parametrize("side", SIDES)
def test_a_side_does_not_wait_for_one_that_has_ended(tmp_path: Path, side: str) -> None:
    pipes = Pipes(tmp_path)
    pipes.tell_ended(side)
    errors: list[Exception] = []
    thread = threading.Thread(target=take_part, args=(tmp_path, side, 0, [], errors), daemon=True)
    thread.start()
    thread.join(timeout=5)
    assert not thread.is_alive()
    pipes.close()
    assert isinstance(errors[0], ZooError)
    assert "has ended" in str(errors[0])
