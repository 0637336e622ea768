"""Resident memory of this process: now, and at its peak."""

from __future__ import annotations

import contextlib
import resource
import sys
from pathlib import Path

import psutil


def resident_bytes() -> int:
    """Resident size now."""
    return int(psutil.Process().memory_info().rss)


def reset_peak() -> bool:
    """Start the peak anew from the resident size now. False where the system can't (it is Linux that can)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
        return True
    return False


def peak_bytes() -> int:
    """Largest resident size since the process started, or since `reset_peak` where that works."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
