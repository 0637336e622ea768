"""MACs against an independent count, and layers the zoo's own models don't have."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import printed

pytestmark = pytest.mark.real

# Each expression builds a model from `x`, an input of 8×8×4; beside it the MACs counted by hand.
BY_HAND = {
    "layers.Conv2D(6, 3, groups=2)(x)": 6 * 6 * 6 * 2 * 9,
    "layers.Conv2D(6, 3, strides=2, padding='same', dilation_rate=1)(x)": 4 * 4 * 6 * 4 * 9,
    "layers.Conv2D(5, 3, padding='same', dilation_rate=2)(x)": 8 * 8 * 5 * 4 * 9,
    "layers.DepthwiseConv2D(3, depth_multiplier=2)(x)": 6 * 6 * 8 * 9,
    "layers.SeparableConv2D(5, 3)(x)": 6 * 6 * (4 * 9 + 4 * 5),
    "layers.SeparableConv2D(5, 3, strides=2, padding='same', depth_multiplier=2)(x)": 4 * 4 * (8 * 9 + 8 * 5),
    "layers.DepthwiseConv2D(5, strides=2)(layers.ZeroPadding2D(((1, 2), (1, 2)))(x))": 4 * 4 * 4 * 25,
    "layers.Multiply()([x, layers.Conv2D(4, 1)(layers.GlobalAveragePooling2D(keepdims=True)(x))])": 4 * 4,
    "layers.Concatenate()([x, layers.Conv2D(4, 1)(x)])": 8 * 8 * 4 * 4,
    "layers.Conv2DTranspose(3, 2, strides=2)(x)": 8 * 8 * 4 * 3 * 4,
    "layers.Dense(7)(x)": 8 * 8 * 4 * 7,
    "layers.Dense(7)(layers.Flatten()(x))": 256 * 7,
    "(lambda c: c(c(x)))(layers.Conv2D(4, 3, padding='same'))": 2 * 8 * 8 * 4 * 4 * 9,
    "keras.Sequential([keras.Input((8, 8, 4)), layers.Conv2D(2, 1)])(x)": 8 * 8 * 4 * 2,
    "layers.BatchNormalization()(x)": 0,
    # a model used as a layer counts at the sizes it is called on, not at those it was declared with
    "nested((None, None, 4), lambda x: layers.Conv2D(5, 3, padding='same', strides=2)(x))(x)": 4 * 4 * 5 * 4 * 9,
    "nested((None, None, 4), lambda x: nested((None, None, 4), layers.Conv2D(5, 3))(x))(x)": 6 * 6 * 5 * 4 * 9,
    "(lambda m: m(m(x)))(nested((None, None, 4), layers.Conv2D(4, 3)))": 4 * 4 * 9 * (6 * 6 + 4 * 4),
    "keras.Sequential([keras.Input((None, None, 4)), layers.Conv2D(2, 1)])(x)": 8 * 8 * 4 * 2,
    "layers.TimeDistributed(layers.Dense(7))(x)": 8 * 8 * 4 * 7,
    "layers.TimeDistributed(layers.Conv1D(7, 3))(x)": 8 * 6 * 4 * 7 * 3,
    "layers.TimeDistributed(nested((None, 4), layers.Conv1D(7, 3)))(x)": 8 * 6 * 4 * 7 * 3,
    "layers.LSTM(3)(layers.Reshape((8, 32))(x))": 8 * 4 * 3 * (32 + 3),
    "layers.GRU(3, return_sequences=True)(layers.Reshape((8, 32))(x))": 8 * 3 * 3 * (32 + 3),
    "layers.SimpleRNN(3)(layers.Reshape((8, 32))(x))": 8 * 3 * (32 + 3),
    "layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)])(layers.Reshape((8, 32))(x))": 8
    * (4 * 3 * (32 + 3) + 3 * 2 * (3 + 2)),
    "layers.Bidirectional(layers.LSTM(3))(layers.Reshape((8, 32))(x))": 2 * 8 * 4 * 3 * (32 + 3),
    "layers.ConvLSTM1D(3, 3, padding='same')(x)": 8 * 8 * 4 * 3 * 3 * (4 + 3),
    "layers.ConvLSTM1D(3, 3, return_sequences=True)(x)": 8 * 6 * 4 * 3 * 3 * (4 + 3),
    "layers.EinsumDense('abcd,de->abce', output_shape=(8, 8, 5))(x)": 8 * 8 * 4 * 5,
    "layers.EinsumDense('...d,de->...e', output_shape=5)(x)": 8 * 8 * 4 * 5,
    "layers.MultiHeadAttention(2, 3, value_dim=5)(*2 * [layers.Reshape((64, 4))(x)])": 64 * 4 * 2 * (3 + 3 + 5 + 5)
    + 64 * 64 * 2 * (3 + 5),
    "layers.GroupQueryAttention(3, 4, 2)(*2 * [layers.Reshape((64, 4))(x)])": 64 * 4 * 3 * (4 + 2 + 2 + 4)
    + 2 * 64 * 64 * 4 * 3,
    "layers.Attention()(2 * [layers.Reshape((64, 4))(x)])": 64 * 64 * (4 + 4),
    "layers.Dot(axes=2)(2 * [layers.Reshape((64, 4))(x)])": 64 * 64 * 4,
    "keras.ops.matmul(x, keras.ops.transpose(x, (0, 1, 3, 2)))": 8 * 8 * 8 * 4,
    "keras.ops.einsum('abcd,abce->ade', x, x)": 8 * 8 * 4 * 4,
    "layers.SpectralNormalization(layers.Conv2D(5, 3))(x)": 6 * 6 * 5 * 4 * 9,
    "Renamed(5, 3)(x)": 6 * 6 * 5 * 4 * 9,
}
# What may multiply in ways that can't be seen: what is left out, and what else is counted.
LEFT_OUT = {
    "Standardised(5, 3, name='ws')(layers.Conv2D(4, 1)(x))": (["ws"], 8 * 8 * 4 * 4),
    "Mine(name='mine')(x)": (["mine"], 0),
    "layers.Lambda(lambda x: x, name='mine')(x)": (["mine"], 0),
    "nested((None, None, 4), lambda x: Mine(name='b')(layers.Conv2D(4, 1)(x)), name='a')(x)": (["a/b"], 8 * 8 * 4 * 4),
    "layers.TimeDistributed(Mine(name='b'), name='a')(x)": (["a/b"], 0),
    "layers.RNN(Cell(), name='a')(layers.Reshape((8, 32))(x))": (["a"], 0),
    "keras.ops.dot(x, keras.ops.ones((4, 3)))": (["dot"], 0),
    "(lambda m: m(m(x)))(Mine(name='mine'))": (["mine"], 0),
    "Subclassed(name='model')(x)": (["model"], 0),
}
CLASSES = """
class Renamed(layers.Conv2D):
    def get_config(self):
        return super().get_config()
class Standardised(layers.Conv2D):
    def convolution_op(self, inputs, kernel):
        return super().convolution_op(inputs, kernel) + super().convolution_op(inputs, -kernel)
class Mine(layers.Layer):
    def call(self, x):
        return x
    def compute_output_shape(self, shape):
        return shape
class Cell(layers.Layer):
    state_size = output_size = 32
    def call(self, x, states):
        return x, states
class Subclassed(keras.Model):
    def call(self, x):
        return x
def nested(shape, layer, name=None):
    x = keras.Input(shape)
    return keras.Model(x, layer(x), name=name)
"""


@pytest.fixture(scope="module")
def counts() -> dict[str, Any]:
    """What the zoo counts for each expression, under the backend that has the least to compile."""
    script = (
        "import json, sys\n"
        "from zoo.keras_backend import import_keras\n"
        "keras = import_keras()\n"
        "from keras import layers\n"
        "from zoo.modeling.cost import cost\n"
        f"{CLASSES}\n"
        "found = {}\n"
        "for expression in json.loads(sys.argv[1]):\n"
        "    x = keras.Input((8, 8, 4))\n"
        "    total = cost(keras.Model(x, eval(expression)))\n"
        "    keras.backend.clear_session()\n"
        "    found[expression] = [total.macs, total.not_counted, total.macs_left_out]\n"
        "print(json.dumps(found))\n"
    )
    return printed("numpy", "-c", script, json.dumps([*BY_HAND, *LEFT_OUT]))


@pytest.mark.parametrize("expression", BY_HAND)
def test_macs_are_those_counted_by_hand(counts: dict[str, Any], expression: str) -> None:
    assert counts[expression][0] == BY_HAND[expression]
    assert counts[expression][2] == []


@pytest.mark.parametrize("expression", LEFT_OUT)
def test_what_may_multiply_unseen_is_left_out_by_name(counts: dict[str, Any], expression: str) -> None:
    macs, _, left_out = counts[expression]
    assert (left_out, macs) == LEFT_OUT[expression]


def test_what_is_not_counted_is_named(counts: dict[str, Any]) -> None:
    assert counts["layers.BatchNormalization()(x)"][1] == {"BatchNormalization": 1}
    squeezed = next(expression for expression in BY_HAND if "Multiply" in expression)
    assert counts[squeezed][1] == {"GlobalAveragePooling2D": 1, "Multiply": 1}


def test_moving_pixels_is_no_work(counts: dict[str, Any]) -> None:
    for layer in ("ZeroPadding2D", "Concatenate", "Flatten"):
        expression = next(expression for expression in BY_HAND if layer in expression)
        assert counts[expression][1] == {}, layer


def test_flops_agree_with_tensorflows_own_profiler_within_one_percent() -> None:
    script = Path(__file__).with_name("tensorflow_flops.py")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])
    assert len(counts) >= 10
    for name, count in counts.items():
        assert count["zoo"] == pytest.approx(count["profiler"], rel=0.01), name
