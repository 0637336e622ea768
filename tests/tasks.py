"""Tasks of the functions in executors/hostile.py, and what they leave."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from zoo.executors.local import Task

HERE = os.pathsep.join([str(Path(__file__).parent / "executors"), *filter(None, [os.environ.get("PYTHONPATH")])])
MARK = "ZOO_TEST_MARK"

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans to the supervisor")


def marked(mark: str) -> list[psutil.Process]:
    """The processes with that mark, but for this one."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                found.append(process)
    return found


def task(function: str, timeout_s: float = 20.0, memory_limit_bytes: int | None = None, **job: Any) -> Task:
    return Task(
        function=f"hostile:{function}",
        job=job,
        environment={"PYTHONPATH": HERE, "HOSTILE": "yes"},
        timeout_s=timeout_s,
        memory_limit_bytes=memory_limit_bytes,
        label="test",
    )


def leftovers(folders: Path) -> list[str]:
    return os.listdir(folders / "tmp")
