"""Top-5, negative log-likelihood and calibration error from logits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.benchmarking.quality import PerImage, calibration_error, joined, per_image, quality


def drawn(images: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]  # any array
    random = np.random.default_rng(seed)
    return random.normal(0, 3, (images, classes)), random.integers(0, classes, images)


def test_what_is_kept_of_each_image() -> None:
    found = per_image(np.log([[0.7, 0.2, 0.1], [0.2, 0.3, 0.5]]), np.array([0, 1]))
    assert found.predicted.tolist() == [0, 2]
    assert found.confidence == pytest.approx([0.7, 0.5])
    assert found.loss == pytest.approx([-np.log(0.7), -np.log(0.3)])
    assert found.rank.tolist() == [0, 1]


@given(st.integers(1, 40), st.integers(2, 12), st.integers(0, 99), st.floats(-1e3, 1e3))
def test_adding_a_number_to_all_logits_changes_nothing(images: int, classes: int, seed: int, shift: float) -> None:
    logits, labels = drawn(images, classes, seed)
    before, after = per_image(logits, labels), per_image(logits + shift, labels)
    assert before.predicted.tolist() == after.predicted.tolist()
    assert after.loss == pytest.approx(before.loss, abs=1e-9)
    assert after.confidence == pytest.approx(before.confidence, abs=1e-9)


@given(st.integers(2, 60), st.integers(2, 12), st.integers(0, 99))
def test_the_order_of_the_classes_changes_nothing(images: int, classes: int, seed: int) -> None:
    logits, labels = drawn(images, classes, seed)
    order = np.random.default_rng(seed).permutation(classes)
    one = quality(per_image(logits, labels), labels, classes)
    renamed = quality(per_image(logits[:, order], np.argsort(order)[labels]), np.argsort(order)[labels], classes)
    assert one is not None
    assert renamed is not None
    assert renamed.negative_log_likelihood.value == pytest.approx(one.negative_log_likelihood.value)
    assert renamed.calibration_error.value == pytest.approx(one.calibration_error.value)
    assert (renamed.top5 is None) == (classes <= 5)
    assert renamed.top5 == one.top5


def test_parts_are_joined_in_order() -> None:
    logits, labels = drawn(20, 4)
    whole = per_image(logits, labels)
    parts = joined([per_image(logits[:7], labels[:7]), per_image(logits[7:], labels[7:])])
    for name in PerImage.__slots__:
        assert np.array_equal(getattr(whole, name), getattr(parts, name))


def test_the_five_best_of_ten() -> None:
    logits = np.tile(np.arange(10.0), (10, 1))
    labels = np.arange(10)
    found = quality(per_image(logits, labels), labels, 10)
    assert found is not None
    assert found.top5 is not None
    assert found.top5.value == 0.5


def test_equal_logits_are_not_calibrated_by_accident() -> None:
    logits, labels = np.zeros((1000, 10)), np.zeros(1000, int)  # a tenth sure, and always right
    found = quality(per_image(logits, labels), labels, 10)
    assert found is not None
    assert found.calibration_error.value == pytest.approx(0.9)
    assert found.negative_log_likelihood.value == pytest.approx(np.log(10))


@pytest.mark.parametrize("share", [0.15, 0.5, 0.95])
def test_the_interval_holds_a_true_calibration_error(share: float) -> None:
    covered = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        found = calibration_error(np.full(500, share), random.random(500) < share - 0.1)
        covered += found.low <= 0.1 <= found.high
        assert found.low <= found.value <= found.high
    assert covered >= 50  # of 60, for an interval of 95 %: fewer happen once in ten thousand


def test_a_logit_that_is_not_finite_has_no_quality() -> None:
    logits, labels = drawn(4, 3)
    logits[1, 2] = np.nan
    assert quality(per_image(logits, labels), labels, 3) is None
