"""Processes that somebody ends from outside: the parent, the supervisor, the child."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tasks import HERE, LINUX, leftovers, marked, task

from zoo.executors.local import run

pytestmark = pytest.mark.timed

PARENT = f"""
import signal, sys
from zoo.executors import folders
from zoo.executors.local import Task, run

signal.signal(signal.SIGINT, signal.default_int_handler)
task = Task("hostile:leaves_processes", {{"stay": True}}, {{"PYTHONPATH": {HERE!r}}})
try:
    with folders.make(folders.RUN):
        run(task, lambda event: print(event["event"], flush=True))
except KeyboardInterrupt:
    sys.exit(130)
"""


@contextlib.contextmanager
def parent_at_work(folders: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits for a worker, which has children, as does this block."""
    environment = {**os.environ, "TMPDIR": str(folders / "tmp")}
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, env=environment)
    try:
        assert parent.stdout.readline() == b"started\n"
        yield parent
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()


@LINUX
def test_an_interrupted_parent_leaves_no_process_and_no_folder(mark: str, folders: Path) -> None:
    with parent_at_work(folders) as parent:
        assert len(marked(mark)) >= 5
        parent.send_signal(signal.SIGINT)
        assert parent.wait(5) == 130
        assert marked(mark) == []
        assert leftovers(folders) == []


def left_after(seconds: float, mark: str) -> list[psutil.Process]:
    """The processes that are still there after so long, or none as soon as there are none."""
    until = time.monotonic() + seconds
    while (left := marked(mark)) and time.monotonic() < until:
        time.sleep(0.05)
    return left


@LINUX
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_parent_that_is_killed_leaves_no_process(mark: str, folders: Path, number: int) -> None:
    with parent_at_work(folders) as parent:
        parent.send_signal(number)
        assert parent.wait(5) == -number
        assert left_after(2, mark) == []


@LINUX
def test_a_parent_that_is_killed_leaves_no_folder(mark: str, folders: Path) -> None:
    with parent_at_work(folders) as parent:
        parent.kill()
        parent.wait(5)
        assert left_after(2, mark) == []
    assert leftovers(folders) == []  # neither the task's nor the caller's own


@LINUX
def test_a_child_that_somebody_kills_leaves_no_process(mark: str) -> None:
    def kill(event: dict[str, Any]) -> None:
        [child] = [process for process in marked(mark) if "zoo.executors.child" in process.cmdline()]
        child.kill()

    completed = run(task("leaves_processes", stay=True), kill)
    assert (completed.outcome, completed.failure.type) == ("signal", "SIGKILL")
    assert marked(mark) == []


@LINUX
def test_a_supervisor_that_somebody_kills_takes_the_child_along(mark: str) -> None:
    def kill(event: dict[str, Any]) -> None:
        [supervisor] = [process for process in marked(mark) if "zoo.executors.supervisor" in process.cmdline()]
        supervisor.kill()

    completed = run(task("sleeps"), kill)
    assert (completed.outcome, completed.failure.type) == ("error", "SupervisorError")
    assert left_after(1, mark) == []
