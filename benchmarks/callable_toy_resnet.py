"""The callable that `zoo bench toy_resnet` times, for other harnesses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import zoo
from zoo.benchmarking.worker import Timed
from zoo.runtimes.tensorflow import TensorFlow


def timed(batch_size: int) -> Callable[[], None]:
    """One batch of toy_resnet, computed and waited for; it has been called once."""
    runtime = TensorFlow()
    runtime.start(device="cpu", precision="float32", threads=None)
    session = runtime.open(zoo.build("toy_resnet"), batch_size)
    images = np.random.default_rng(0).random((batch_size, 32, 32, 3), dtype=np.float32)
    call = Timed(session, session.place(images))
    call()
    return call
