"""Timing, on a clock that moves only when it is read or when the fake call is made."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import mannwhitneyu

from zoo.benchmarking.timing import Policy, Timing, Turn, TurnLength, clock_cost_s, is_steady, measure, rank_test_z

QUICK = settings(max_examples=60, deadline=None, database=None, derandomize=True)

Duration = Callable[[int], float]

US, MS, S = 1_000, 1_000_000, 1_000_000_000
READING = 50


class Clock:
    """Nanoseconds, in steps of the resolution."""

    def __init__(self, resolution: int = 1) -> None:
        self.now = 0
        self.resolution = resolution

    def __call__(self) -> int:
        self.now += READING
        return self.now // self.resolution * self.resolution


class Call:
    """Takes as long as `duration` says of its how-manieth call it is."""

    def __init__(self, clock: Clock, duration: Duration) -> None:
        self.clock = clock
        self.duration = duration
        self.made = 0

    def __call__(self) -> None:
        self.clock.now += int(self.duration(self.made))
        self.made += 1


def timed(duration: Duration, resolution: int = 1, **policy: Any) -> Timing:
    clock = Clock(resolution)
    return measure(Call(clock, duration), Policy(**policy), clock)


@pytest.mark.parametrize("duration", [200 * US, MS, 100 * MS])
def test_a_call_that_the_clock_resolves_is_a_round_by_itself(duration: int) -> None:
    timing = timed(lambda _: duration)
    assert timing.iterations == 1
    assert timing.samples_s == pytest.approx([duration * 1e-9] * len(timing.samples_s), rel=1e-3)


@pytest.mark.parametrize("duration", [20, 200, 3 * US, 40 * US])
def test_short_calls_are_grouped_until_reading_the_clock_is_a_thousandth(duration: int) -> None:
    timing = timed(lambda _: duration, min_time_s=0.01, warmup_min_s=0.001)
    assert timing.iterations > 1
    assert READING / timing.iterations <= 1e-3 * min(timing.samples_s) * S * (1 + 1e-9)


def test_a_coarse_clock_makes_for_larger_groups() -> None:
    brief = {"min_time_s": 0.0, "min_rounds": 3, "warmup_min_s": 0.0}
    fine = timed(lambda _: US, **brief)
    coarse = timed(lambda _: US, resolution=10 * US, **brief)
    assert 150 <= fine.iterations <= 300
    assert 30_000 <= coarse.iterations <= 60_000
    assert coarse.samples_s == pytest.approx([1e-6] * len(coarse.samples_s), rel=2e-3)


@pytest.mark.parametrize("resolution", [US, 10 * US, MS])
def test_the_cost_of_a_clock_is_its_resolution_where_that_is_coarser(resolution: int) -> None:
    assert clock_cost_s(Clock(resolution)) == pytest.approx(resolution * 1e-9)


def test_the_cost_of_a_fine_clock_is_that_of_reading_it() -> None:
    assert clock_cost_s(Clock()) == pytest.approx(READING * 1e-9)


def test_a_slow_first_call_does_not_hide_that_calls_are_short() -> None:
    timing = timed(lambda n: 10 * MS if n == 0 else 200, min_time_s=0.01, warmup_min_s=0.001)
    assert timing.iterations > 100


def test_samples_are_seconds_a_call() -> None:
    timing = timed(lambda n: US if n % 2 else 3 * US, min_time_s=0.01, warmup_min_s=0.001)
    assert timing.samples_s == pytest.approx([2e-6] * len(timing.samples_s), rel=0.03)


def test_warming_up_lasts_until_the_calls_no_longer_change() -> None:
    timing = timed(lambda n: max(MS, 5 * MS - n * 10 * US))
    assert timing.settled
    assert timing.warmup_s[0] > 4.9e-3
    assert timing.warmup_s[-1] < 1.01e-3
    assert timing.samples_s == pytest.approx([1e-3] * len(timing.samples_s), rel=1e-3)


def test_warming_up_goes_on_through_a_late_change() -> None:
    timing = timed(lambda n: 4 * MS if n < 120 else 2 * MS, min_time_s=0.1)
    assert timing.settled
    assert max(timing.samples_s) < 2.1e-3


@pytest.mark.parametrize("first", [100 * US, MS, 10 * MS, 100 * MS, 300 * MS, S])
def test_a_call_that_keeps_getting_slower_never_settles(first: int) -> None:
    timing = timed(lambda n: first * (1 + n / 5), max_time_s=0.0)
    assert not timing.settled


def test_a_call_that_never_settles_is_warmed_up_no_longer_than_the_policy_says() -> None:
    timing = timed(lambda n: MS + n * 10 * US, warmup_max_s=2.0)
    assert not timing.settled
    assert 2.0 <= sum(timing.warmup_s) < 2.1


@pytest.mark.parametrize("seed", range(5))
def test_noise_around_a_steady_value_settles(seed: int) -> None:
    noise = random.Random(seed)
    timing = timed(lambda _: MS * noise.lognormvariate(0, 0.05))
    assert timing.settled
    assert sum(timing.warmup_s) < 2.0


def test_warming_up_takes_at_least_the_time_of_the_policy() -> None:
    timing = timed(lambda _: MS, warmup_min_s=0.7)
    assert 0.7 <= sum(timing.warmup_s) < 0.71


def test_a_call_longer_than_the_time_for_warming_up_is_made_once_and_has_not_settled() -> None:
    timing = timed(lambda _: 20 * S)
    assert not timing.settled
    assert len(timing.warmup_s) == 1
    assert len(timing.samples_s) == 1


@pytest.mark.parametrize(
    ("duration", "rounds", "seconds", "why"),
    [
        (MS, (2000, 2001), (2.0, 2.01), "the least time is reached last"),
        (100 * MS, (64, 64), (6.4, 6.41), "the least count is reached last"),
        (160 * MS, (63, 63), (10.0, 10.1), "the most time wins over the least count"),
        (S, (10, 10), (10.0, 10.1), "the most time wins over the least count by far"),
    ],
)
def test_sampling_ends_once_both_least_time_and_least_count_are_reached(
    duration: int, rounds: tuple[int, int], seconds: tuple[float, float], why: str
) -> None:
    timing = timed(lambda _: duration)
    assert rounds[0] <= len(timing.samples_s) <= rounds[1], why
    assert seconds[0] <= sum(timing.samples_s) < seconds[1], why


@pytest.mark.parametrize("min_rounds", [1, 5, 64, 662])
def test_the_least_count_is_kept(min_rounds: int) -> None:
    timing = timed(lambda _: 10 * MS, min_rounds=min_rounds, min_time_s=0.0)
    assert len(timing.samples_s) == min_rounds


class Announced:
    """Turns that are known beforehand; remembers what it is given."""

    def __init__(self, *turns: TurnLength) -> None:
        self.turns, self.given, self.warm = list(turns), [], False

    def warm_up(self) -> None:
        self.warm = True

    def next_turn(self) -> TurnLength | None:
        return self.turns.pop(0) if self.turns else None

    def hand_over(self, turn: Turn) -> None:
        self.given.append(turn)


def test_samples_come_turn_by_turn_and_a_first_call_is_left_out_of_each() -> None:
    clock = Clock()
    call = Call(clock, lambda made: MS * (50 if turns.warm and made in firsts else 1))
    firsts: set[int] = set()
    turns = Announced(
        TurnLength(least_s=0.01), TurnLength(least_s=0.0, least_rounds=7), TurnLength(least_s=1.0, most_s=0.005)
    )
    take = turns.next_turn

    def noting() -> TurnLength | None:
        firsts.add(call.made)
        return take()

    turns.next_turn = noting  # type: ignore[method-assign]  # only watched: it goes on as before
    timing = measure(call, Policy(), clock, source=turns)
    assert turns.given == timing.turns
    assert [turn.rounds for turn in timing.turns] == [10, 7, 5]
    assert len(timing.samples_s) == 22
    assert max(timing.samples_s) < 0.002
    assert all(turn.seconds >= sum(turn.samples_s) for turn in timing.turns)


def test_a_turn_has_all_of_its_samples() -> None:
    turns = Announced(TurnLength(least_s=0.0, least_rounds=1000), TurnLength(least_s=0.0, least_rounds=10))
    clock = Clock()
    timing = measure(Call(clock, lambda made: MS + made * US), Policy(), clock, source=turns)
    assert [turn.rounds for turn in timing.turns] == [1000, 10]
    assert [sample for turn in timing.turns for sample in turn.samples_s] == timing.samples_s


@given(most_s=st.floats(0, 100))
def test_the_one_turn_of_a_policy_leaves_its_least_time(most_s: float) -> None:
    length = Policy().one_turn(most_s)
    assert length.least_s == Policy().min_time_s <= length.most_s <= Policy().max_time_s
    assert length.most_s <= max(most_s, Policy().min_time_s)


class Meter:
    entered = left = 0

    def __enter__(self) -> None:
        self.entered += 1

    def __exit__(self, *_: object) -> None:
        self.left += 1


def test_a_meter_runs_during_each_turn() -> None:
    clock, meter = Clock(), Meter()
    measure(
        lambda: setattr(clock, "now", clock.now + MS),
        Policy(),
        clock,
        source=Announced(*[TurnLength(least_s=0)] * 3),
        meters=[meter],
    )
    assert (meter.entered, meter.left) == (3, 3)


def test_the_garbage_collector_is_off_meanwhile_and_on_afterwards() -> None:
    clock, seen = Clock(), set()

    def call() -> None:
        seen.add(gc.isenabled())
        clock.now += MS

    measure(call, Policy(), clock)
    assert seen == {False}
    assert gc.isenabled()


def test_the_garbage_collector_is_on_again_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        measure(lambda: 1 / 0, Policy(), Clock())
    assert gc.isenabled()


def test_a_garbage_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        timed(lambda _: MS, min_time_s=0.1)
        assert not gc.isenabled()
    finally:
        gc.enable()


@QUICK
@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=60, unique=True), st.data())
def test_the_rank_test_is_that_of_mann_and_whitney(values: list[int], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(values) - 1))
    a, b = values[:cut], values[cut:]
    expected = mannwhitneyu(b, a, method="asymptotic", use_continuity=False)
    z = rank_test_z(a, b)
    assert 2 * ndtr(-abs(z)) == pytest.approx(expected.pvalue, rel=1e-9)
    half = len(a) * len(b) / 2
    assert (z > 0, z < 0) == (expected.statistic > half, expected.statistic < half)


@QUICK
@given(*[st.lists(st.integers(0, 9), min_size=1, max_size=20)] * 2)
def test_the_rank_test_changes_its_sign_with_the_order_of_the_samples(a: list[int], b: list[int]) -> None:
    assert rank_test_z(a, b) == pytest.approx(-rank_test_z(b, a), abs=1e-12)


def test_equal_samples_are_no_standard_deviation_apart() -> None:
    assert rank_test_z([1.0] * 7, [1.0] * 5) == 0


def drift(factor: float, count: int) -> list[float]:
    return [factor**n for n in range(count)]


@pytest.mark.parametrize(
    ("rounds", "steady"),
    [
        ([1.0] * 6, True),
        ([9.0] * 20 + [1.0] * 40, True),
        ([1.0, 1.009] * 30, True),
        ([1.0] * 20 + [1.005] * 20, True),
        ([1.0] * 20 + [1.02] * 10, False),
        ([1.0] * 40 + [1.2] * 20, False),
        ([1.2] * 40 + [1.0] * 20, False),
        (drift(1.02, 30), False),
        (drift(0.98, 30), False),
        (drift(1.2, 6), False),
        (drift(1.2, 12), False),
        (drift(0.8, 14), False),
        ([1.0] * 5, False),
        ([], False),
    ],
)
def test_rounds_are_steady_where_the_last_two_thirds_are_alike(rounds: list[float], steady: bool) -> None:
    assert is_steady(rounds) is steady


def test_random_rounds_of_one_distribution_are_rarely_called_unsteady() -> None:
    noise = random.Random(0)
    called = [is_steady([noise.lognormvariate(0, 0.1) for _ in range(90)]) for _ in range(500)]
    unsteady = called.count(False)
    assert unsteady <= 15  # 1 % of 500 is 5; more than 15 have a chance of 1 in 15,000


@given(seconds=st.floats(0.01, 100))
def test_a_policy_within_a_time_takes_no_longer(seconds: float) -> None:
    within = Policy().within(seconds)
    assert within.warmup_max_s + within.max_time_s <= seconds
    assert within.warmup_min_s <= within.warmup_max_s
    assert within.min_time_s <= within.max_time_s
    assert within.within(seconds) == within
    assert Policy().within(1000) == Policy()


class Noting:
    def __init__(self, name: str, seen: list[str]) -> None:
        self.name, self.seen = name, seen

    def __enter__(self) -> None:
        self.seen.append(f"+{self.name}")

    def __exit__(self, *_: object) -> None:
        self.seen.append(f"-{self.name}")


def test_the_last_of_several_meters_is_the_nearest_and_they_can_be_entered_again() -> None:
    seen: list[str] = []
    clock, source = Clock(), Announced(*[TurnLength(least_s=0)] * 2)
    meters = [Noting("watch", seen), Noting("energy", seen)]
    measure(lambda: setattr(clock, "now", clock.now + MS), Policy(), clock, source=source, meters=meters)
    assert seen == ["+watch", "+energy", "-energy", "-watch"] * 2
