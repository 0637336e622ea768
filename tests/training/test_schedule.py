"""Learning rates: peaks, ends, and what holds for every recipe."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.specs import RECIPE_CHOICES, Recipe
from zoo.training.schedule import learning_rates

QUICK = settings(max_examples=100, deadline=None, database=None, derandomize=True)


def rates(schedule: str, *, warmup: float = 0.0, epochs: int = 10, steps: int = 100) -> np.ndarray:
    recipe = Recipe(dataset="d", epochs=epochs, schedule=schedule, learning_rate=0.4, warmup_epochs=warmup)
    return learning_rates(recipe, steps)


def test_constant_is_constant() -> None:
    assert set(rates("constant").tolist()) == {np.float32(0.4)}


def test_cosine_falls_from_the_peak_through_the_half_to_almost_nothing() -> None:
    falling = rates("cosine")
    assert falling[0] == np.float32(0.4)
    assert falling[500] == pytest.approx(0.2)
    assert 0 < falling[-1] < 1e-5
    assert (np.diff(falling) <= 0).all()


def test_warm_up_is_linear_and_no_step_is_lost_to_a_rate_of_zero() -> None:
    rising = rates("cosine", warmup=2.0)
    assert rising[:200] == pytest.approx(0.4 * np.arange(1, 201) / 200)
    assert rising[200] == np.float32(0.4)


def test_one_cycle_rises_from_a_25th_over_three_tenths_and_falls_to_almost_nothing() -> None:
    cycle = rates("one_cycle")
    assert cycle[0] == pytest.approx(0.4 / 25, rel=0.1)
    assert int(cycle.argmax()) in (299, 300)
    assert cycle.max() == np.float32(0.4)
    assert np.diff(cycle[:300]) == pytest.approx(np.full(299, cycle[1] - cycle[0]), abs=1e-7)
    assert np.diff(cycle[300:]) == pytest.approx(np.full(699, cycle[301] - cycle[300]), abs=1e-7)
    assert cycle[-1] < 0.001


def test_one_cycle_rises_for_as_long_as_it_is_told() -> None:
    assert int(rates("one_cycle", warmup=5.0).argmax()) in (499, 500)


@QUICK
@given(
    schedule=st.sampled_from(RECIPE_CHOICES["schedule"]),
    epochs=st.integers(1, 30),
    steps=st.integers(1, 50),
    warmup=st.floats(0, 40),
    peak=st.floats(1e-6, 10),
)
def test_there_is_a_positive_rate_of_at_most_the_peak_for_every_step(
    schedule: str, epochs: int, steps: int, warmup: float, peak: float
) -> None:
    recipe = Recipe(dataset="d", epochs=epochs, schedule=schedule, learning_rate=peak, warmup_epochs=warmup)
    found = learning_rates(recipe, steps)
    assert found.shape == (epochs * steps,)
    assert (found > 0).all()
    assert (found <= np.float32(peak)).all()
    assert found.max() == np.float32(peak)
