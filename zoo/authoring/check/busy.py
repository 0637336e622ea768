"""How many threads a computation keeps busy, whatever else the machine does."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

TASKS = Path("/proc/self/task")


def runnable_threads(call: Callable[[], object], seconds: float) -> float:
    """How many threads of this process run or wait for a core, on average while something is called again and again.

    That a thread has to wait where the machine is loaded changes nothing. Where the system doesn't count waiting (it is
    Linux that does), and of threads that end meanwhile, it is the cores that are used.
    """
    start, used, before = time.perf_counter(), time.process_time(), _demand_s()
    while (passed := time.perf_counter() - start) < seconds:
        call()
    after = _demand_s()
    demand = sum(after[thread] - before.get(thread, 0.0) for thread in after)
    return max(demand, time.process_time() - used) / passed


def _demand_s() -> dict[str, float]:
    """By thread: seconds on a core and seconds waiting for one."""
    found = {}
    try:
        for task in TASKS.iterdir():
            try:
                running, waiting, _ = (task / "schedstat").read_text().split()
            except FileNotFoundError:  # it has ended
                continue
            found[task.name] = (int(running) + int(waiting)) / 1e9
    except (OSError, ValueError):
        return {}
    return found
