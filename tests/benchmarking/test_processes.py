"""Turns: one process computes at a time, all get as many, and nobody waits for one that has ended."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from zoo.benchmarking.processes import Parent, Process, ProcessGroup
from zoo.benchmarking.timing import Policy, Turn, TurnLength, measure
from zoo.errors import UsageError
from zoo.executors.local import Task

pytestmark = pytest.mark.timed

PATHS = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
POLICY = Policy(warmup_min_s=0.0, warmup_max_s=0.05)


def works(job: dict[str, Any], report: Any) -> dict[str, Any]:
    """In the worker: note when it computes."""
    marks: list[tuple[float, float]] = []

    def call() -> None:
        start = time.perf_counter()
        time.sleep(0.002)
        marks.append((start, time.perf_counter()))
        if len(marks) == job.get("ends_at"):
            os._exit(3)
        if len(marks) == job.get("hangs_at"):
            time.sleep(60)

    timing = measure(call, POLICY, source=Parent(Path(job["pipes"])))
    return {"pid": os.getpid(), "marks": marks, "rounds": [turn.rounds for turn in timing.turns]}


def breaks_off(job: dict[str, Any], report: Any) -> None:
    """In the worker: hand over a long turn, and end in the middle of handing over another."""
    parent = Parent(Path(job["pipes"]))
    parent.warm_up()
    parent.next_turn()
    parent.hand_over(Turn(0.0, 1.0, (0.123456789,) * 100_000))
    parent.next_turn()
    os.write(parent.answers.descriptor, b'{"is": "sampled", "turn": {"samp')
    os._exit(3)


def refuses(job: dict[str, Any], report: Any) -> None:
    """In the worker: what was asked for is impossible."""
    raise UsageError("there is no such device here")


def task(function: str = "works", **job: Any) -> Task:
    return Task(f"test_processes:{function}", job, {"PYTHONPATH": PATHS}, label="processes")


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessGroup]:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    with ProcessGroup() as group:
        yield group


def started(group: ProcessGroup, *jobs: dict[str, Any], timeout_s: float | None = 20) -> list[Process]:
    processes = [group.start(task(**job), lambda _: None, timeout_s) for job in jobs]
    assert all(process.ready() for process in processes)
    return processes


def test_one_process_computes_at_a_time_and_all_get_as_many_turns(group: ProcessGroup) -> None:
    processes = started(group, {}, {}, {})
    assert all(process.warm_up() for process in processes)
    for _ in range(8):
        assert all(process.sample(TurnLength(least_s=0.005)) for process in processes)
    values = [process.end().value or {} for process in processes]
    assert len({value["pid"] for value in values}) == 3
    assert [len(value["rounds"]) for value in values] == [8, 8, 8]
    assert [[turn.rounds for turn in process.turns] for process in processes] == [value["rounds"] for value in values]
    spans = sorted(tuple(mark) for value in values for mark in value["marks"])
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))


def test_a_process_that_ends_in_its_turn_is_noticed_at_once(group: ProcessGroup) -> None:
    healthy, broken = started(group, {}, {"ends_at": 30})
    assert healthy.warm_up()
    assert broken.warm_up()
    before = time.monotonic()
    while broken.sample(TurnLength(least_s=0.01)):
        assert healthy.sample(TurnLength(least_s=0.01))
    assert time.monotonic() - before < 5
    assert broken.running.done()
    assert not healthy.running.done()
    assert broken.end().outcome == "error"
    assert healthy.end().outcome == "ok"


def test_a_process_that_hangs_in_its_turn_is_ended_and_waiting_does_not_count(group: ProcessGroup) -> None:
    patient, hanging = started(group, {}, {"hangs_at": 30}, timeout_s=0.7)
    assert patient.warm_up()
    assert hanging.warm_up()
    for _ in range(10):  # longer than the limit in all, but not in one turn
        assert patient.sample(TurnLength(least_s=0.1))
    while hanging.sample(TurnLength(least_s=0.01)):
        pass
    completed = hanging.end()
    assert completed.outcome == "timeout"
    assert completed.failure is not None
    assert completed.failure.log is not None
    assert patient.sample(TurnLength(least_s=0.01))
    assert patient.end().outcome == "ok"


def test_a_process_that_fails_before_its_first_turn_says_so(group: ProcessGroup) -> None:
    process = group.start(task("refuses"), lambda _: None, 20)
    assert not process.ready()
    completed = process.end()
    assert completed.failure is not None
    assert completed.failure.message == "there is no such device here"


def test_what_was_handed_over_whole_is_kept_and_what_was_not_is_not(group: ProcessGroup) -> None:
    process = group.start(task("breaks_off"), lambda _: None, 20)
    assert process.ready()
    assert process.warm_up()
    assert process.sample(TurnLength(least_s=1.0))
    assert not process.sample(TurnLength(least_s=1.0))
    assert process.end().outcome == "error"
    assert process.turns == [Turn(0.0, 1.0, (0.123456789,) * 100_000)]


@pytest.mark.parametrize("fails", ["mkfifo", "thread"])
def test_a_process_that_can_not_be_started_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def refuse(*_: Any) -> None:
        raise OSError("no more of them")

    if fails == "mkfifo":
        make = os.mkfifo
        monkeypatch.setattr(os, "mkfifo", lambda path: refuse() if path.name == "answers" else make(path))
    else:
        monkeypatch.setattr(threading.Thread, "start", refuse)
    before = psutil.Process().num_fds()
    with pytest.raises(OSError, match="no more of them"):
        Process(task(), lambda _: None, 1)
    assert psutil.Process().num_fds() == before
    assert os.listdir(tmp_path) == []


def test_leaving_a_group_that_is_handing_over_does_not_hang(group: ProcessGroup) -> None:
    process = group.start(task("breaks_off"), lambda _: None, 20)
    assert process.ready()
    assert process.warm_up()
    process.commands.write({"do": "sample", "length": {"least_s": 1.0}})  # more comes back than a pipe holds
    process.answers.fill()
    started = time.monotonic()
    process.close()
    process.close()
    assert time.monotonic() - started < 5


def test_leaving_a_group_ends_its_processes_and_takes_away_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with contextlib.suppress(KeyboardInterrupt), ProcessGroup() as group:
        processes = started(group, {}, {})
        assert all(process.warm_up() for process in processes)
        raise KeyboardInterrupt
    assert all(process.running.done() for process in processes)
    assert threading.active_count() == 1
    assert list(tmp_path.iterdir()) == []
