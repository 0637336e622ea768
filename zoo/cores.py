"""How many cores this process may use."""

from __future__ import annotations

import math
import os

from zoo.cgroups import Groups


def schedulable_cores() -> int:
    """How many logical cores the system may run this process on. Frameworks start so many threads by themselves."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usable_cores() -> int:
    """How many of those can be busy all the time: fewer where a control group has a quota of processor time."""
    quota = Groups.of_this_process().quota()
    cores = schedulable_cores()
    return cores if quota is None else max(1, min(cores, math.ceil(quota.cores)))
