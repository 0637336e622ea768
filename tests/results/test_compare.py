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

from zoo.errors import UsageError
from zoo.record.result import Result
from zoo.record.scenario import Scenario
from zoo.results.compare import Comparison, Floor, compare, compare_matching, decide
from zoo.results.speed import Spread, mean_difference


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
    assert (1 + throughput.change) * (1 + found.change) == pytest.approx(1)


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


FLOOR = Floor(
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
    assert latency(compare(a, b, floor=FLOOR)).verdict == "slower"


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
    sure = Floor.from_json({**FLOOR.to_json(), "pair_sd": 1e-6})
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
    with pytest.raises(UsageError, match="A has no Result to compare"):
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
    b = scored([*both, *[False] * 5, *[True] * 45, *[False] * 50])
    found = accuracy_of(a, b)
    assert found.change == pytest.approx(0.04)
    assert found.verdict == "better"
    assert "5 right only in A, 45 only in B" in found.reason
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
    assert macs.not_whole == tuple(name for name, names in zip("AB", sides, strict=True) if names)
    assert "leave out odd" in macs.reason


def test_macs_that_are_whole_are_compared() -> None:
    (macs,) = [c for c in compare([counted([])], [counted([])]) if c.measure == "macs"]
    assert (macs.verdict, macs.reason, macs.not_whole) == ("same", "", ())
