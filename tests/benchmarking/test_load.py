"""The load of others: the system's average less what this process itself has done."""

from __future__ import annotations

import pytest

from zoo.benchmarking import environment
from zoo.benchmarking.environment import load_of_others, without_own


@pytest.mark.parametrize(
    ("average", "own_s", "age_s", "others"),
    [
        (1.0, 0.0, 10.0, 1.0),  # did nothing
        (1.0, 60.0, 6000.0, 0.99),  # long ago
        (0.16, 10.0, 10.0, 0.01),  # kept one core busy for ten seconds: 1 - exp(-1/6)
        (2.0, 7200.0, 3600.0, 0.0),  # kept two busy for an hour
        (0.1, 20.0, 10.0, 0.0),  # never below none
        (0.5, 0.0, 0.0, 0.5),
    ],
)
def test_own_work_is_subtracted_as_the_average_counts_it(
    average: float, own_s: float, age_s: float, others: float
) -> None:
    assert without_own(average, own_s, age_s) == others


def test_where_load_is_not_counted_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "load_average", lambda: None)
    assert load_of_others() is None


def test_children_that_have_ended_count_as_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Spent:
        user, system, children_user, children_system = 0.0, 0.0, 1e9, 1e9

    monkeypatch.setattr(environment.os, "times", Spent)
    monkeypatch.setattr(environment, "load_average", lambda: 3.0)
    assert load_of_others() == 0.0
