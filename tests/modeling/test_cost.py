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
}


@pytest.fixture(scope="module")
def counts() -> dict[str, Any]:
    """What the zoo counts for each expression."""
    script = (
        "import json, sys, keras\n"
        "from keras import layers\n"
        "from zoo.modeling.cost import cost\n"
        "found = {}\n"
        "for expression in json.loads(sys.argv[1]):\n"
        "    x = keras.Input((8, 8, 4))\n"
        "    total = cost(keras.Model(x, eval(expression)))\n"
        "    found[expression] = [total.macs, total.not_counted]\n"
        "print(json.dumps(found))\n"
    )
    return printed("jax", "-c", script, json.dumps(list(BY_HAND)))


@pytest.mark.parametrize("expression", BY_HAND)
def test_macs_are_those_counted_by_hand(counts: dict[str, Any], expression: str) -> None:
    assert counts[expression][0] == BY_HAND[expression]


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
