"""Energy comes from a counter over a long enough window, or there is a code."""

from __future__ import annotations

import json
from collections.abc import Sequence

import nvml
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.benchmarking.energy import BoardCounter, Counter, EnergyMeter, energy_measures
from zoo.benchmarking.nvidia import Board, Nvml
from zoo.record.energy import Energy, Window
from zoo.record.readings import Reading, missing


class Machine:
    """A machine that draws a constant power; its time passes when somebody sleeps or works."""

    name, least_s, idle_s = "fake", 1.0, 0.5

    def __init__(self, idle_w: float = 50.0) -> None:
        self.now, self.used, self.power = 100.0, 0.0, idle_w
        self.code: str | None = None

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.used += seconds * self.power

    def work(self, seconds: float, watts: float) -> None:
        idle_w, self.power = self.power, watts
        self.sleep(seconds)
        self.power = idle_w

    def read(self) -> Reading[tuple[int, ...]]:
        return missing(self.code) if self.code else Reading((round(self.used * 1e6),))

    def joules(self, before: tuple[int, ...], after: tuple[int, ...]) -> Reading[float]:
        return Reading((after[0] - before[0]) * 1e-6)


def meter(machine: Machine, most_s: float = 10.0) -> EnergyMeter:
    counter: Counter = machine
    return EnergyMeter(Reading(counter), most_s, machine.clock, machine.sleep)


def recorded(*turns: tuple[float, float], machine: Machine | None = None, beside: int = 0) -> Energy:
    """What a process records whose turns take so many seconds at so many watts."""
    machine = machine or Machine()
    energy = meter(machine)
    energy.idle_before(beside)
    for seconds, watts in turns:
        with energy:
            machine.work(seconds, watts)
        machine.work(3.0, 999.0)  # somebody else's turn
    energy.idle_after()
    return energy.recorded()


def values(found: dict[str, Reading[float]]) -> tuple[float | str | None, ...]:
    return tuple(reading.code if reading.value is None else reading.value for reading in found.values())


def test_energy_is_what_the_counter_says_of_the_turns_alone() -> None:
    found = energy_measures([(recorded((2.0, 200.0), (4.0, 350.0)), [100, 300])])
    assert values(found) == pytest.approx((1800 / 400, (1800 - 6 * 50) / 400, 300.0, 50.0))


def test_several_processes_add_up_each_with_its_own_idle_power() -> None:
    processes = [
        (recorded((2.0, 100.0), machine=Machine(idle_w=20.0)), [10]),
        (recorded((1.0, 300.0), machine=Machine(idle_w=40.0)), [20]),
    ]
    assert values(energy_measures(processes)) == pytest.approx((500 / 30, (500 - 40 - 40) / 30, 500 / 3, 30.0))


def test_a_turn_that_is_too_short_for_the_counter_is_left_out_with_its_images() -> None:
    found = energy_measures([(recorded((2.0, 200.0), (0.9, 800.0)), [100, 5000])])
    assert values(found) == pytest.approx((4.0, 3.0, 200.0, 50.0))


def test_turns_that_are_all_too_short_give_nothing_even_if_together_they_are_not() -> None:
    found = energy_measures([(recorded((0.9, 200.0), (0.9, 200.0)), [10, 10])])
    assert values(found) == ("window_too_short", "window_too_short", "window_too_short", pytest.approx(50.0))
    assert "1 s" in found["energy_per_image_j"].reason


def test_idle_power_is_the_mean_of_before_and_after() -> None:
    machine = Machine()
    energy = meter(machine)
    energy.idle_before(0)
    machine.power = 70.0
    energy.idle_after()
    assert energy.recorded().idle_power_w().value == pytest.approx(60.0)


def test_beside_others_only_the_idle_power_afterwards_counts() -> None:
    found = recorded((2.0, 200.0), beside=3)
    assert found.idle_before == Window(0.0, None, "not_alone")
    assert found.idle_power_w().value == pytest.approx(50.0)


def test_without_idle_power_there_is_no_net_energy() -> None:
    energy = Energy("fake", least_s=1.0, turns=(Window(2.0, 8.0),), idle_after=Window(0.5, None, "counter_stuck"))
    assert values(energy_measures([(energy, [4])])) == (2.0, "counter_stuck", 4.0, "counter_stuck")


def test_less_than_idle_is_no_negative_energy() -> None:
    found = energy_measures([(recorded((2.0, 40.0)), [10])])
    assert values(found) == pytest.approx((8.0, "below_idle", 40.0, 50.0))


def test_a_counter_that_does_not_move_is_no_zero() -> None:
    found = energy_measures([(recorded((2.0, 0.0), machine=Machine(idle_w=0.0)), [10])])
    assert values(found) == ("counter_stuck",) * 4


def test_a_counter_that_fails_in_a_turn_says_so() -> None:
    machine = Machine()
    energy = meter(machine)
    energy.idle_before(0)
    with energy:
        machine.work(2.0, 100.0)
        machine.code = "error"
    machine.code = None
    energy.idle_after()
    assert values(energy_measures([(energy.recorded(), [1])])) == ("error", "error", "error", pytest.approx(50.0))


@pytest.mark.parametrize("code", ["no_counter", "no_permission", "no_driver", "not_supported", "mig"])
def test_without_a_counter_nothing_is_waited_for_and_the_code_is_told(code: str) -> None:
    machine = Machine()
    energy = EnergyMeter(missing(code), 10.0, machine.clock, machine.sleep)
    energy.idle_before(0)
    with energy:
        pass
    energy.idle_after()
    assert machine.now == 100.0
    assert values(energy_measures([(energy.recorded(), [10])])) == (code,) * 4


def test_where_no_turn_can_be_long_enough_nothing_idle_is_waited_for() -> None:
    machine = Machine()
    energy = meter(machine, most_s=0.5)
    energy.idle_before(0)
    with energy:
        machine.work(0.5, 100.0)
    energy.idle_after()
    assert machine.now == 100.5
    short = ("window_too_short",) * 3
    assert values(energy_measures([(energy.recorded(), [10])])) == (short[0], short[1], short[2], "not_taken")


def test_what_was_recorded_travels_as_json() -> None:
    for energy in (recorded((2.0, 200.0), (0.1, 1.0)), Energy(None, "no_driver", "gone")):
        assert Energy.from_json(json.loads(json.dumps(energy.to_json()))) == energy


POWERS = st.floats(60.0, 900.0)


@given(st.lists(st.tuples(st.floats(1.001, 20.0), POWERS), min_size=1, max_size=8))
def test_power_lies_within_what_was_drawn_and_energy_follows_from_it(turns: Sequence[tuple[float, float]]) -> None:
    found = energy_measures([(recorded(*turns), [10] * len(turns))])
    watts = [power for _, power in turns]
    energy, net, power, _ = (reading.value for reading in found.values())
    assert power is not None
    assert min(watts) - 0.01 <= power <= max(watts) + 0.01
    seconds_per_image = sum(seconds for seconds, _ in turns) / (10 * len(turns))
    assert energy == pytest.approx(power * seconds_per_image, rel=1e-4)
    assert net == pytest.approx((power - 50) * seconds_per_image, rel=1e-3)


def test_a_boards_counter_is_in_millijoules_and_goes_back_only_with_its_driver() -> None:
    counts = iter([5_000_000, 5_250_000])
    counter = BoardCounter(Nvml(nvml.loaded({"TotalEnergyConsumption": lambda: next(counts)})), Board(0, 0, False))
    before, after = counter.read().value, counter.read().value
    assert before is not None
    assert after is not None
    assert counter.joules(before, after).value == pytest.approx(250.0)
    assert counter.joules(after, before).code == "counter_reset"


def test_a_board_without_a_counter_says_so() -> None:
    silent = Nvml(nvml.loaded({"TotalEnergyConsumption": nvml.not_supported()}))
    assert BoardCounter(silent, Board(0, 0, False)).read().code == "not_supported"
