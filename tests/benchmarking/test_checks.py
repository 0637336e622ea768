"""Each finding appears exactly where its limit is passed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import pytest

from zoo.benchmarking.assemble import PARTNER_ENDED
from zoo.benchmarking.checks import check
from zoo.benchmarking.roofline import ABOVE_PEAK
from zoo.benchmarking.stats import Stats
from zoo.record.conditions import Conditions
from zoo.record.doubts import DOUBTS
from zoo.record.result import Doubt
from zoo.record.worker import Measured

QUIET = {"seconds": 1.0, "own_cores_busy": 1.0, "other_cores_busy": 0.0, "stolen_cores": 0.0, "throttled": 0}
MEASURED: dict[str, Any] = {
    "started": {"device": "cpu", "threads": 1},
    "started_beside": 0,
    "phases_s": {},
    "parity": {"accepted": True},
    "cuda": None,
    "cost": {**dict.fromkeys(("parameters", "trainable_parameters", "macs", "flops", "weights_bytes"), 1)},
    "layers": [],
    "weights": None,
    "iterations": 1,
    "warmup_s": [],
    "samples_s": [1.0],
    "turns": [{"start_s": 0.0, "rounds": 1}],
    "energy": {},
    "accelerator": None,
    "memory": {"peak_bytes": 1},
    "copies": {"place_s": 1.0, "fetch_s": 1.0, "end_to_end_s": 1.0},
    "scored": None,
}
MEASURED["cost"]["macs_left_out"] = []
GOOD = Stats(
    n=1000,
    processes=1,
    median=1.0,
    mean=1.0,
    std=0.01,
    min=0.9,
    max=1.1,
    p90=1.05,
    p99=1.09,
    low=0.99,
    high=1.01,
    mean_low=0.99,
    mean_high=1.01,
    outliers=3,
    severe_outliers=0,
)


def findings(
    *processes: Measured,
    load: float | None = 0.0,
    cores: int = 4,
    target_width: float | None = None,
    no_share: str = "",
    **stats: Any,
) -> list[Doubt]:
    values = {**GOOD.to_json(), **stats}
    return check(
        Stats.from_json(values),
        processes or [process()],
        load,
        cores,
        target_width,
        no_share,
    )


def process(settled: bool = True, accelerator: Conditions | None = None, **activity: Any) -> Measured:
    measured = Measured.from_json({**MEASURED, "settled": settled, "activity": {**QUIET, **activity}})
    return dataclasses.replace(measured, accelerator=accelerator)


def test_a_quota_that_held_a_process_back_is_said_and_one_that_did_not_is_not() -> None:
    assert findings(process(quota_periods=0, quota_waited_s=0.0), process(quota_periods=None)) == []
    [found] = findings(process(quota_periods=3, quota_waited_s=0.5), process(quota_periods=1_200, quota_waited_s=1.25))
    assert found.code == "quota"
    assert "used up in 1,203 periods, and threads waited 1.75 s" in found.message


def codes(*processes: Measured, **options: Any) -> list[str]:
    return [finding.code for finding in findings(*processes, **options)]


def above(limit: float) -> float:
    return math.nextafter(limit, math.inf)


def test_a_good_measurement_has_nothing_said_against_it() -> None:
    assert findings() == []


@pytest.mark.parametrize(
    ("at_the_limit", "beyond_it", "code"),
    [
        ({"n": 64}, {"n": 63}, "few_samples"),
        ({"std": 0.10}, {"std": above(0.10)}, "deviation"),
        ({"mean": 5.0, "std": 0.5}, {"mean": 5.0, "std": above(0.5)}, "deviation"),
        ({"load": 2.0}, {"load": above(2.0)}, "loaded"),
        ({"load": 0.5, "cores": 1}, {"load": above(0.5), "cores": 1}, "loaded"),
        ({"load": None}, {"load": 99.0}, "loaded"),
        ({"mean": 0.0, "std": 0.0}, {"std": 1.0}, "deviation"),
    ],
)
def test_a_finding_appears_only_beyond_its_limit(
    at_the_limit: dict[str, Any], beyond_it: dict[str, Any], code: str
) -> None:
    assert codes(**at_the_limit) == []
    assert codes(**beyond_it) == [code]


@pytest.mark.parametrize(
    ("at_the_limit", "beyond_it", "code"),
    [
        ({"settled": True}, {"settled": False}, "unsteady"),
        ({"other_cores_busy": 0.10}, {"other_cores_busy": above(0.10)}, "busy"),
        ({"stolen_cores": 0.02}, {"stolen_cores": above(0.02)}, "stolen"),
        ({"throttled": 0}, {"throttled": 1}, "throttled"),
        ({"throttled": None}, {"throttled": 7}, "throttled"),
    ],
)
def test_one_process_of_several_is_enough_for_a_finding(
    at_the_limit: dict[str, Any], beyond_it: dict[str, Any], code: str
) -> None:
    assert codes(process(**at_the_limit), process(), process(**at_the_limit)) == []
    assert codes(process(), process(**beyond_it), process()) == [code]


def test_every_code_has_a_meaning_in_the_documentation() -> None:
    seen = Conditions(events=(("sw_power_cap",),), others=(1,))
    everything = process(False, seen, other_cores_busy=1.0, stolen_cores=1.0, throttled=1, quota_periods=1)
    stats = Stats.from_json({**GOOD.to_json(), "n": 3, "std": 1.0})
    lost = [PARTNER_ENDED.failure]
    doubts = check(stats, [everything], 9.0, 4, 0.001, f"it is {ABOVE_PEAK}", ["layer"], "another order", 3, lost)
    assert [doubt.code for doubt in doubts] == list(DOUBTS)


def test_findings_add_up() -> None:
    everything = process(False, other_cores_busy=1.0, stolen_cores=1.0, throttled=1)
    expected = ["unsteady", "few_samples", "deviation", "busy", "stolen", "throttled", "loaded"]
    assert codes(everything, n=3, std=1.0, load=9.0) == expected


@pytest.mark.parametrize(
    ("processes", "options", "message"),
    [
        ([process(False), process(), process(False)], {}, "in 2 of 3 processes"),
        ([], {"n": 12}, "12 samples; a 90th percentile takes 64"),
        ([], {"std": 0.25}, "the standard deviation is 25% of the mean"),
        ([process(other_cores_busy=0.2), process(other_cores_busy=1.5)], {}, "kept 1.50 cores busy"),
        ([process(stolen_cores=0.25)], {}, "gave 0.25 cores to other guests"),
        ([], {"load": 3.5}, "the load was 3.50 on 4 cores"),
    ],
)
def test_a_finding_says_how_much(processes: list[Measured], options: dict[str, Any], message: str) -> None:
    [finding] = findings(*processes, **options)
    assert message in finding.message


@pytest.mark.parametrize(("target_width", "found"), [(None, []), (0.0201, []), (0.0199, ["imprecise"])])
def test_an_interval_wider_than_asked_for_is_called_imprecise(target_width: float | None, found: list[str]) -> None:
    assert codes(target_width=target_width) == found


def board(
    events: Sequence[Sequence[str] | None] = (), others: Sequence[int | None] = (), before: int | None = 0
) -> Measured:
    """A process whose accelerator fared so."""
    events = tuple(None if some is None else tuple(some) for some in events)
    return process(accelerator=Conditions(events=events, others=tuple(others), others_before=before))


@pytest.mark.parametrize(
    ("others", "before", "message"),
    [
        ([0, 0], 0, None),
        ([None, None], None, None),
        ([0, 0], 1, "another process was"),
        ([0, 1], 0, "another process was"),
        ([0, 2], 3, "3 other processes were"),
    ],
)
def test_others_on_the_accelerator_are_noticed(
    others: list[int | None], before: int | None, message: str | None
) -> None:
    found = findings(board(), board(others=others, before=before))
    assert [finding.code for finding in found] == ["accelerator_busy"] * (message is not None)
    assert all((message or "") in finding.message for finding in found)


@pytest.mark.parametrize(
    ("events", "named"),
    [
        ([[], []], None),
        ([None, None], None),
        ([["gpu_idle"], ["applications_clocks_setting"]], None),
        ([["gpu_idle"], ["gpu_idle", "sw_power_cap"]], "sw_power_cap"),
        ([["hw_thermal_slowdown"], ["hw_slowdown"]], "hw_slowdown, hw_thermal_slowdown"),
    ],
)
def test_what_holds_the_accelerator_back_is_named(events: list[list[str] | None], named: str | None) -> None:
    found = findings(board(), board(events))
    assert [finding.code for finding in found] == ["accelerator_throttled"] * (named is not None)
    assert all(finding.message.endswith(f": {named}") for finding in found)


def test_a_process_on_the_processor_has_no_accelerator_to_doubt() -> None:
    assert codes(process(accelerator=None)) == []


@pytest.mark.parametrize(
    ("why", "found"), [("", []), ("no peak of int8 was measured", []), (f"it is {ABOVE_PEAK}", ["above_peak"])]
)
def test_more_than_the_machine_is_said_to_do_at_most_is_doubtful(why: str, found: list[str]) -> None:
    assert codes(no_share=why) == found


def test_what_a_count_of_macs_leaves_out_is_named_as_far_as_a_line_goes() -> None:
    (found,) = check(GOOD, [process()], 0.0, 4, macs_left_out=["a/b\x1b", *"cdefgh"])
    assert found.code == "macs_not_whole"
    assert found.message == "the MACs leave out a/b?, c, d, e, f and 2 more: what they multiply can't be seen"


@pytest.mark.parametrize(("damaged", "files"), [(1, "1 file"), (1200, "1,200 files")])
def test_images_that_were_left_out_of_the_score_are_counted(damaged: int, files: str) -> None:
    assert check(GOOD, [process()], 0.0, 4, damaged=damaged) == [
        Doubt(code="images_damaged", message=f"the score leaves out {files} that can't be decoded")
    ]


def test_classes_that_were_matched_by_name_are_said() -> None:
    assert check(GOOD, [process()], 0.0, 4, classes_note="another order") == [
        Doubt(code="classes_reordered", message="another order")
    ]
