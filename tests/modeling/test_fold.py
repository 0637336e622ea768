"""Folded batch normalisations: every model of the zoo computes the same without them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from support import WITH_KERAS_ALONE, printed

pytestmark = pytest.mark.real

TOLERANCE = 1e-4  # standard deviations of the logits
NORMALISATIONS = {
    "toy_resnet": 0,
    "plain_cnn": 0,
    "resnet8": 7,
    "resnet20": 19,
    "plain20": 19,
    "mobilenet_v3_small_32": 34,
}

# Layers that a normalisation can be folded into, by its options; then what has to stay as it is.
FEEDING = (
    "layers.Conv2D(6, 3, use_bias={bias})",
    "layers.Conv2D(6, 3, strides=2, padding='same', groups=2, use_bias={bias})",
    "layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias={bias})",
    "layers.Dense(5, use_bias={bias})",
)
FOLDED = [
    f"layers.Flatten()(layers.BatchNormalization(center={center}, scale={scale}, epsilon=0.1)("
    f"{feeding.format(bias=bias)}(x)))"
    for feeding, bias, (center, scale) in itertools.product(
        FEEDING, (True, False), ((True, True), (True, False), (False, True), (False, False))
    )
] + [
    "(lambda c, b: layers.Flatten()(b(c(b(c(x))))))(layers.Conv2D(4, 3), layers.BatchNormalization())",
]
NOT_FOLDED = [
    "layers.Flatten()(layers.BatchNormalization()(x))",
    "layers.Flatten()(layers.BatchNormalization()(layers.Conv2D(6, 3, activation='relu')(x)))",
    "layers.Flatten()(layers.BatchNormalization(axis=1)(layers.Conv2D(6, 3)(x)))",
    "layers.Flatten()(layers.BatchNormalization()(layers.MaxPooling2D()(x)))",
    "(lambda c: layers.Flatten()(layers.Add()([c, layers.BatchNormalization()(c)])))(layers.Conv2D(6, 3)(x))",
    "layers.Flatten()(keras.ops.relu(layers.BatchNormalization()(layers.Add()([x, x]))))",
    "layers.Flatten()(ConvNorm()(x))",
]
# Models within models and layers within layers: how many normalisations are left, and that all is of one type.
WITHIN = {
    "layers.Flatten()(nested(lambda x: layers.BatchNormalization()(layers.Conv2D(4, 3)(x)))(x))": 0,
    "layers.Flatten()(nested(nested(lambda x: layers.BatchNormalization()(layers.Conv2D(4, 3)(x))))(x))": 0,
    "layers.Flatten()((lambda m: m(m(x)))(nested(lambda x: layers.BatchNormalization()(layers.Conv2D(4, 3)(x)))))": 0,
    "layers.Flatten()(keras.Sequential([keras.Input((8, 8, 4)), layers.Conv2D(4, 3), layers.ReLU()])(x))": 0,
    "layers.Flatten()(layers.TimeDistributed(layers.Conv1D(4, 3))(x))": 0,
    "layers.Flatten()(layers.TimeDistributed(nested(layers.Conv1D(4, 3), (8, 4)))(x))": 0,
    "layers.Bidirectional(layers.LSTM(3))(layers.Reshape((8, 32))(x))": 0,
    "layers.RNN([layers.GRUCell(3), layers.LSTMCell(2)])(layers.Reshape((8, 32))(x))": 0,
    "layers.Flatten()(layers.MultiHeadAttention(2, 3)(*2 * [layers.Reshape((64, 4))(x)]))": 0,
    "layers.Flatten()(layers.Lambda(lambda x: ops.relu(x))(x))": 0,
    "layers.Flatten()(ConvNorm()(x))": 1,
}
STUBBORN = "layers.Flatten()(Stubborn()(x))"
HOLDER = "layers.Flatten()(Holder(layers.Conv2D(4, 3))(x))"


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What folding.py prints, under the backend that has the least to compile."""
    return printed(
        "numpy",
        *WITH_KERAS_ALONE,
        Path(__file__).with_name("folding.py"),
        json.dumps([*FOLDED, *NOT_FOLDED, *WITHIN]),
        json.dumps([*WITHIN, STUBBORN, HOLDER]),
        *NORMALISATIONS,
    )


def test_every_model_of_the_zoo_computes_the_same_without_its_normalisations(found: dict[str, Any]) -> None:
    for name, count in NORMALISATIONS.items():
        difference, folded, left = found[name]
        assert difference < TOLERANCE, name
        assert (folded, left) == (count, 0), name


def test_every_layer_that_takes_a_normalisation_takes_all_its_kinds(found: dict[str, Any]) -> None:
    for expression in FOLDED:
        difference, folded, left = found[expression]
        assert difference < TOLERANCE, expression
        assert (folded, left) == (1, 0), expression


def test_what_cannot_be_folded_is_left_alone(found: dict[str, Any]) -> None:
    for expression in NOT_FOLDED:
        difference, folded, left = found[expression]
        assert difference < TOLERANCE, expression
        assert (folded, left) == (0, 1), expression


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_weights_and_activations_are_cast(found: dict[str, Any], precision: str) -> None:
    assert found[precision] == [precision]


@pytest.mark.parametrize("expression", WITHIN)
def test_models_and_layers_within_others_are_rewritten_too(found: dict[str, Any], expression: str) -> None:
    difference, _, left = found[expression]
    assert difference < TOLERANCE
    assert left == WITHIN[expression]
    assert found["types"][expression] in (["bfloat16"], ["bfloat16", "uint32"])  # of a generator's state


def test_a_layer_that_a_type_does_not_reach_is_named(found: dict[str, Any]) -> None:
    (error,) = found["types"][STUBBORN]
    assert "its layer stubborn_conv (Conv2D) stays in float32" in error


def test_a_layer_that_cannot_be_made_again_in_a_type_is_named(found: dict[str, Any]) -> None:
    (error,) = found["types"][HOLDER]
    assert "in bfloat16: its layer holder (Holder) can't be made again in that type; give its class" in error
