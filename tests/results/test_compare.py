"""Verdicts: right where the data say so, and withheld where they don't."""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import altered, make_result

from zoo.benchmarking.stats import summarise
from zoo.errors import EXIT_INCONCLUSIVE, UsageError
from zoo.record.result import Result
from zoo.record.scenario import Scenario
from zoo.report import comparisons as comparisons_report
from zoo.results import gate
from zoo.results.compare import Comparison, NoiseFloor, compare, compare_matching, name_sides
from zoo.results.speed import Spread, mean_difference
from zoo.results.verdicts import decide


def measured(processes: Sequence[Sequence[float]], *, paired: bool = True, **changes: Any) -> Result:
    """A Result with these samples, in seconds, one list a process."""
    samples = [
        {"latency_s": list(values), "memory": {"peak_bytes": 700_000_000}, "pair": number if paired else None}
        for number, values in enumerate(processes)
    ]
    return make_result(samples=samples, run="20261101T000000-00000000" if paired else None, **changes)


def simulated(
    random: np.random.Generator, processes: int, *, scale: float = 1.0, between: float = 0.01, within: float = 0.03
) -> list[list[float]]:
    """Samples whose processes differ by `between` and whose rounds differ by `within`."""
    return [
        (scale * 0.01 * math.exp(between * random.normal()) * np.exp(within * random.normal(size=100))).tolist()
        for _ in range(processes)
    ]


def latency(comparisons: list[Comparison]) -> Comparison:
    (found,) = [c for c in comparisons if c.measure == "latency"]
    return found


@pytest.mark.parametrize(("scale", "verdict"), [(1.10, "slower"), (0.90, "faster"), (1.0, "same")])
def test_a_clear_difference_is_named_and_none_is_the_same(scale: float, verdict: str) -> None:
    random = np.random.default_rng(1)
    a, b = (simulated(random, 5, scale=s, between=0.003) for s in (1.0, scale))
    comparisons = compare([measured(a)], [measured(b)])
    found = latency(comparisons)
    assert found.verdict == verdict
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.change <= found.high
    (throughput,) = [c for c in comparisons if c.measure == "throughput"]
    assert throughput.verdict == verdict
    for comparison in (found, throughput):
        assert comparison.change == pytest.approx(comparison.b / comparison.a - 1, rel=1e-9)


def test_a_model_against_itself_is_hardly_ever_called_different() -> None:
    random = np.random.default_rng(2)
    verdicts = [
        latency(compare([measured(simulated(random, 5))], [measured(simulated(random, 5))])).verdict for _ in range(200)
    ]
    wrong = sum(verdict in ("faster", "slower") for verdict in verdicts)
    assert wrong <= 10  # 5 %


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("count", [3, 5, 10])
def test_the_interval_covers_the_true_difference(count: int, paired: bool) -> None:
    random = np.random.default_rng(count)
    covered = 0
    for _ in range(300):
        drift = random.normal(0, 0.05 if paired else 0.0, count)
        a, b = (drift + shift + random.normal(0, 0.01, count) for shift in (0.0, 0.05))
        centre, reach = mean_difference(a, b, paired=paired)
        covered += abs(centre - 0.05) <= reach
    assert covered >= 300 * 0.92  # 95 % less three standard errors


def test_what_is_known_of_the_spread_counts_by_its_degrees_of_freedom() -> None:
    a, b = [0.0, 0.02], [0.1, 0.12]
    by_themselves = mean_difference(a, b, paired=False)
    assert mean_difference(a, b, paired=False, known=Spread(0.0, 10)) < by_themselves
    centre, reach = mean_difference(a, b, paired=False, known=Spread(0.03, math.inf))
    assert centre == pytest.approx(0.1)
    assert reach == pytest.approx(1.959964 * 0.03)
    assert mean_difference([1.0], [2.0], paired=False) == (1.0, 0.0)


FLOOR = NoiseFloor(
    process_sd=0.02,
    pair_sd=0.02,
    pairs=10,
    environment="0123456789abcdef",
    scenario=Scenario(model="one", dataset="any"),
    ratio_p95=0.05,
)


def test_one_pair_gives_no_verdict_unless_the_floor_is_known() -> None:
    random = np.random.default_rng(3)
    a, b = ([measured(simulated(random, 1, scale=s))] for s in (1.0, 1.2))
    unknown = latency(compare(a, b))
    assert unknown.verdict == "inconclusive"
    assert "'zoo calibrate'" in unknown.reason
    assert gate.exit_code(gate.judge([gate.parse("latency>+90%")], compare(a, b))) == EXIT_INCONCLUSIVE
    assert latency(compare(a, b, floor=FLOOR)).verdict == "slower"
    assert gate.exit_code(gate.judge([gate.parse("latency>+90%")], compare(a, b, floor=FLOOR))) == 0


@pytest.mark.parametrize(
    ("scale", "uncalibrated", "calibrated"),
    [(1.0, "inconclusive", "inconclusive"), (1.2, "inconclusive", "slower"), (0.5, "faster", "faster")],
)
def test_results_of_different_times_are_one_observation_each(scale: float, uncalibrated: str, calibrated: str) -> None:
    random = np.random.default_rng(3)
    a, b = ([measured(simulated(random, 5, scale=s, between=0.001), paired=False)] for s in (1.0, scale))
    unknown = latency(compare(a, b))
    assert unknown.verdict == uncalibrated
    assert "10% from one time to another is assumed" in unknown.reason
    assert "'zoo calibrate'" in unknown.reason
    known = latency(compare(a, b, floor=FLOOR))
    assert known.verdict == calibrated
    assert known.high is not None
    assert known.low is not None
    assert math.log1p(known.high) - math.log1p(known.low) >= 2 * 1.95 * 0.02 * math.sqrt(2)


def turned(random: np.random.Generator, speed: np.ndarray, scale: float) -> dict[str, Any]:
    """One process's record on a machine of this speed, turn by turn."""
    samples = [x for now in speed for x in (0.01 * scale * now * np.exp(0.005 * random.normal(size=5))).tolist()]
    turns = [{"start_s": float(n), "rounds": 5} for n in range(len(speed))]
    return {"latency_s": samples, "turns": turns, "memory": {"peak_bytes": 700_000_000}, "pair": 0}


def test_what_the_machine_does_in_both_turns_of_a_pair_cancels_out() -> None:
    random = np.random.default_rng(4)
    speed = np.exp(0.1 * random.normal(size=64))
    a, b = (make_result(samples=[turned(random, speed, s)], run="20261101T000000-00000000") for s in (1.0, 1.05))
    sure = NoiseFloor.from_json({**FLOOR.to_json(), "pair_sd": 1e-6})
    found = latency(compare([a], [b], floor=sure))
    assert found.verdict == "slower"
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 0.05 <= found.high
    assert 0.0005 < found.high - found.low < 0.02


def test_three_results_a_side_tell_themselves_how_they_vary() -> None:
    random = np.random.default_rng(8)
    a, b = (
        [measured(simulated(random, 1, scale=s, between=0.005), paired=False) for _ in range(4)] for s in (1.0, 1.1)
    )
    found = latency(compare(a, b))
    assert found.verdict == "slower"
    assert found.reason == "4 Results and 4 Results, at different times"


def test_a_noisy_result_has_at_least_its_own_interval() -> None:
    random = np.random.default_rng(8)
    a, b = ([measured(simulated(random, 1, within=0.5), paired=False)] for _ in range(2))
    sure = FLOOR.from_json({**FLOOR.to_json(), "process_sd": 1e-6})
    found = latency(compare(a, b, floor=sure))
    assert found.low is not None
    assert found.high is not None
    assert math.log1p(found.high) - math.log1p(found.low) > 0.1


def test_different_environments_are_refused_unless_allowed_and_then_named() -> None:
    random = np.random.default_rng(4)
    a = [measured(simulated(random, 3))]
    b = [measured(simulated(random, 3), fingerprint="fedcba9876543210")]
    with pytest.raises(UsageError, match="different environments"):
        compare(a, b)
    assert all(comparison.across for comparison in compare(a, b, across=True))


def test_sides_without_anything_in_common_are_refused() -> None:
    with pytest.raises(UsageError, match="nothing was measured on both sides"):
        compare_matching([make_result(batch_size=1)], [make_result(batch_size=32)])
    with pytest.raises(UsageError, match="the first side has no Result to compare"):
        compare_matching([make_result(outcome="timeout")], [make_result()])


def scored(right: Sequence[bool], **changes: Any) -> Result:
    """A Result with these predictions, right or wrong."""
    packed = base64.b64encode(zlib.compress(np.packbits(np.array(right)).tobytes())).decode()
    result = make_result(**changes)
    accuracy = {"value": sum(right) / len(right), "low": 0.0, "high": 1.0, "images": len(right)}
    return make_result(
        measures={**result.measures.to_json(), "accuracy": accuracy},
        predictions={"dataset_sha256": "d", "split": "test", "classes": "", "correct": packed},
        **changes,
    )


def accuracy_of(a: Result, b: Result) -> Comparison:
    (found,) = [c for c in compare([a], [b]) if c.measure == "accuracy"]
    return found


def test_accuracy_is_compared_image_by_image() -> None:
    both = [True] * 900
    a = scored([*both, *[True] * 5, *[False] * 45, *[False] * 50])
    b = scored([*both, *[False] * 5, *[True] * 45, *[False] * 50], model="plain_cnn")
    found = accuracy_of(a, b)
    assert found.change == pytest.approx(0.04)
    assert found.verdict == "better"
    assert "5 right only in toy_resnet, 45 only in plain_cnn" in found.reason
    assert accuracy_of(b, a).verdict == "worse"


def test_the_same_predictions_are_the_same_for_sure() -> None:
    a = scored([True, False, True])
    found = accuracy_of(a, a)
    assert (found.low, found.high, found.verdict) == (0.0, 0.0, "same")


def test_predictions_on_other_images_are_not_compared() -> None:
    a, b = scored([True, False]), scored([True, False])
    other = altered(b, predictions={**b.predictions.to_json(), "dataset_sha256": "e"})
    assert accuracy_of(a, other).verdict == "inconclusive"


limits = st.floats(-0.5, 0.5)


@given(limits, limits, st.floats(0, 0.1), st.floats(0, 0.1))
@settings(max_examples=200)
def test_a_verdict_and_its_mirror_image_agree(x: float, y: float, least: float, margin: float) -> None:
    low, high = min(x, y), max(x, y)
    mirrored = {"faster": "slower", "slower": "faster"}
    verdict = decide("latency", low, high, least, margin)
    assert decide("latency", -high, -low, least, margin) == mirrored.get(verdict, verdict)
    if verdict == "slower":
        assert low > least
    if verdict == "same":
        assert max(abs(low), abs(high)) <= margin


def counted(left_out: list[str]) -> Result:
    """A Result whose MACs leave these layers out."""
    result = make_result()
    return altered(result, measures={**result.measures.to_json(), "macs_left_out": left_out})


@pytest.mark.parametrize("sides", [(["odd"], []), ([], ["odd"]), (["odd"], ["odd"])])
def test_macs_that_are_not_whole_decide_nothing_and_say_so(sides: tuple[list[str], list[str]]) -> None:
    a, b = (counted(names) for names in sides)
    (macs,) = [c for c in compare([a], [b]) if c.measure == "macs"]
    assert (macs.verdict, macs.low, macs.high) == ("inconclusive", None, None)
    assert macs.not_whole == tuple(name for name, names in zip("ab", sides, strict=True) if names)
    assert "leave out odd" in macs.reason


def test_macs_that_are_whole_are_compared() -> None:
    (macs,) = [c for c in compare([counted([])], [counted([])]) if c.measure == "macs"]
    assert (macs.verdict, macs.reason, macs.not_whole) == ("same", "", ())


BUSY = {"code": "busy", "message": "other processes kept 1.20 cores busy meanwhile"}


def twins(*, checks: Sequence[dict[str, str]], paired: bool, scale: float = 0.5) -> list[Comparison]:
    """Two Results of one model of which the second looks twice as fast, the first with these checks."""
    random = np.random.default_rng(9)
    a = measured(simulated(random, 5, between=0.001), paired=paired, checks=list(checks), labels=["before"])
    b = measured(simulated(random, 5, scale=scale, between=0.001), paired=paired, labels=["after"])
    return compare([a], [b], floor=FLOOR)


@pytest.mark.parametrize("code", ["busy", "throttled", "loaded", "unsteady", "accelerator_busy", "of_a_later_version"])
def test_doubtful_results_of_different_times_give_no_verdict_on_speed(code: str) -> None:
    comparisons = twins(checks=[{**BUSY, "code": code}], paired=False)
    for found in (c for c in comparisons if c.measure in ("latency", "throughput")):
        assert (found.verdict, found.low, found.high) == ("inconclusive", None, None)
        (doubt,) = found.doubts
        assert str(doubt) == f"toy_resnet, before: {code}: {BUSY['message']}"
        assert "'zoo bench --against'" in found.reason
    assert gate.exit_code(gate.judge([gate.parse("latency>+5%")], comparisons)) == EXIT_INCONCLUSIVE
    lines = comparisons_report.reasons(comparisons)
    assert [line for line in lines if line.startswith("!")] == [
        f"! digits, tensorflow, cpu, float32, batch 1: toy_resnet, before: {code}: {BUSY['message']}"
    ]


def test_what_the_machine_did_to_both_sides_in_turn_is_said_and_decides_nothing() -> None:
    found = latency(twins(checks=[BUSY], paired=True))
    assert found.verdict == "faster"
    assert [doubt.code for doubt in found.doubts] == ["busy"]


@pytest.mark.parametrize(("unsettled", "verdict"), [(2, "faster"), (3, "inconclusive"), (5, "inconclusive")])
def test_a_side_that_mostly_was_not_steady_gives_no_verdict_even_in_turn(unsettled: int, verdict: str) -> None:
    random = np.random.default_rng(9)
    a, b = (measured(simulated(random, 5, scale=s, between=0.001)) for s in (1.0, 0.5))
    samples = [{**process.to_json(), "settled": n >= unsettled} for n, process in enumerate(a.samples)]
    a = altered(a, samples=samples, checks=[{"code": "unsteady", "message": "no steady state"}], labels=["before"])
    found = latency(compare([a], [b]))
    assert found.verdict == verdict
    assert [doubt.code for doubt in found.doubts] == ["unsteady"]
    assert "--against" not in found.reason


@pytest.mark.parametrize("code", ["deviation", "imprecise", "process_lost"])
def test_a_doubt_that_the_interval_covers_is_said_and_decides_nothing(code: str) -> None:
    found = latency(twins(checks=[{**BUSY, "code": code}], paired=False))
    assert found.verdict == "faster"
    assert [doubt.code for doubt in found.doubts] == [code]


@pytest.mark.parametrize("code", ["few_samples", "above_peak", "classes_reordered", "images_damaged", "macs_not_whole"])
def test_what_is_no_doubt_about_what_is_compared_is_not_said(code: str) -> None:
    assert latency(twins(checks=[{**BUSY, "code": code}], paired=False)).doubts == ()


WEIGHTS = {"source": "plugin", "sha256": "3fa4" * 16}


@pytest.mark.parametrize(
    ("a", "b", "names"),
    [
        ({"model": "plain_cnn"}, {}, ("plain_cnn", "toy_resnet")),
        ({"runtime": "torch"}, {}, ("toy_resnet, torch", "toy_resnet, tensorflow")),
        ({"labels": ["x"]}, {"labels": ["y"]}, ("toy_resnet, x", "toy_resnet, y")),
        (
            {},
            {"plugin": {"distribution": "zoo-toy-resnet", "version": "0.2.0"}},
            ("toy_resnet, zoo-toy-resnet 0.1.0", "toy_resnet, zoo-toy-resnet 0.2.0"),
        ),
        ({"zoo_version": "0.0.9"}, {}, ("toy_resnet, zoo 0.0.9", "toy_resnet, zoo 0.1.0")),
        ({}, {"weights": WEIGHTS}, ("toy_resnet, random weights", "toy_resnet, weights 3fa43fa4")),
        ({"code": "0" * 16}, {"code": "1" * 16}, ("toy_resnet, code 00000000", "toy_resnet, code 11111111")),
        (
            {"fingerprint": "f" * 16},
            {},
            ("toy_resnet, environment ffffffff", "toy_resnet, environment 01234567"),
        ),
        ({}, {}, ("20261101T010000-00000001", "20261101T020000-00000002")),
    ],
)
def test_the_sides_are_named_by_what_tells_them_apart(
    a: dict[str, Any], b: dict[str, Any], names: tuple[str, str]
) -> None:
    sides = [make_result(1, **a)], [make_result(2, **b)]
    assert name_sides(*sides) == names
    text = comparisons_report.table(compare(*sides, across=True), "github")
    assert all(name in text.splitlines()[0] for name in names)


def test_a_label_that_several_models_have_is_compared_model_by_model() -> None:
    before, after = (
        [make_result(n, model=model, labels=[label]) for n, model in enumerate(("resnet8", "resnet20"), start)]
        for start, label in ((0, "before"), (2, "after"))
    )
    found = compare_matching(before, after)
    assert {c.scenario.partition(",")[0] for c in found} == {"resnet8", "resnet20"}
    assert {c.names for c in found} == {("before", "after")}
    assert all(len(side.results) == 1 for c in found for side in c.sides)


@pytest.mark.parametrize(
    "change",
    [
        {"plugin": {"distribution": "zoo-toy-resnet", "version": "0.2.0"}},
        {"zoo_version": "0.2.0"},
        {"code": "f" * 16},
        {"weights": WEIGHTS},
        {"model": "plain_cnn"},
    ],
)
def test_results_of_different_things_are_not_pooled(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"holds Results of different .* name one by its id"):
        compare([make_result(1), make_result(2, **change)], [make_result(3)])


def test_two_runs_that_share_one_side_are_not_taken_for_turns() -> None:
    runs = [f"20261101T00000{n}-00000000" for n in range(3)]
    samples = [[0.01] * 64]
    a, b = (
        [altered(measured(samples), run=runs[0]), altered(measured(samples), run=run)] for run in (runs[1], runs[2])
    )
    assert "at different times" in latency(compare(a, b)).reason


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_a_comparison_shows_what_each_result_states(count: int, seed: int) -> None:
    """Processes that differ widely: a median of all samples and a mean of medians would be far apart."""
    random = np.random.default_rng(seed)
    a, b = (simulated(random, count, between=0.5, within=0.3) for _ in range(2))
    stated = [summarise(side) for side in (a, b)]
    found = {c.measure: c for c in compare([measured(a)], [measured(b)])}
    for comparison, value in ((found["latency"], "median"), (found["throughput"], "mean")):
        figures = [getattr(stats, value) for stats in stated]
        if comparison.measure == "throughput":
            figures = [1 / seconds for seconds in figures]
        assert [comparison.a, comparison.b] == pytest.approx(figures, rel=1e-12)
        assert comparison.change == pytest.approx(figures[1] / figures[0] - 1, rel=1e-9, abs=1e-12)
