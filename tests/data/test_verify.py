"""Mean and deviation from counts, and digests taken batch by batch."""

from __future__ import annotations

import hashlib
import itertools
import math
import statistics
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.load import Digest
from zoo.data.verify import mean_and_deviation


@given(st.lists(st.integers(0, 50), min_size=2, max_size=6).filter(any))
def test_mean_and_deviation_are_those_of_the_levels(counts: list[int]) -> None:
    top = len(counts) - 1
    levels = [Fraction(level, top) for level, count in enumerate(counts) for _ in range(count)]
    mean, deviation = mean_and_deviation(counts)
    assert mean == pytest.approx(float(statistics.mean(levels)), rel=1e-15)
    assert deviation == pytest.approx(math.sqrt(statistics.pvariance(levels)), rel=1e-15, abs=1e-300)


def test_a_great_many_pixels_lose_no_digit() -> None:
    counts = [0] * 256
    counts[100] = counts[101] = 10**15
    assert mean_and_deviation(counts) == (100.5 / 255, 0.5 / 255)


@given(
    st.integers(1, 20).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n), max_size=4))),
    st.integers(0, 2**32),
)
def test_a_digest_does_not_depend_on_the_batches(cut: tuple[int, list[int]], seed: int) -> None:
    count, places = cut
    random = np.random.default_rng(seed)
    images, labels = random.integers(0, 256, (count, 2, 3, 1), np.uint8), random.integers(0, 9, count)
    digest = Digest(images.shape)
    edges = [0, *sorted(places), count]
    for start, stop in itertools.pairwise(edges):
        digest.add(images[start:stop], labels[start:stop])
    whole = hashlib.sha256(repr(images.shape).encode() + images.tobytes() + labels.tobytes())
    assert digest.hexdigest() == whole.hexdigest()


def test_a_digest_tells_pixels_labels_shape_and_order_apart() -> None:
    images, labels = np.arange(24, dtype=np.uint8).reshape(4, 2, 3, 1), np.arange(4)
    versions = [
        (images, labels),
        (images[::-1], labels[::-1]),
        (images, labels[::-1]),
        (images.reshape(4, 3, 2, 1), labels),
        (np.where(images == 5, 6, images).astype(np.uint8), labels),
    ]
    digests = set()
    for some, theirs in versions:
        digest = Digest(some.shape)
        digest.add(some, theirs)
        digests.add(digest.hexdigest())
    assert len(digests) == len(versions)
