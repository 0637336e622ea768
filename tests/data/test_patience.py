"""When a fetch is given up, by a clock that the test turns."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.patience import Patience
from zoo.errors import DataError


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def progress(**facts: Any) -> dict[str, Any]:
    """An event as the worker sends it twice a second."""
    still = {"doing": "downloading", "done": None, "total": None, "bytes": 0, "bytes_total": None, "cpu_s": 1.0}
    return {"event": "progress", **still, "host": "example.org", "trouble": None, **facts}


def told(patience: Patience, clock: Clock, seconds: float, event: dict[str, Any]) -> None:
    clock.now += seconds
    patience(event)


def test_what_makes_no_progress_ends_when_it_was_idle_too_long() -> None:
    clock = Clock()
    patience = Patience("cifar10", timeout_s=100, idle_s=10, clock=clock)
    patience(progress(bytes=5))
    told(patience, clock, 9.5, progress(bytes=5))
    with pytest.raises(DataError, match=r"^can't fetch cifar10: example\.org has sent nothing.* for 10 s; nothing"):
        told(patience, clock, 0.5, progress(bytes=5))


def test_why_there_is_no_connection_is_said() -> None:
    clock = Clock()
    patience = Patience("cifar10", timeout_s=100, idle_s=10, clock=clock)
    event = progress(trouble="connection refused")
    patience(event)
    with pytest.raises(DataError, match=r"example\.org can't be reached \(connection refused\), tried for 10 s"):
        told(patience, clock, 10, event)


@pytest.mark.parametrize("grows", ["bytes", "cpu_s"])
def test_bytes_that_arrive_and_work_that_is_done_are_progress(grows: str) -> None:
    clock = Clock()
    patience = Patience("cifar10", timeout_s=1000, idle_s=10, clock=clock)
    for i in range(50):
        told(patience, clock, 9, progress(**{grows: i + 1}))


def test_waiting_uses_the_processor_too_little_to_be_taken_for_work() -> None:
    clock = Clock()
    patience = Patience("cifar10", timeout_s=1000, idle_s=10, clock=clock)
    patience(progress(cpu_s=1.0))
    for i in range(1, 20):  # a hundredth of a processor
        told(patience, clock, 0.5, progress(cpu_s=1.0 + i * 0.005))
    with pytest.raises(DataError, match="has sent nothing"):
        told(patience, clock, 0.5, progress(cpu_s=1.1))


def test_the_whole_has_a_limit_however_much_arrives() -> None:
    clock = Clock()
    patience = Patience("cifar10", timeout_s=60, idle_s=10, clock=clock)
    for i in range(1, 120):
        told(patience, clock, 0.5, progress(bytes=i * 2**20, bytes_total=163 * 2**20))
    with pytest.raises(DataError, match=r"not done after 60 s \(downloading, 120 of 163 MiB downloaded\).*--timeout"):
        told(patience, clock, 0.5, progress(bytes=120 * 2**20, bytes_total=163 * 2**20))


def test_other_events_are_nothing_to_it() -> None:
    clock = Clock()
    patience = Patience("cifar10", timeout_s=1, idle_s=1, clock=clock)
    told(patience, clock, 100, {"event": "phase", "name": "import"})


@given(st.lists(st.tuples(st.floats(0.1, 5), st.integers(0, 3), st.floats(0, 0.5)), max_size=200))
def test_it_never_outlasts_its_limits(steps: list[tuple[float, int, float]]) -> None:
    clock = Clock()
    patience = Patience("cifar10", timeout_s=60, idle_s=10, clock=clock)
    sent, used, moved = 0, 0.0, clock.now
    for seconds, more, cpu in steps:
        sent, used = sent + more, used + cpu
        clock.now += seconds
        if more:
            moved = clock.now
        event = progress(bytes=sent, cpu_s=used)
        try:
            patience(event)
        except DataError:
            assert clock.now - moved >= 10 or clock.now - 1000 >= 60
            return
        assert clock.now - 1000 < 60
