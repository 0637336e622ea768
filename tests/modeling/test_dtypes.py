"""In which type every layer computes: of layers that only look like Keras'."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from zoo.errors import ModelError
from zoo.modeling.dtypes import check_all, check_own


class InputLayer(SimpleNamespace):
    """Of another type than the rest, which is right."""


def layer(name: str, computes: str = "float32", policy: str | None = None, weights: str = "", **more: Any) -> Any:
    """A layer as Keras has it, as far as that is looked at."""
    return SimpleNamespace(
        name=name,
        compute_dtype=computes,
        dtype_policy=SimpleNamespace(name=policy or computes, **more),
        weights=[SimpleNamespace(dtype=weights or computes)],
    )


def model(*layers: Any) -> Any:
    """A model of these layers."""
    images = InputLayer(name="image", compute_dtype="uint8", dtype_policy=SimpleNamespace(name="uint8"), weights=[])
    return SimpleNamespace(name="net", _flatten_layers=lambda include_self: [images, *layers])


def test_a_model_in_the_type_that_was_asked_for_is_accepted() -> None:
    check_all(model(layer("a", "bfloat16"), layer("ids", "int64")), "bfloat16")
    check_own(model(layer("a"), layer("ids", "int64")), {"float32"})


@pytest.mark.parametrize("other", ["float32", "float16"])
def test_a_layer_that_stays_in_another_type_is_named(other: str) -> None:
    with pytest.raises(ModelError, match=rf"^net can't be measured in bfloat16: its layer b \(.*\) stays in {other};"):
        check_all(model(layer("a", "bfloat16"), layer("b", other)), "bfloat16")


def test_a_layer_whose_weights_stay_in_another_type_is_named() -> None:
    with pytest.raises(ModelError, match=r"its layer b \(.*\) stays in float32"):
        check_all(model(layer("b", "bfloat16", weights="float32")), "bfloat16")


def test_the_innermost_layer_is_named_where_another_holds_it() -> None:
    outer, inner = layer("outer", "bfloat16", weights="float32"), layer("inner", "float32")
    with pytest.raises(ModelError, match="its layer inner "):
        check_all(model(outer, inner), "bfloat16")


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float16", "float64"])
def test_a_policy_of_the_models_own_is_refused_in_those_words(policy: str) -> None:
    computes = policy.removeprefix("mixed_")
    with pytest.raises(
        ModelError, match=rf"^net has a dtype policy of its own \({policy} in the layer b\), which is not"
    ):
        check_own(model(layer("a"), layer("b", computes, policy)), {"float32"})


def test_a_quantised_layer_is_refused() -> None:
    with pytest.raises(ModelError, match="dtype policy of its own"):
        check_own(model(layer("a", quantization_mode="int8")), {"float32"})


def test_the_policy_under_which_it_was_built_is_not_its_own() -> None:
    mixed = layer("a", "bfloat16", "mixed_bfloat16", weights="float32")
    check_own(model(mixed, layer("b")), {"float32", "mixed_bfloat16"})


def test_weights_in_another_float_are_refused_and_whole_numbers_are_not() -> None:
    check_own(model(layer("a", weights="int32"), layer("b", weights="bool")), {"float32"})
    with pytest.raises(ModelError, match=r"^net keeps weights of the layer b in float64, which is not supported"):
        check_own(model(layer("a"), layer("b", weights="float64")), {"float32"})
