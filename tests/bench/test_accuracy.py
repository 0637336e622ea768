"""Accuracy and its interval."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from zoo.bench.accuracy import Z_95, accuracy, wilson_interval

QUICK = settings(max_examples=150, deadline=None, database=None, derandomize=True)

counts = st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@QUICK
@given(counts)
def test_the_interval_is_wilsons(counted):
    successes, trials = counted
    expected = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, trials) == pytest.approx((expected.low, expected.high), abs=1e-12)


@QUICK
@given(counts, st.floats(0.1, 5))
def test_each_limit_is_as_far_from_the_share_as_the_limits_own_deviation(counted, z):
    """Wilson's definition: |p - limit| = z √(limit (1 - limit) / n)."""
    successes, trials = counted
    share = successes / trials
    for limit in wilson_interval(successes, trials, z):
        assert (share - limit) ** 2 == pytest.approx(z**2 * limit * (1 - limit) / trials, abs=1e-12)


@QUICK
@given(counts)
def test_the_interval_holds_the_share_and_stays_within_nothing_and_all(counted):
    successes, trials = counted
    low, high = wilson_interval(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1
    assert low < high


@QUICK
@given(counts)
def test_failures_have_the_mirrored_interval(counted):
    successes, trials = counted
    low, high = wilson_interval(successes, trials)
    assert wilson_interval(trials - successes, trials) == pytest.approx((1 - high, 1 - low), abs=1e-12)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (1, 0), (-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_are_refused(successes, trials):
    with pytest.raises(ValueError, match="successes in"):
        wilson_interval(successes, trials)


def test_the_normal_quantile_is_right():
    assert pytest.approx(norm.ppf(0.975), rel=1e-15) == Z_95


@pytest.mark.parametrize(
    ("correct", "low", "high"),
    [(0, 0.0, 0.006362), (300, 0.460120, 0.539880), (600, 0.993638, 1.0)],
)
def test_the_accuracy_says_what_it_rests_on(correct, low, high):
    measure = accuracy(correct, 600)
    assert measure.pop("images") == 600
    assert measure == pytest.approx({"value": correct / 600, "low": low, "high": high}, abs=1e-6)
