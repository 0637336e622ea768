"""The graph that the runtime `torch` runs: the same network, without copies, its biases in its convolutions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support import WITH_KERAS_ALONE, printed

pytestmark = pytest.mark.real

LEAN = [
    "layers.Conv2D(6, 3, activation='relu')(layers.Conv2D(6, 3, padding='same', activation='relu')(x))",
    "layers.MaxPooling2D()(layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(6, 3, use_bias=False)(x))))",
    "(lambda y: layers.ReLU()(layers.Add()([layers.Conv2D(6, 3, padding='same')(y), y])))(layers.Conv2D(6, 1)(x))",
    "layers.Conv2D(8, 3, strides=2, padding='same', groups=2)(layers.DepthwiseConv2D(3, activation='silu')(x))",
]
# What a pass that is too eager would spoil: what is read twice, the images themselves, an addition that is no bias.
OTHERS = [
    "(lambda y: layers.Add()([layers.ReLU()(y), y]))(layers.Conv2D(6, 3)(x))",
    "layers.Add()([layers.ReLU()(x), x])",
    "(lambda y: layers.Add()([layers.Conv2D(6, 3, use_bias=False)(y), layers.Conv2D(6, 3)(y)]))(x)",
    "layers.Conv2D(8, 3, use_bias=False)(x) + ops.reshape(ops.arange(6, dtype='float32'), (1, 1, 6, 1))",
    "layers.Conv2D(6, 3, use_bias=False)(x) + 0.5",
    "layers.Permute((2, 1, 3))(layers.ReLU()(layers.Permute((2, 1, 3))(layers.Conv2D(4, 3)(x))))",
    "layers.Add()([layers.Permute((2, 1, 3))(x), x])",
    "layers.Reshape((4, 4, 16))(layers.Conv2D(4, 1)(x))",
    "layers.Conv2D(6, 3, use_bias=False)(x) + ops.arange(6, dtype='int32')",
    # Two convolutions share a bias, a third has another.
    "(lambda c, d, f: f(f(f(x) + c) + c) + d)(ops.arange(4, dtype='float32'), ops.ones(4), "
    "lambda y: layers.Conv2D(4, 3, padding='same', use_bias=False)(y))",
    "layers.BatchNormalization()(layers.Concatenate()([x, layers.Conv2D(4, 3, padding='same')(x)]))",
]


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What torch_graphs.py prints of all of them."""
    script = Path(__file__).with_name("torch_graphs.py")
    return printed("torch", *WITH_KERAS_ALONE, script, json.dumps([*LEAN, *OTHERS]))


@pytest.mark.parametrize("network", [*LEAN, *OTHERS])
def test_it_computes_the_same_again_and_again_and_leaves_the_images_alone(found: dict[str, Any], network: str) -> None:
    graph = found["networks"][network]
    assert graph["difference"] < 1e-5
    assert graph["again"]
    assert graph["kept"]


@pytest.mark.parametrize("network", LEAN)
def test_nothing_is_copied_and_no_bias_is_added_apart(found: dict[str, Any], network: str) -> None:
    operations = found["networks"][network]["operations"]
    assert "clone" not in operations
    assert operations.get("add", 0) == network.count("layers.Add()")
    assert "relu" not in operations  # each overwrites what a convolution or an addition has made


def test_permutations_there_and_back_are_left_out(found: dict[str, Any]) -> None:
    assert found["networks"][LEAN[0]]["operations"]["permute"] == 2  # of the images, and before the pooling


def test_tracing_takes_no_memory_for_activations(found: dict[str, Any]) -> None:
    assert found["tracing_took"] < 0.2
