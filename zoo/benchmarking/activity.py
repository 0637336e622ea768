"""What else the machine was doing while something was timed."""

from __future__ import annotations

import functools
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from zoo.cgroups import Groups
from zoo.record.measures import Activity

CORES = ("own_cores_busy", "other_cores_busy", "stolen_cores")
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


def between(before: Snapshot, after: Snapshot) -> Activity:
    """What happened from one moment to another. Cores that others kept busy may be below 0: the kernel's ticks fall
    behind its exact times."""
    seconds = max(after.at_s - before.at_s, 1e-9)
    own_s, stolen_s = after.own_s - before.own_s, after.stolen_s - before.stolen_s
    return Activity(
        seconds=seconds,
        own_cores_busy=own_s / seconds,
        other_cores_busy=(after.busy_s - before.busy_s - own_s) / seconds,
        stolen_cores=stolen_s / seconds,
        **{name: _difference(getattr(before, name), getattr(after, name)) for name in COUNTS},
    )


class Meter:
    """Adds up what else the machine was doing while it was entered, which may be many times."""

    def __init__(self) -> None:
        self.spans: list[Activity] = []

    def __enter__(self) -> None:
        self.before = snapshot()

    def __exit__(self, *_: object) -> None:
        self.spans.append(between(self.before, snapshot()))

    def total(self) -> Activity:
        """Over all the time that it was entered."""
        seconds = sum(span.seconds for span in self.spans)
        values: dict[str, Any] = {
            name: max(0.0, sum(getattr(span, name) * span.seconds for span in self.spans) / max(seconds, 1e-9))
            for name in CORES
        }
        for name in COUNTS:
            counts = [count for span in self.spans if (count := getattr(span, name)) is not None]
            values[name] = sum(counts) if counts else None
        return Activity(seconds=seconds, **values)


def _difference(before: float | None, after: float | None) -> Any:
    return None if before is None or after is None else after - before


@functools.cache
def _groups() -> Groups:
    return Groups.of_this_process()


def _throttle_count() -> int | None:
    """How often any core has been throttled since the machine started (Linux on Intel); None without a counter."""
    cpus = Path("/sys/devices/system/cpu")
    counts = []
    for path in cpus.glob("cpu[0-9]*/thermal_throttle/core_throttle_count"):
        try:
            counts.append(int(path.read_text()))
        except (OSError, ValueError):
            continue
    return sum(counts) if counts else None
