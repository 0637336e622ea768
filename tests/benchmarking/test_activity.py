"""What else the machine did, from counters before and after."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.benchmarking import activity
from zoo.benchmarking.activity import Meter, Snapshot, over
from zoo.cgroups import Groups, Throttling


def at(second: float, **counters: Any) -> Snapshot:
    values: dict[str, Any] = {"busy_s": 0.0, "stolen_s": 0.0, "own_s": 0.0, "throttled": None}
    return Snapshot(at_s=second, **{**values, **counters})


def test_how_a_quota_held_the_process_back_is_what_was_counted_between() -> None:
    found = over([(at(0, quota_periods=5, quota_waited_s=1.5), at(2, quota_periods=9, quota_waited_s=2.0))])
    assert (found.quota_periods, found.quota_waited_s) == (4, 0.5)


def test_without_a_quota_nothing_is_counted() -> None:
    found = over([(at(0), at(2))])
    assert (found.quota_periods, found.quota_waited_s, found.throttled) == (None, None, None)


def test_a_meter_adds_up_what_was_counted_while_it_was_entered(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(
        [
            at(0, quota_periods=0, quota_waited_s=0.0, own_s=0.0, busy_s=0.0),
            at(1, quota_periods=2, quota_waited_s=0.25, own_s=1.0, busy_s=1.0),
            at(5, quota_periods=9, quota_waited_s=3.0, own_s=1.0, busy_s=1.0),
            at(6, quota_periods=10, quota_waited_s=3.5, own_s=2.0, busy_s=3.0),
        ]
    )
    monkeypatch.setattr(activity, "snapshot", lambda: next(moments))
    meter = Meter()
    for _ in range(2):
        with meter:
            pass
    total = meter.total()
    assert (total.seconds, total.quota_periods, total.quota_waited_s, total.throttled) == (2, 3, 0.75, None)
    assert (total.own_cores_busy, total.other_cores_busy) == (1.0, 0.5)


def test_a_snapshot_reads_the_control_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Groups, "throttling", lambda _: Throttling(7, 0.5))
    seen = activity.snapshot()
    assert (seen.quota_periods, seen.quota_waited_s) == (7, 0.5)
    monkeypatch.setattr(Groups, "throttling", lambda _: None)
    assert activity.snapshot().quota_periods is None
