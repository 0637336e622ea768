"""What the models are built by."""

from __future__ import annotations

import os
from typing import Any

import keras
import numpy as np
from keras import layers, ops

SHARED: list[Any] = []


def build(input_shape: tuple[int, int, int], classes: int, fault: str) -> Any:
    """A linear model with a fault."""
    backend = keras.backend.backend()
    if fault == "build-fails":
        raise RuntimeError("\x1b[31mcan't be built")
    if fault == "build-fails.dies":
        os._exit(3)
    if fault == "build-fails.backend" and backend == "torch":
        raise RuntimeError("not on this backend")
    if fault == "build-fails.layer":
        return layers.Dense(classes, name="logits")
    if fault == "changes-keras":
        keras.config.set_epsilon(1e-5)

    inputs = keras.Input((8, 8, 1) if fault != "wrong-input" else (4, 16, 1), name="image")
    x = layers.Flatten(name="flatten")(inputs)
    options: dict[str, Any] = {"name": "logits"}
    if fault == "fine":
        x = fine(x)
    if fault == "not-finite":
        x = Scale(float("inf"), name="scale")(x)
    if fault == "does-not-learn":
        options["trainable"] = False
    if fault == "unseeded":
        options["kernel_initializer"] = keras.initializers.Constant(np.random.default_rng().normal(size=(64, classes)))
    if fault == "fixed-seed":
        options["kernel_initializer"] = keras.initializers.GlorotUniform(seed=1)
    if fault == "unstable-names":
        options = {}
    if fault == "unstable-names.backend":
        options["name"] = f"logits_{backend}"
    if fault == "mutable-state.grows":
        SHARED.append(fault)
        for number in range(SHARED.count(fault)):
            x = layers.Dense(64, name=f"dense{number}")(x)
    if fault == "random-logits":
        x = Noise(name="noise")(x)
    if fault == "batch-size":
        x = InEights(name="eights")(x)
    if fault == "batch-size.normalised":
        x = OverBatch(name="over_batch")(x)
    if fault == "weights-change-logits":
        x = Scale(float(np.random.uniform(1, 2)), name="scale")(x)
    if fault == "backends-disagree":
        x = Scale(2.0 if backend == "torch" else 1.0, name="scale")(x)
    if fault == "wrong-classes":
        classes = 3
    if fault == "own-types":
        options["dtype"] = "mixed_bfloat16"

    if fault == "weights-change-logits.paths":
        outputs: Any = SamePaths(classes, name="logits")(x)
    elif fault == "mutable-state":
        outputs = shared(classes)(x)
    else:
        outputs = layers.Dense(classes, **options)(x)
    if fault == "does-not-learn.stops":
        outputs = Stop(name="stop")(outputs)
    if fault == "not-logits":
        outputs = Softmax(name="softmax")(outputs)
    return (OwnStep if fault == "own-training" else keras.Model)(inputs, outputs, name="faulty")


def fine(x: Any) -> Any:
    """What is right and could be taken for wrong: dropout, batch normalisation, a model in the model."""
    x = layers.BatchNormalization(center=False, name="normalise")(x)
    x = layers.Dropout(0.5, name="dropout")(x)
    inner = keras.Input((64,), name="inner_input")
    return keras.Model(inner, layers.Activation("relu", name="inner_relu")(inner), name="inner")(x)


def shared(classes: int) -> Any:
    """A layer that all models with as many classes have in common."""
    for layer in SHARED:
        if getattr(layer, "units", None) == classes:
            return layer
    SHARED.append(layers.Dense(classes, name="logits"))
    return SHARED[-1]


class OwnStep(keras.Model):
    """A model that says how it is trained."""

    def train_step(self, *_: Any) -> Any:
        raise RuntimeError("nobody calls it")


class Same(layers.Layer):
    """A layer that leaves the shape as it is."""

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


class Scale(Same):
    """A number that is no weight."""

    def __init__(self, scale: float, **options: Any) -> None:
        super().__init__(**options)
        self.scale = scale

    def call(self, x: Any) -> Any:
        return x * self.scale


class Noise(Same):
    """Noise at inference."""

    def call(self, x: Any) -> Any:
        return x + keras.random.normal((64,), seed=keras.random.SeedGenerator(int(np.random.randint(2**31))))


class InEights(Same):
    """Only for batches of eight."""

    def compute_output_spec(self, x: Any) -> Any:
        return keras.KerasTensor(x.shape, x.dtype)

    def call(self, x: Any) -> Any:
        return ops.reshape(x, (8, 64))


class OverBatch(Same):
    """Each image less the mean of its batch."""

    def call(self, x: Any) -> Any:
        return x - 0.5 * ops.mean(x, axis=0, keepdims=True)


class Stop(Same):
    """No gradient comes through."""

    def call(self, x: Any) -> Any:
        return ops.stop_gradient(x)


class Softmax(Same):
    """Probabilities, by code that can't be seen into."""

    def call(self, x: Any) -> Any:
        return ops.softmax(x)


class SamePaths(layers.Layer):
    """Two layers of one name."""

    def __init__(self, classes: int, **options: Any) -> None:
        super().__init__(**options)
        self.parts = [layers.Dense(classes, name="part"), layers.Dense(classes, name="part")]

    def build(self, input_shape: Any) -> None:
        for part in self.parts:
            part.build(input_shape)

    def call(self, x: Any) -> Any:
        return self.parts[0](x) + self.parts[1](x)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.parts[0].units)
