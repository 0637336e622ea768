"""What else the machine was doing while something was timed."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from zoo.cgroups import Groups
from zoo.files import first_line
from zoo.record.measures import Activity

COUNTS = ("throttled", "quota_periods", "quota_waited_s")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Counters at one moment; two of them say what happened between."""

    at_s: float
    busy_s: float
    stolen_s: float
    own_s: float
    throttled: int | None
    quota_periods: int | None = None
    quota_waited_s: float | None = None


def snapshot() -> Snapshot:
    """The counters now: processor time of the whole machine, and of this process; how its quota held it back."""
    machine = psutil.cpu_times()
    own = os.times()
    idle = machine.idle + getattr(machine, "iowait", 0.0)
    guest = getattr(machine, "guest", 0.0) + getattr(machine, "guest_nice", 0.0)
    stolen = getattr(machine, "steal", 0.0)
    held_back = _groups().throttling()
    return Snapshot(
        at_s=time.perf_counter(),
        busy_s=sum(machine) - guest - idle - stolen,
        stolen_s=stolen,
        own_s=own.user + own.system,
        throttled=_throttle_count(),
        quota_periods=None if held_back is None else held_back.periods,
        quota_waited_s=None if held_back is None else held_back.seconds,
    )


class Meter:
    """Notes the counters whenever it is entered or left, which may be many times."""

    def __init__(self) -> None:
        self.spans: list[tuple[Snapshot, Snapshot]] = []

    def __enter__(self) -> None:
        self.before = snapshot()

    def __exit__(self, *_: object) -> None:
        self.spans.append((self.before, snapshot()))

    def total(self) -> Activity:
        """What happened over all the time that it was entered."""
        return over(self.spans)


def over(spans: Sequence[tuple[Snapshot, Snapshot]]) -> Activity:
    """What happened from the first moment of each span to its second."""

    def spent(name: str) -> Any:
        each = [(getattr(before, name), getattr(after, name)) for before, after in spans]
        counted = [after - before for before, after in each if before is not None and after is not None]
        return sum(counted) if counted else None

    seconds = max(spent("at_s") or 0.0, 1e-9)
    busy_s, stolen_s, own_s = (spent(name) or 0.0 for name in ("busy_s", "stolen_s", "own_s"))
    return Activity(
        seconds=seconds,
        own_cores_busy=own_s / seconds,
        other_cores_busy=max(0.0, busy_s - own_s) / seconds,  # the kernel's ticks fall behind its exact times
        stolen_cores=max(0.0, stolen_s) / seconds,
        **{name: spent(name) for name in COUNTS},
    )


@functools.cache
def _groups() -> Groups:
    return Groups.of_this_process()


def _throttle_count() -> int | None:
    """How often any core has been throttled since the machine started (Linux on Intel); None without a counter."""
    files = Path("/sys/devices/system/cpu").glob("cpu[0-9]*/thermal_throttle/core_throttle_count")
    counts = [int(line) for line in map(first_line, files) if line.isdecimal()]
    return sum(counts) if counts else None
