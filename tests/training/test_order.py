"""The draws of an epoch, and the tuning split."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.training.order import draw, tuning_split

QUICK = settings(max_examples=60, deadline=None, database=None, derandomize=True)


@QUICK
@given(
    count=st.integers(1, 300),
    seed=st.integers(0, 2**32 - 1),
    epoch=st.integers(0, 1000),
    shift=st.integers(0, 8),
    flip=st.booleans(),
)
def test_an_epoch_sees_every_image_once_within_the_limits(
    count: int, seed: int, epoch: int, shift: int, flip: bool
) -> None:
    drawn = draw(count, seed=seed, epoch=epoch, shift_pixels=shift, flip=flip)
    assert sorted(drawn.index) == list(range(count))
    assert drawn.shift.shape == (count, 2)
    assert abs(drawn.shift).max() <= shift
    assert drawn.flip.shape == (count, 1)
    assert set(drawn.flip.ravel()) <= {0, int(flip)}

    again = draw(count, seed=seed, epoch=epoch, shift_pixels=shift, flip=flip)
    for name in ("index", "shift", "flip"):
        assert np.array_equal(getattr(drawn, name), getattr(again, name))


def test_epochs_and_seeds_differ() -> None:
    draws = [draw(1000, seed=s, epoch=e, shift_pixels=4, flip=True) for s, e in ((0, 0), (0, 1), (1, 0), (1, 1))]
    for name in ("index", "shift", "flip"):
        arrays = [getattr(d, name) for d in draws]
        assert not any(np.array_equal(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


def test_every_shift_is_as_likely_and_half_are_mirrored() -> None:
    drawn = draw(90_000, seed=0, epoch=0, shift_pixels=4, flip=True)
    for axis in (0, 1):
        counts = np.bincount(drawn.shift[:, axis] + 4)
        assert counts == pytest.approx(np.full(9, 10_000), rel=0.05)
    assert drawn.flip.mean() == pytest.approx(0.5, abs=0.01)


@QUICK
@given(st.lists(st.integers(0, 5), min_size=1, max_size=400))
def test_the_tuning_split_is_a_tenth_of_each_class_and_leaves_nothing_out(labels: list[int]) -> None:
    trained, scored = tuning_split(np.array(labels))
    assert sorted([*trained, *scored]) == list(range(len(labels)))
    for label in set(labels):
        members = labels.count(label)
        assert sum(labels[i] == label for i in scored) == round(0.1 * members)


def test_cifar10_is_tuned_on_45000_and_5000() -> None:
    labels = np.repeat(np.arange(10), 5000)
    trained, scored = tuning_split(labels)
    assert (len(trained), len(scored)) == (45_000, 5_000)
    assert np.array_equal(scored, tuning_split(labels)[1])
