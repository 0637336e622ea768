"""Initial weights under JAX are drawn by NumPy, from the distributions that Keras' initialisers name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support import printed

pytestmark = pytest.mark.real

INITIALISERS = (
    "GlorotUniform()",
    "GlorotNormal()",
    "HeNormal()",
    "RandomNormal(mean=1.0, stddev=0.5)",
    "RandomUniform(minval=-2.0, maxval=3.0)",
    "TruncatedNormal(mean=-1.0, stddev=0.1)",
    "Orthogonal()",
)

SCRIPT = """
import contextlib, json, sys
from zoo.keras_backend import import_keras
keras = import_keras()
import numpy as np
from zoo.modeling.initialise import quick_initialisers

def drawn(expression, shape=(300, 200)):
    return keras.ops.convert_to_numpy(eval(f"keras.initializers.{expression}")(shape, dtype="float32"))

def facts(values):
    return [float(f(values)) for f in (np.mean, np.std, np.min, np.max)]

found = {"moments": {}, "seeds": []}
for expression in json.loads(sys.argv[1]):
    keras.utils.set_random_seed(0)
    by_jax = facts(drawn(expression))
    with quick_initialisers():
        found["moments"][expression] = [by_jax, facts(drawn(expression))]
with quick_initialisers():
    for seed in (0, 0, 1):
        keras.utils.set_random_seed(seed)
        layers = [keras.layers.Dense(4), keras.layers.Dense(4)]
        [layer.build((None, 3)) for layer in layers]
        found["seeds"].append([keras.ops.convert_to_numpy(layer.kernel).ravel().tolist() for layer in layers])
    generator = keras.random.SeedGenerator(7)
    again = keras.initializers.RandomNormal(seed=generator)
    found["generator"] = [keras.ops.convert_to_numpy(again((3,))).tolist() for _ in range(2)]
    found["dtype"] = str(keras.initializers.RandomNormal()((2, 2), dtype="bfloat16").dtype)
found["restored"] = type(keras.src.initializers.random_initializers.random).__name__
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What the script prints under JAX."""
    return printed("jax", "-c", SCRIPT, json.dumps(INITIALISERS))


@pytest.mark.parametrize("expression", INITIALISERS)
def test_the_distribution_is_the_one_that_jax_draws_from(found: dict[str, Any], expression: str) -> None:
    (mean, deviation, least, most), ours = found["moments"][expression]
    assert ours[0] == pytest.approx(mean, abs=deviation / 30)  # of 60,000 values
    assert ours[1] == pytest.approx(deviation, rel=0.02)
    if "Orthogonal" not in expression and "RandomNormal" not in expression:  # these have bounds
        assert ours[2:] == pytest.approx([least, most], abs=deviation / 50)


def test_weights_follow_the_seed_and_differ_from_layer_to_layer(found: dict[str, Any]) -> None:
    first, again, other = found["seeds"]
    assert first == again
    assert first[0] != first[1]
    assert first[0] != other[0]
    one, two = found["generator"]
    assert one != two


def test_types_are_kept_and_keras_is_left_as_it_was(found: dict[str, Any]) -> None:
    assert found["dtype"] == "bfloat16"
    assert found["restored"] == "module"
