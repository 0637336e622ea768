"""What `width.py` has pyperf measure: the callable that `zoo bench` times, by pyperf's own rules."""

from __future__ import annotations

import os
from collections.abc import Callable

os.environ["KERAS_BACKEND"] = "tensorflow"

import pyperf

BATCH_SIZE = 32
made: list[Callable[[], None]] = []


def one_batch() -> None:
    """Make the callable when it is first wanted: pyperf's main process needs none."""
    if not made:
        from callable_toy_resnet import timed

        made.append(timed(BATCH_SIZE))
    made[0]()


if __name__ == "__main__":
    pyperf.Runner().bench_func("toy_resnet", one_batch)
