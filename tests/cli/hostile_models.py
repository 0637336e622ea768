"""A plugin whose models misbehave, each in its own way, but for one. Installed by test_hostile.py through PYTHONPATH.

Their runtime, `eager`, runs a layer's `call` each time, where others trace it once. It is on JAX, which starts soonest.
"""

import os
import subprocess
import sys
import time

import zoo
from zoo.runtimes.jax import Jax, JittedFunction

WAYS = (
    "hangs",
    "exits",
    "segfaults",
    "allocates",
    "prints_and_forks",
    "raises_in_build",
    "raises_in_first_call",
    "raises_in_hundredth_call",
    "raises_in_300th_call",
    "behaves",
)


@zoo.hookimpl
def zoo_models() -> list[zoo.ModelSpec]:
    return [
        zoo.ModelSpec(
            name=way,
            summary="misbehaves",
            build="hostile_models:build",
            arguments={"way": way},
            input_shape=(8, 8, 1),
            classes=10,
            parameters=650,
        )
        for way in WAYS
    ]


@zoo.hookimpl
def zoo_runtimes() -> list[zoo.RuntimeSpec]:
    return [
        zoo.RuntimeSpec(
            name="eager",
            summary="model(images)",
            runtime="hostile_models:Eager",
            keras_backend="jax",
            requires=("jax",),
        )
    ]


class Eager(Jax):
    """JAX, an operation at a time."""

    def open(self, model: object, batch_size: int, calibration: object = None) -> JittedFunction:
        session = JittedFunction(model, self.device)
        session.run = EagerCall(model)
        return session


class EagerCall:
    """`model(images)`."""

    def __init__(self, model: object) -> None:
        self.model = model

    def __call__(self, images: object) -> object:
        return self.model(images, training=False)

    def clear_cache(self) -> None:
        """There is none."""


def build(input_shape: tuple[int, int, int], classes: int, way: str) -> object:
    """A linear model, after or with the misbehaviour."""
    import keras
    from keras import layers

    if way in MISBEHAVIOUR:
        MISBEHAVIOUR[way]()
    inputs = keras.Input(input_shape)
    x = layers.Flatten()(inputs)
    if way == "raises_in_first_call":
        x = raising_at(1)(x)
    if way == "raises_in_hundredth_call":
        x = raising_at(100)(x)
    if way == "raises_in_300th_call":
        x = raising_at(300)(x)
    return keras.Model(inputs, layers.Dense(classes)(x))


def raising_at(call: int) -> object:
    """A layer that passes on what it is given, until that call."""
    import keras

    class Raising(keras.layers.Layer):
        calls = 0

        def call(self, x: object) -> object:
            self.calls += 1
            if self.calls == call:
                raise ValueError(f"call {call} fails")
            return x

        def compute_output_spec(self, x: object) -> object:  # without a call
            return keras.KerasTensor(x.shape, x.dtype)

    return Raising()


def hang() -> None:
    while True:
        time.sleep(60)


def segfault() -> None:
    import ctypes

    ctypes.string_at(0)


def allocate() -> None:
    kept = []
    while True:
        kept.append(bytearray(64 * 2**20))


def print_and_fork() -> None:
    for _ in range(4000):
        print("x" * 1000)
        print("y" * 1000, file=sys.stderr)
    subprocess.Popen(["sleep", "987"])
    subprocess.Popen(["sleep", "987"], start_new_session=True)


MISBEHAVIOUR = {
    "hangs": hang,
    "exits": lambda: os._exit(0),
    "segfaults": segfault,
    "allocates": allocate,
    "prints_and_forks": print_and_fork,
    "raises_in_build": lambda: 1 / 0,
}
