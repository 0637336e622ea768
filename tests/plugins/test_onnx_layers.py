"""The ONNX converter, layer by layer: what ONNX Runtime computes is what Keras computes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

pytest.importorskip("zoo_onnxruntime", reason="the plugin zoo-onnxruntime is not installed")

BATCH_NORM = "layers.BatchNormalization(axis=-1{})"
SAME = (
    "layers.Conv2D(6, 3)(x)",
    "layers.Conv2D(6, 3, strides=2, padding='same', activation='relu')(x)",
    "layers.Conv2D(6, (2, 5), strides=(1, 3), padding='same', use_bias=False)(x)",
    "layers.Conv2D(6, 3, dilation_rate=2, padding='same', activation='silu')(x)",
    "layers.Conv2D(6, 3, groups=2, activation='gelu')(x)",
    "layers.DepthwiseConv2D(3, depth_multiplier=2, strides=2, padding='same', activation='relu6')(x)",
    "layers.SeparableConv2D(5, 3, padding='same', activation='elu')(x)",
    "layers.Dense(7, activation='softmax')(layers.Flatten()(x))",
    "layers.Dense(7, activation='tanh')(x)",
    "layers.Dense(3, use_bias=False)(layers.GlobalMaxPooling2D()(x))",
    f"{BATCH_NORM.format('')}(x)",
    f"{BATCH_NORM.format(', scale=False, center=False, epsilon=0.1')}(layers.Conv2D(6, 3)(x))",
    "layers.BatchNormalization()(layers.Flatten()(x))",
    "layers.Rescaling([1.0, 2.0, 3.0, 4.0], offset=-1.0)(x)",
    "layers.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[1.0, 2.0, 3.0, 4.0])(x)",
    "layers.MaxPooling2D(3)(x)",
    "layers.MaxPooling2D(3, strides=2, padding='same')(x)",
    "layers.AveragePooling2D(3, strides=2, padding='same')(x)",
    "layers.AveragePooling2D((2, 3))(x)",
    "layers.GlobalAveragePooling2D()(x)",
    "layers.GlobalAveragePooling2D(keepdims=True)(x)",
    "layers.Flatten()(layers.Conv2D(3, 3)(x))",
    "layers.Reshape((4, 16, 4))(x)",
    "layers.Reshape((16, 16))(x)",
    "layers.Conv2D(2, 3)(layers.Reshape((4, 4, 16))(layers.Flatten()(x)))",
    "layers.ZeroPadding2D(((1, 2), (3, 0)))(x)",
    "layers.Cropping2D(((1, 2), (3, 0)))(x)",
    "layers.Add()([x, layers.Conv2D(4, 3, padding='same')(x), x])",
    "layers.Subtract()([x, layers.ReLU()(x)])",
    "layers.Multiply()([x, layers.Reshape((1, 1, 4))(layers.GlobalAveragePooling2D()(x))])",
    "layers.Maximum()([x, -1.0 * x])",
    "layers.Average()([x, layers.ReLU()(x)])",
    "layers.Concatenate()([x, layers.Conv2D(2, 1)(x)])",
    "layers.Concatenate(axis=1)([x, x])",
    "layers.ReLU(max_value=0.5)(x)",
    "layers.ReLU(negative_slope=0.1)(x)",
    "layers.LeakyReLU()(x)",
    "layers.Activation('hard_silu')(layers.Activation('hard_sigmoid')(x))",
    "layers.Softmax()(x)",
    "layers.Softmax(axis=1)(x)",
    "layers.Identity()(layers.SpatialDropout2D(0.5)(layers.Dropout(0.5)(x)))",
    "(lambda shared: shared(shared(x)))(layers.Conv2D(4, 3, padding='same'))",
    "keras.Sequential([keras.Input((8, 8, 4)), layers.Conv2D(2, 1), layers.ReLU()])(x)",
    "ops.relu(x) + 2 * x - 0.5",
    "Inside()(x)",
)
REFUSED = {
    "layers.Conv2DTranspose(3, 2, name='up')(x)": "no ONNX for up (Conv2DTranspose)",
    "layers.Conv2D(3, 3, activation=lambda x: x + 1, name='odd')(x)": (
        "no ONNX for odd (Conv2D) with the activation '<lambda>'"
    ),
    "layers.BatchNormalization(axis=1, name='bn')(x)": "no ONNX for bn (BatchNormalization) over another axis",
    "Opaque(name='own')(x)": "no ONNX for own (Opaque) whose inside can't be traced",
}


@pytest.fixture(scope="module")
def found() -> dict[str, float | str]:
    """What became of each expression, in one process."""
    expressions = [*SAME, *REFUSED]
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("onnx_layers.py"), json.dumps(expressions)],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(expressions, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("expression", SAME)
def test_a_layer_computes_the_same(found: dict[str, float | str], expression: str) -> None:
    assert found[expression] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("expression", REFUSED)
def test_what_has_no_onnx_is_named(found: dict[str, float | str], expression: str) -> None:
    line = found[expression]
    assert isinstance(line, str)
    assert REFUSED[expression] in line
    assert "\n" not in line
