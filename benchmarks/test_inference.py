"""The callable that `zoo bench` times, beside what people write: the same model, the same images, one process."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import zoo
from zoo.benchmarking.worker import Timed

Ways = dict[str, Callable[[], object]]


@pytest.fixture(scope="module", params=[1, 32], ids="batch{}".format)
def ways(request: pytest.FixtureRequest, model_name: str) -> Ways:
    """One way of running the model for each name in the table."""
    import numpy as np
    import tensorflow as tf

    from zoo.runtimes.tensorflow import TensorFlow

    runtime = TensorFlow()
    runtime.start(device="cpu", precision="float32", threads=None)
    model = zoo.build(model_name)
    images = np.random.default_rng(0).random((request.param, *model.input_shape[1:]), dtype=np.float32)
    placed = tf.constant(images)
    forward = tf.function(lambda x: model(x, training=False))
    session = runtime.open(model, request.param)
    return {
        "zoo": Timed(session, session.place(images)),
        "tf.function": lambda: forward(placed).numpy(),
        "model(x)": lambda: model(placed, training=False).numpy(),
        "model.predict": lambda: model.predict(images, batch_size=len(images), verbose=0),
    }


@pytest.mark.parametrize("way", ["zoo", "tf.function", "model(x)", "model.predict"])
def test_inference(benchmark: BenchmarkFixture, ways: Ways, model_name: str, way: str, request: Any) -> None:
    benchmark.group = f"inference: {model_name}, {request.node.callspec.id}".replace(f"-{way}", "")
    ways[way]()
    benchmark(ways[way])
