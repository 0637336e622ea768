"""How loaded the machine was before the zoo began, by the system's own average."""

from __future__ import annotations

import math
import os
import time

import psutil

from zoo.benchmarking.environment import load_average

MEMORY_S = 60.0  # over which the system's first average fades (exponentially; kernel/sched/loadavg.c)


def load_of_others() -> float | None:
    """Runnable processes over the last minute, without this one and those that it has started and that have ended."""
    load = load_average()
    if load is None:
        return None
    spent = os.times()
    own_s = spent.user + spent.system + spent.children_user + spent.children_system
    return without_own(load, own_s, time.time() - psutil.Process().create_time())


def without_own(load: float, own_s: float, age_s: float) -> float:
    """The load less this process's share, as if it had spent its processor time evenly.

    :param load: the average now.
    :param own_s: processor time of this process and of its children that have ended.
    :param age_s: since this process began.
    """
    age_s = max(age_s, 1e-3)
    share = own_s / age_s * -math.expm1(-age_s / MEMORY_S)
    return round(max(0.0, load - share), 2)
