"""What else the machine was doing while something was timed."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Counters at one moment; two of them say what happened between."""

    at_s: float
    busy_s: float
    stolen_s: float
    own_s: float
    throttled: int | None


def snapshot() -> Snapshot:
    """The counters now: processor time of the whole machine, and of this process."""
    machine = psutil.cpu_times()
    own = os.times()
    idle = machine.idle + getattr(machine, "iowait", 0.0)
    guest = getattr(machine, "guest", 0.0) + getattr(machine, "guest_nice", 0.0)
    stolen = getattr(machine, "steal", 0.0)
    return Snapshot(
        at_s=time.perf_counter(),
        busy_s=sum(machine) - guest - idle - stolen,
        stolen_s=stolen,
        own_s=own.user + own.system,
        throttled=_throttle_count(),
    )


def between(before: Snapshot, after: Snapshot) -> dict[str, Any]:
    """Cores kept busy by others, and by a hypervisor's other guests; how often the processor was throttled."""
    seconds = max(after.at_s - before.at_s, 1e-9)
    others = (after.busy_s - before.busy_s) - (after.own_s - before.own_s)
    throttled = None
    if before.throttled is not None and after.throttled is not None:
        throttled = after.throttled - before.throttled
    return {
        "seconds": seconds,
        "own_cores_busy": (after.own_s - before.own_s) / seconds,
        "other_cores_busy": others / seconds,  # below 0 where the kernel's ticks fall behind its exact times
        "stolen_cores": (after.stolen_s - before.stolen_s) / seconds,
        "throttled": throttled,
    }


class Meter:
    """Adds up what else the machine was doing while it was entered, which may be many times."""

    def __init__(self) -> None:
        self.spans: list[dict[str, Any]] = []

    def __enter__(self) -> None:
        self.before = snapshot()

    def __exit__(self, *_: object) -> None:
        self.spans.append(between(self.before, snapshot()))

    def total(self) -> dict[str, Any]:
        """Over all the time that it was entered, in the form that `between` gives."""
        seconds = sum(span["seconds"] for span in self.spans)
        shares = ("own_cores_busy", "other_cores_busy", "stolen_cores")
        counts = [span["throttled"] for span in self.spans if span["throttled"] is not None]
        return {
            "seconds": seconds,
            **{
                share: max(0.0, sum(span[share] * span["seconds"] for span in self.spans) / max(seconds, 1e-9))
                for share in shares
            },
            "throttled": sum(counts) if counts else None,
        }


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
