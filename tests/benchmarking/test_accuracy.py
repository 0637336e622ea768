"""Accuracy and its interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, norm

from zoo.benchmarking.accuracy import Z_95, accuracy, mcnemar_p, paired_difference, wilson_interval

QUICK = settings(max_examples=150, deadline=None, database=None, derandomize=True)

counts = st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@QUICK
@given(counts)
def test_the_interval_is_wilsons(counted: tuple[int, ...]) -> None:
    successes, trials = counted
    expected = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, trials) == pytest.approx((expected.low, expected.high), abs=1e-12)


@QUICK
@given(counts, st.floats(0.1, 5))
def test_each_limit_is_as_far_from_the_share_as_the_limits_own_deviation(counted: tuple[int, ...], z: float) -> None:
    """Wilson's definition: |p - limit| = z √(limit (1 - limit) / n)."""
    successes, trials = counted
    share = successes / trials
    for limit in wilson_interval(successes, trials, z):
        assert (share - limit) ** 2 == pytest.approx(z**2 * limit * (1 - limit) / trials, abs=1e-12)


@QUICK
@given(counts)
def test_the_interval_holds_the_share_and_stays_within_nothing_and_all(counted: tuple[int, ...]) -> None:
    successes, trials = counted
    low, high = wilson_interval(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1
    assert low < high


@QUICK
@given(counts)
def test_failures_have_the_mirrored_interval(counted: tuple[int, ...]) -> None:
    successes, trials = counted
    low, high = wilson_interval(successes, trials)
    assert wilson_interval(trials - successes, trials) == pytest.approx((1 - high, 1 - low), abs=1e-12)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (1, 0), (-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="successes in"):
        wilson_interval(successes, trials)


def test_the_normal_quantile_is_right() -> None:
    assert pytest.approx(norm.ppf(0.975), rel=1e-15) == Z_95


@pytest.mark.parametrize(
    ("correct", "low", "high"),
    [(0, 0.0, 0.006362), (300, 0.460120, 0.539880), (600, 0.993638, 1.0)],
)
def test_the_accuracy_says_what_it_rests_on(correct: int, low: float, high: float) -> None:
    measure = accuracy(correct, 600)
    assert measure.images == 600
    assert (measure.value, measure.low, measure.high) == pytest.approx((correct / 600, low, high), abs=1e-6)


tables_of_two = st.integers(1, 20_000).flatmap(
    lambda n: st.tuples(st.integers(0, n), st.integers(0, n), st.just(n)).filter(lambda t: t[0] + t[1] <= n)
)


@QUICK
@given(tables_of_two)
def test_the_difference_of_two_is_that_of_their_accuracies_and_lies_in_its_interval(counted: tuple[int, ...]) -> None:
    only_a, only_b, images = counted
    value, low, high = paired_difference(only_a, only_b, images)
    assert value == pytest.approx(only_b / images - only_a / images, abs=1e-12)
    assert -1 <= low <= value <= high <= 1


@QUICK
@given(tables_of_two)
def test_the_difference_the_other_way_round_has_the_mirrored_interval(counted: tuple[int, ...]) -> None:
    only_a, only_b, images = counted
    value, low, high = paired_difference(only_a, only_b, images)
    assert paired_difference(only_b, only_a, images) == pytest.approx((-value, -high, -low), abs=1e-12)


def test_the_interval_of_a_difference_covers_the_true_one() -> None:
    random = np.random.default_rng(0)
    cells = random.multinomial(600, [0.03, 0.05, 0.92], size=2000)
    intervals = [paired_difference(only_a, only_b, 600) for only_a, only_b, _ in cells.tolist()]
    covered = sum(low <= 0.02 <= high for _, low, high in intervals)
    assert covered >= binom.ppf(1e-3, 2000, 0.95)


@QUICK
@given(st.integers(0, 300), st.integers(0, 300))
def test_the_chance_of_equally_good_models_is_the_exact_one(only_a: int, only_b: int) -> None:
    if only_a + only_b == 0:
        assert mcnemar_p(0, 0) == 1
    else:
        expected = binomtest(only_a, only_a + only_b, 0.5).pvalue
        assert mcnemar_p(only_a, only_b) == pytest.approx(expected, rel=1e-9)


def test_the_chance_of_a_large_table_neither_overflows_nor_fails() -> None:
    assert mcnemar_p(1_000, 1_000) == 1
    assert 0 <= mcnemar_p(0, 5_000) < 1e-300
