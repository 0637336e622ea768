"""Statistics, by their properties and by simulation."""

from __future__ import annotations

import itertools
import json
import math
import random
import statistics
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from zoo.benchmarking.stats import Stats, interval, percentile, samples_needed, summarise
from zoo.record.measures import TurnRecord

QUICK = settings(max_examples=25, deadline=None, database=None, derandomize=True)


def lognormal(seed: int, count: int, spread: float = 0.1) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).normal(0, spread, count))


Taken = list[list[float]]

latencies = st.floats(1e-6, 10.0)
processes = st.lists(st.lists(latencies, min_size=1, max_size=80), min_size=1, max_size=4)


@QUICK
@given(processes)
def test_levels_are_the_geometric_mean_over_processes_and_the_rest_is_of_all_samples(taken: Taken) -> None:
    stats, samples = summarise(taken), sorted(itertools.chain(*taken))
    assert stats.n == len(samples)
    assert stats.processes == len(taken)
    assert (stats.min, stats.max) == (samples[0], samples[-1])
    assert stats.median == pytest.approx(statistics.geometric_mean(map(statistics.median, taken)), rel=1e-12)
    assert stats.mean == pytest.approx(statistics.geometric_mean(map(statistics.fmean, taken)), rel=1e-12)
    if len(samples) > 1:
        spread = statistics.stdev(samples)
        assert stats.std == pytest.approx(spread, rel=1e-9, abs=1e-12)


@QUICK
@given(processes)
def test_the_intervals_hold_what_they_are_intervals_of(taken: Taken) -> None:
    stats = summarise(taken)
    assert stats.low <= stats.median <= stats.high
    assert stats.mean_low <= stats.mean <= stats.mean_high


@QUICK
@given(processes)
def test_the_intervals_of_one_process_stay_within_its_samples(taken: Taken) -> None:
    stats = summarise(taken[:1])
    slack = 1e-9 * stats.max
    assert stats.min - slack <= stats.low
    assert stats.high <= stats.max + slack


@QUICK
@given(st.integers(0, 10**6), st.integers(662, 2000), st.floats(1e-3, 2))
def test_percentiles_are_in_order_where_there_are_enough_samples_for_them(seed: int, count: int, spread: float) -> None:
    stats = summarise([lognormal(seed, count, spread)])
    assert stats.min <= stats.median <= stats.p90 <= stats.p99 <= stats.max


@QUICK
@given(processes, st.integers(-20, 20))
def test_in_another_unit_all_values_scale_and_all_counts_stay(taken: Taken, power: int) -> None:
    """A power of two, which floating point multiplies by exactly."""
    scale = 2.0**power
    stats = summarise(taken)
    scaled = summarise([[scale * sample for sample in process] for process in taken])
    lengths = {"median", "mean", "std", "min", "max", "p90", "p99", "low", "high", "mean_low", "mean_high"}
    for name, value in stats.to_json().items():
        if name in lengths and value is not None:
            assert getattr(scaled, name) == pytest.approx(scale * value, rel=1e-12), name
        else:
            assert getattr(scaled, name) == value, name


@QUICK
@given(processes, st.randoms(use_true_random=False))
def test_the_order_of_the_processes_changes_no_point_value(taken: Taken, random: random.Random) -> None:
    shuffled = random.sample(taken, len(taken))
    stats, other = summarise(taken), summarise(shuffled)
    for name in ("n", "processes", "min", "max", "p90", "p99", "outliers", "severe_outliers"):
        assert getattr(other, name) == getattr(stats, name), name
    for name in ("median", "mean"):
        assert getattr(other, name) == pytest.approx(getattr(stats, name), rel=1e-12), name
    assert other.std == pytest.approx(stats.std, rel=1e-9, abs=1e-12)


def test_the_order_of_the_processes_hardly_changes_the_interval() -> None:
    taken = [lognormal(seed, 64) for seed in range(5)]
    stats, other = summarise(taken), summarise(taken[::-1])
    width = stats.high - stats.low
    assert other.low == pytest.approx(stats.low, abs=0.05 * width)
    assert other.high == pytest.approx(stats.high, abs=0.05 * width)


def test_the_same_samples_give_the_same_interval() -> None:
    taken = [lognormal(1, 100), lognormal(2, 100)]
    assert summarise(taken) == summarise(taken)


@pytest.mark.parametrize("processes", [1, 5])
def test_another_seed_gives_nearly_the_same_interval(processes: int) -> None:
    taken = [lognormal(seed, 64) for seed in range(processes)]
    stats, other = summarise(taken), summarise(taken, seed=1)
    width = stats.high - stats.low
    assert other.low == pytest.approx(stats.low, abs=0.1 * width)
    assert other.high == pytest.approx(stats.high, abs=0.1 * width)


def test_stats_are_json_and_back() -> None:
    stats = summarise([lognormal(1, 700)])
    assert Stats.from_json(json.loads(json.dumps(stats.to_json(), allow_nan=False))) == stats
    assert all(type(value) in (int, float) for value in stats.to_json().values())


@pytest.mark.parametrize("sample", [0.1, 0.3, 0.7, 1.1e-5, 5.0])
def test_a_single_sample_is_its_own_interval(sample: float) -> None:
    stats = summarise([[sample]])
    assert (stats.n, stats.std, stats.p90, stats.p99, stats.outliers) == (1, 0.0, None, None, 0)
    assert stats.low == stats.median == stats.high == sample


def test_equal_samples_have_an_interval_of_no_width() -> None:
    stats = summarise([[0.1] * 100, [0.1] * 100])
    assert stats.low == stats.median == stats.high == 0.1
    assert stats.outliers == 0


def test_samples_of_nothing_are_summarised_too() -> None:
    stats = summarise([[0.0] * 10])
    assert (stats.median, stats.low, stats.high) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("taken", [[], [[]], [[1.0], []]])
def test_a_process_without_samples_is_refused(taken: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        summarise(taken)


@pytest.mark.parametrize(
    ("count", "p90", "p99"), [(63, False, False), (64, True, False), (661, True, False), (662, True, True)]
)
def test_a_percentile_that_the_count_cannot_carry_is_refused(count: int, p90: bool, p99: bool) -> None:
    stats = summarise([lognormal(0, count)])
    assert (stats.p90 is not None, stats.p99 is not None) == (p90, p99)


def test_the_samples_of_all_processes_count_for_a_percentile() -> None:
    assert summarise([lognormal(0, 32), lognormal(1, 32)]).p90 is not None
    assert summarise([lognormal(0, 32), lognormal(1, 31)]).p90 is None


@pytest.mark.parametrize("q", [0.5, 0.9, 0.99])
def test_a_percentile_is_numpys(q: float) -> None:
    ordered = np.sort(lognormal(0, 1000))
    assert percentile(ordered, q) == np.quantile(ordered, q)


@pytest.mark.parametrize(("q", "needed"), [(0.5, 11), (0.9, 64), (0.95, 130), (0.99, 662)])
def test_the_samples_needed_are_those_of_wilks(q: float, needed: int) -> None:
    assert samples_needed(q) == needed


@QUICK
@given(st.floats(0.05, 0.98), st.floats(0.5, 0.999))
def test_the_samples_needed_are_the_fewest_of_which_two_lie_beyond_with_that_confidence(
    q: float, confidence: float
) -> None:
    def chance(n: int) -> float:
        return sum(math.comb(n, k) * (1 - q) ** k * q ** (n - k) for k in range(2, n + 1))

    needed = samples_needed(q, confidence)
    if needed <= 300:  # beyond that, the sum of binomials is not precise enough to be a judge
        assert chance(needed) >= confidence - 1e-12
        assert needed == 2 or chance(needed - 1) < confidence + 1e-12
    assert binom.sf(1, needed, 1 - q) >= confidence - 1e-12


@pytest.mark.parametrize("q", [0, 1, -0.1, 1.1, math.nan])
def test_a_quantile_outside_of_nothing_and_all_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match="not between 0 and 1"):
        samples_needed(q)


def test_outliers_are_flagged_and_none_is_dropped() -> None:
    quiet = [1.0 + n / 1000 for n in range(100)]
    stats = summarise([[*quiet, 1.2, 1.5, 0.5]])
    assert (stats.n, stats.outliers, stats.severe_outliers) == (103, 3, 2)
    assert (stats.min, stats.max) == (0.5, 1.5)
    assert stats.mean == pytest.approx(statistics.fmean([*quiet, 1.2, 1.5, 0.5]))


@pytest.mark.parametrize(("reach", "outliers"), [(1.49, 0), (1.51, 1)])
def test_an_outlier_lies_beyond_tukeys_fence(reach: float, outliers: int) -> None:
    middle = [1.0] * 100 + [2.0] * 100 + [3.0] * 100
    stats = summarise([[*middle, 3.0 + reach * 2.0]])
    assert (stats.outliers, stats.severe_outliers) == (outliers, 0)


@pytest.mark.parametrize("outlier", [2.0, 10.0, 100.0])
def test_one_outlier_hardly_moves_the_interval_of_the_median(outlier: float) -> None:
    quiet = lognormal(3, 64, 0.01)
    without = summarise([quiet])
    stats = summarise([[*quiet[:-1], outlier]])
    width = without.high - without.low
    assert stats.low == pytest.approx(without.low, abs=width)
    assert stats.high == pytest.approx(without.high, abs=width)


def covered(count: int, runs: int, between: float, within: float, samples: int = 64) -> int:
    """In how many runs the interval holds the true median, 1."""
    random = np.random.default_rng(2024)
    hits = 0
    for run in range(runs):
        levels = 1 + random.normal(0, between, count)
        taken = [level * np.exp(random.normal(0, within, samples)) for level in levels]
        low, high = interval(taken, np.median, seed=run)
        hits += low <= 1 <= high
    return hits


def fewest(runs: int, chance: float = 0.95, doubt: float = 1e-3) -> int:
    """Fewer hits than these have less than that doubt's chance, if the coverage is what it should be."""
    return int(binom.ppf(doubt, runs, chance))


@pytest.mark.parametrize(
    ("count", "between", "within", "runs"),
    [
        pytest.param(5, 0.03, 0.05, 300, id="five processes"),
        pytest.param(5, 0.03, 0.005, 100, id="five processes that differ most from each other"),
        pytest.param(3, 0.03, 0.005, 100, id="three processes that differ most from each other"),
        pytest.param(2, 0.03, 0.005, 100, id="two processes that differ most from each other"),
        pytest.param(1, 0.0, 0.05, 100, id="one process where processes are alike"),
    ],
)
def test_the_interval_of_the_median_covers_the_true_one(count: int, between: float, within: float, runs: int) -> None:
    assert covered(count, runs, between, within) >= fewest(runs)


def in_turn(
    random: np.random.Generator,
    *,
    processes: int,
    between: float,
    over_time: float,
    turns: int = 40,
    rounds: int = 8,
    lingering: float = 0.0,
) -> tuple[list[np.ndarray], list[list[dict[str, float]]]]:
    """Processes that take turns on a machine whose speed varies from one second to the next.

    :param lingering: the share of a second's deviation that carries over to the next.
    """
    levels = np.exp(random.normal(0, between, processes))
    deviations = [random.normal(0, over_time)]
    for _ in range(turns - 1):
        deviations.append(lingering * deviations[-1] + math.sqrt(1 - lingering**2) * random.normal(0, over_time))
    speed = np.exp(deviations)
    samples = [
        np.concatenate([level * now * np.exp(random.normal(0, 0.02, rounds)) for now in speed]) for level in levels
    ]
    starts = [[TurnRecord(start_s=n + p / processes, rounds=rounds) for n in range(turns)] for p in range(processes)]
    return samples, starts


@pytest.mark.parametrize("statistic", [np.median, np.mean])
@pytest.mark.parametrize(
    ("processes", "between", "over_time"),
    [
        pytest.param(4, 0.003, 0.03, id="time varies most"),
        pytest.param(4, 0.02, 0.02, id="both vary"),
        pytest.param(4, 0.03, 0.001, id="processes vary most"),
        pytest.param(2, 0.003, 0.03, id="two processes"),
    ],
)
def test_the_interval_of_processes_in_turn_covers_what_time_adds(
    statistic: Any, processes: int, between: float, over_time: float
) -> None:
    random = np.random.default_rng(7)
    runs, hits = 200, 0
    for _ in range(runs):
        samples, turns = in_turn(random, processes=processes, between=between, over_time=over_time)
        low, high = interval(samples, statistic, turns)
        hits += low <= 1.0003 <= high
    assert hits >= fewest(runs)


def test_the_interval_covers_a_speed_that_lingers() -> None:
    random = np.random.default_rng(7)
    runs, hits = 300, 0
    for _ in range(runs):
        samples, turns = in_turn(random, processes=4, between=0.003, over_time=0.03, lingering=0.5)
        low, high = interval(samples, np.median, turns)
        hits += low <= 1 <= high
    assert hits >= fewest(runs, chance=0.94)


def test_without_their_turns_processes_that_shared_their_time_look_too_much_alike() -> None:
    random = np.random.default_rng(3)
    samples, turns = in_turn(random, processes=4, between=0.001, over_time=0.05)
    alone, shared = interval(samples, np.median), interval(samples, np.median, turns)
    assert shared[1] - shared[0] > 3 * (alone[1] - alone[0])


def test_the_interval_narrows_with_the_time_that_was_shared() -> None:
    def width(turns: int) -> float:
        samples, of = in_turn(np.random.default_rng(5), processes=4, between=0.001, over_time=0.03, turns=turns)
        low, high = interval(samples, np.median, of)
        return high - low

    assert width(320) < 0.7 * width(40)


def test_a_minority_of_bad_turns_hardly_widens_the_interval_of_the_median() -> None:
    samples, turns = in_turn(np.random.default_rng(5), processes=4, between=0.001, over_time=0.01)
    low, high = interval(samples, np.median, turns)
    for process in samples:
        process[40:64] *= 3  # three turns of forty, for all processes alike
    disturbed = interval(samples, np.median, turns)
    assert disturbed[1] - disturbed[0] < 3 * (high - low)


def test_too_few_turns_say_nothing_of_time() -> None:
    samples, turns = in_turn(np.random.default_rng(5), processes=4, between=0.01, over_time=0.01, turns=3)
    assert interval(samples, np.median, turns) == interval(samples, np.median)


def test_equal_samples_in_turn_have_an_interval_of_nothing() -> None:
    turns = [[TurnRecord(start_s=float(n), rounds=5) for n in range(6)]] * 3
    assert interval([[2.0] * 30] * 3, np.median, turns) == (2.0, 2.0)


def test_the_interval_narrows_with_more_processes() -> None:
    def width(count: int) -> float:
        taken = [lognormal(seed, 64) * (1 + 0.05 * math.sin(seed)) for seed in range(count)]
        low, high = interval(taken, np.median)
        return high - low

    assert width(20) < 0.6 * width(5)


def test_the_interval_of_neighbours_that_resemble_each_other_is_wider() -> None:
    random = np.random.default_rng(0)
    steps = np.repeat(random.normal(1, 0.05, 40), 25)
    independent = random.permutation(steps)

    def width(samples: np.ndarray) -> float:
        low, high = interval([samples], np.mean)
        return high - low

    assert width(steps) > 2 * width(independent)
