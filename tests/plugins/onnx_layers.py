"""Build a model for each expression, convert it, and compare ONNX Runtime's output with Keras'. Prints JSON.

An expression makes a tensor of `x`, an input of 8×8×4.
"""

from __future__ import annotations

import json
import sys

import keras
import numpy as np
import onnxruntime
from keras import layers, ops
from zoo_onnxruntime.convert import convert

from zoo.errors import ModelError

BATCH = 2


@keras.saving.register_keras_serializable("tests")
class Inside(layers.Layer):
    """A layer of somebody's own: its `call` is all that is known of it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = layers.Conv2D(4, 3, padding="same")

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the variables."""
        self.inner.build(shape)
        self.offset = self.add_weight(shape=(4,), name="offset")

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Stride, pad, convolve, shift, and weigh each channel."""
        x = ops.pad(x[:, 1::2, ::2, :], [(0, 0), (1, 2), (0, 1), (0, 0)])
        x = ops.relu(self.inner(x) + self.offset) * 0.5
        return x * ops.sigmoid(ops.mean(x, axis=(1, 2), keepdims=True))


class Opaque(layers.Layer):
    """A layer that asks for values where it is given none."""

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Not to be traced."""
        return x * float(ops.convert_to_numpy(x).max())

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """As the input."""
        return shape


def check(expression: str, images: np.ndarray) -> float | str:
    """How far apart the two are, as a share of the largest value, or the error."""
    keras.utils.set_random_seed(0)
    x = keras.Input((8, 8, 4))
    model = keras.Model(x, eval(expression))
    draw = np.random.default_rng(0)
    for variable in model.weights:
        positive = "variance" in variable.path
        variable.assign(draw.uniform(0.5, 2, variable.shape) if positive else draw.normal(0, 0.4, variable.shape))
    try:
        content = convert(model, BATCH)
    except ModelError as error:
        return str(error)
    (found,) = onnxruntime.InferenceSession(content).run(None, {"images": images})
    expected = ops.convert_to_numpy(model(images, training=False))
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / np.abs(expected).max())


if __name__ == "__main__":
    batch = np.random.default_rng(1).normal(size=(BATCH, 8, 8, 4)).astype(np.float32)
    print(json.dumps([check(expression, batch) for expression in json.loads(sys.argv[1])]))
