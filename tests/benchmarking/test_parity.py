"""Logits against a reference: what is the same up to rounding is accepted, and nothing else is."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.benchmarking.parity import TOLERANCES, compare, differs, spread

QUICK = settings(max_examples=60, deadline=None, database=None, derandomize=True)

Array = np.ndarray[Any, Any]


def cut_off(logits: Array) -> Array:
    """All but ten bits of the mantissa gone, as a tensor core reads float32."""
    return (logits.view(np.uint32) & 0xFFFFE000).view(np.float32)


ROUNDED: dict[str, Callable[[Array], Array]] = {
    "float16": lambda logits: logits.astype(np.float16).astype(np.float32),
    "bfloat16": lambda logits: logits.astype(ml_dtypes.bfloat16).astype(np.float32),
    "tf32": cut_off,
}


def make(seed: int, images: int = 64, classes: int = 10, size: float = 5.0, offset: float = 0.0) -> Array:
    """Logits as a model might give them: one class of each image stands out."""
    random = np.random.default_rng(seed)
    logits = random.normal(offset, size, (images, classes))
    logits[np.arange(images), random.integers(0, classes, images)] += 3 * size
    return logits.astype(np.float32)


logits = st.builds(
    make,
    st.integers(0, 10**6),
    st.integers(16, 300),
    st.integers(2, 30),
    st.floats(1e-3, 1e3),
    st.floats(-100, 100),
)


@QUICK
@given(logits, st.sampled_from(sorted(TOLERANCES)))
def test_the_same_logits_are_accepted(reference: Array, precision: str) -> None:
    record = compare(reference.copy(), reference, precision)
    assert record.accepted
    assert record.reason is None
    assert (record.max_difference, record.mean_difference, record.equal_top1) == (0, 0, 1)
    assert record.slope == pytest.approx(1)


@QUICK
@given(logits)
def test_logits_as_another_order_of_additions_gives_them_are_accepted(reference: Array) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, reference.shape) * 1e-5 * spread(reference)
    assert compare((reference + noise).astype(np.float32), reference, "float32").accepted


@pytest.mark.parametrize("precision", ROUNDED)
def test_rounding_is_accepted_in_its_own_precision_and_not_as_float32(precision: str) -> None:
    reference = make(0)
    rounded = ROUNDED[precision](reference)
    assert compare(rounded, reference, precision).accepted
    assert not compare(rounded, reference, "float32").accepted


@QUICK
@given(logits, st.sampled_from([0.99, 0.999, 1.001, 1.01, 1.1, -1.0, 0.0]))
def test_scaled_logits_are_refused_in_float32(reference: Array, factor: float) -> None:
    assert not compare(reference * np.float32(factor), reference, "float32").accepted


@QUICK
@given(logits, st.data())
def test_two_classes_that_are_swapped_are_refused_in_every_precision(reference: Array, data: st.DataObject) -> None:
    one = data.draw(st.integers(0, reference.shape[1] - 1))
    other = data.draw(st.integers(0, reference.shape[1] - 1).filter(lambda i: i != one))
    swapped = reference.copy()
    swapped[:, [one, other]] = swapped[:, [other, one]]
    for precision in TOLERANCES:
        assert not compare(swapped, reference, precision).accepted, precision


@QUICK
@given(logits, st.integers(1, 15))
def test_right_answers_for_the_wrong_images_are_refused_in_every_precision(reference: Array, shift: int) -> None:
    for precision in TOLERANCES:
        assert not compare(np.roll(reference, shift, axis=0), reference, precision).accepted, precision


@QUICK
@given(logits, st.sampled_from([np.nan, np.inf, -np.inf]), st.sampled_from(sorted(TOLERANCES)))
def test_one_logit_that_is_not_finite_is_refused(reference: Array, value: float, precision: str) -> None:
    given = reference.copy()
    given[len(given) // 2, 0] = value
    record = compare(given, reference, precision)
    assert not record.accepted
    assert record.reason == "its logits are not finite"
    json.dumps(record.to_json(), allow_nan=False)


@QUICK
@given(logits, st.sampled_from(sorted(TOLERANCES)))
def test_one_logit_that_is_far_off_is_refused(reference: Array, precision: str) -> None:
    given = reference.astype(np.float64)
    given[-1, -1] += 1.1 * TOLERANCES[precision].max_difference * spread(reference)
    assert not compare(given, reference, precision).accepted
    assert differs(given[-1:], reference[-1:], spread(reference), precision)
    assert differs(given[:1], reference[:1], spread(reference), precision) is None


@pytest.mark.parametrize("shape", [(64,), (64, 9), (63, 10), (64, 10, 1)])
def test_logits_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    record = compare(np.zeros(shape, np.float32), make(0), "float32")
    assert not record.accepted
    assert "shape" in record.reason


def test_differences_are_in_standard_deviations_of_the_reference() -> None:
    reference = make(3)
    given = reference.copy()
    given[0, 0] += 0.5
    record = compare(given, reference, "float32")
    assert record.max_difference == pytest.approx(0.5 / reference.std(), rel=1e-4)
    assert record.mean_difference == pytest.approx(0.5 / reference.std() / reference.size, rel=1e-4)


@QUICK
@given(logits, st.floats(1e-3, 1e3))
def test_a_models_scale_does_not_matter(reference: Array, factor: float) -> None:
    given = reference + np.random.default_rng(1).normal(0, 0.01, reference.shape) * spread(reference)
    one = compare(given, reference, "bfloat16")
    other = compare(given * factor, reference.astype(np.float64) * factor, "bfloat16")
    assert other.max_difference == pytest.approx(one.max_difference, rel=1e-3)
    assert other.accepted == one.accepted


def test_a_model_that_answers_the_same_to_everything_can_be_compared() -> None:
    reference = np.full((8, 10), 0.25, np.float32)
    assert compare(reference.copy(), reference, "float32").accepted
    assert not compare(reference + 1, reference, "float32").accepted
    assert not math.isnan(compare(reference, reference, "float32").slope)


def test_the_more_a_precision_rounds_the_more_is_accepted() -> None:
    ordered = [TOLERANCES[name] for name in ("float32", "float16", "tf32", "bfloat16", "int8")]
    for name in ("max_difference", "mean_difference", "slope"):
        limits = [getattr(tolerance, name) for tolerance in ordered]
        assert limits == sorted(limits)
        assert limits[0] < limits[1]
