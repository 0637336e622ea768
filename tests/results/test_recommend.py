"""Recommendations from Results that are made up, against a search through all of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import altered, make_result

from zoo.record.measures import MEASURES as ALL
from zoo.record.result import Result
from zoo.report.recommendation import answer
from zoo.results.recommend import MEASURES, Limits, Recommendation, candidate, front, newest, recommend

NUMBERS = st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0])


def measured(
    number: int,
    latency: float | None = 1.0,
    accuracy: float | None = 0.9,
    memory: float | None = 2.0,
    *,
    width: float = 0.1,
    outcome: str = "ok",
    **scenario: Any,
) -> Result:
    """A Result of ms, share and 100 MB.

    :param width: of the intervals, as a share.
    """
    if outcome != "ok":
        reasons = dict.fromkeys(ALL, f"{outcome}: it swaps two classes")
        return make_result(number, outcome=outcome, reasons=reasons, **scenario)
    assert latency is not None
    measures = {
        **dict.fromkeys(ALL),
        "latency_s": latency / 1e3,
        "images_per_second": 1e3 / latency,
        "accuracy": None
        if accuracy is None
        else {
            "value": accuracy,
            "low": max(0.0, accuracy - width / 2),
            "high": min(1.0, accuracy + width / 2),
            "images": 100,
        },
        "peak_rss_bytes": None if memory is None else round(memory * 1e8),
    }
    reach = {"low": latency / 1e3 * (1 - width / 2), "high": latency / 1e3 * (1 + width / 2)}
    reasons = {name: "not taken" for name, value in measures.items() if value is None}
    return make_result(
        number,
        measures=measures,
        reasons=reasons,
        stats={"latency_s": {"n": 8, "median": 0.005, "p90": None, **reach}},
        **scenario,
    )


ROWS = st.lists(
    st.tuples(
        NUMBERS,
        st.sampled_from([None, 0.7, 0.8, 0.9]),
        st.one_of(st.none(), NUMBERS),
        st.sampled_from(["ok", "ok", "ok", "wrong", "error"]),
        st.sampled_from(["jax", "tensorflow", "openvino"]),
        st.integers(1, 3),
    ),
    max_size=12,
).map(
    lambda rows: [
        measured(number, latency, accuracy, memory, outcome=outcome, runtime=runtime, threads=threads)
        for number, (latency, accuracy, memory, outcome, runtime, threads) in enumerate(rows)
    ]
)
LIMITS = st.builds(
    Limits,
    latency_s=st.one_of(st.none(), NUMBERS.map(lambda ms: ms / 1e3)),
    accuracy=st.one_of(st.none(), st.sampled_from([0.7, 0.75, 0.8, 0.9, 0.95])),
    memory_bytes=st.one_of(st.none(), NUMBERS.map(lambda size: round(size * 1e8))),
)


def satisfies(result: Result, limits: Limits) -> bool:
    if result.outcome != "ok":
        return False
    measures = result.measures
    latency, accuracy, memory = (getattr(measures, name) for name in ("latency_s", "accuracy", "peak_rss_bytes"))
    return (
        (limits.latency_s is None or latency <= limits.latency_s)
        and (limits.accuracy is None or (accuracy is not None and accuracy.value >= limits.accuracy))
        and (limits.memory_bytes is None or (memory is not None and memory <= limits.memory_bytes))
    )


@given(ROWS, LIMITS, st.sampled_from(MEASURES))
def test_no_row_within_the_limits_beats_the_answer(rows: list[Result], limits: Limits, best: str) -> None:
    current = newest(rows)
    found = recommend(current, limits, best)
    value = {
        "latency": lambda r: r.measures.latency_s,
        "accuracy": lambda r: None if r.measures.accuracy is None else -r.measures.accuracy.value,
        "memory": lambda r: r.measures.peak_rss_bytes,
    }[best]
    fitting = {r.id: value(r) for r in current if satisfies(r, limits) and value(r) is not None}
    within = [found.winner, *found.runners_up] if found.winner else []
    assert {one.id for one in within if one} == set(fitting)
    if found.winner is not None:
        assert fitting[found.winner.id] == min(fitting.values())
        assert found.winner.id in found.front  # nobody is as good in everything, and better in something
        assert [fitting[one.id] for one in within if one] == sorted(fitting.values())
    assert len(within) + len(found.excluded) == len(current)
    assert all(excluded.reasons for excluded in found.excluded)
    assert found.exit_code == (
        0 if found.winner else 1 if found.excluded and all(f.certain for f in found.excluded) else 4
    )
    assert answer(found, "simple")


@given(ROWS)
def test_the_front_is_what_nobody_dominates(rows: list[Result]) -> None:
    costs = {}
    for one in map(candidate, newest(rows)):
        if one.latency is not None:
            accuracy = float("-inf") if one.accuracy is None else one.accuracy.value
            memory = float("inf") if one.memory is None else one.memory.value
            costs[one.id] = (one.latency.value, -accuracy, memory)
    expected = {
        name
        for name, cost in costs.items()
        if not any(other != cost and all(a <= b for a, b in zip(other, cost, strict=True)) for other in costs.values())
    }
    assert {one.id for one in front(list(map(candidate, newest(rows))))} == expected


@given(ROWS)
def test_the_newest_sound_result_of_a_scenario_counts(rows: list[Result]) -> None:
    chosen = {str(result.scenario): result for result in newest(rows)}
    for result in rows:
        kept = chosen[str(result.scenario)]
        if result.outcome in ("ok", "wrong"):
            assert kept.outcome in ("ok", "wrong")
            assert kept.id >= result.id


def found_in(results: list[Result], best: str = "latency", **limits: Any) -> Recommendation:
    return recommend(newest(results), Limits(**limits), best)


def test_a_fast_wrong_answer_is_never_recommended() -> None:
    rows = [measured(0, 0.1, runtime="jax"), measured(1, outcome="wrong", runtime="jax"), measured(2, 1.0)]
    found = found_in(rows)
    assert found.winner is not None
    assert found.winner.runtime == "tensorflow"
    (excluded,) = found.excluded
    assert excluded.reasons == ("wrong: it swaps two classes",)


def test_why_each_fell_out_is_said() -> None:
    rows = [
        measured(0, 1.0, 0.9, 2.0, runtime="a"),
        measured(1, 9.0, 0.9, 2.0, runtime="b"),
        measured(2, 0.9, 0.5, 5.0, runtime="c"),
        measured(3, 0.9, None, 2.0, runtime="d"),
        measured(4, 5.1, 0.9, 2.0, runtime="e"),
    ]
    found = found_in(rows, latency_s=5e-3, accuracy=0.85, memory_bytes=300_000_000)
    assert found.winner is not None
    assert found.winner.runtime == "a"
    assert {one.candidate.runtime: one.reasons for one in found.excluded} == {
        "b": ("latency 9.00 ms, more than 5.00 ms",),
        "c": ("accuracy 50.00 %, less than 85.00 %", "memory 500 MB, more than 300 MB"),
        "d": ("no accuracy: not taken",),
        "e": ("latency 5.10 ms, more than 5.00 ms, which lies inside its interval",),
    }
    assert [one.candidate.runtime for one in found.excluded if not one.certain] == ["d", "e"]
    text = answer(found, "simple")
    assert text.startswith(
        "toy_resnet by a on cpu, float32, 2 threads: the best latency with latency of at most 5.00 ms, accuracy of at "
        "least 85.00 %, memory of at most 300 MB\n"
    )


def test_a_limit_inside_an_interval_and_equals_are_said() -> None:
    rows = [measured(0, 1.0, runtime="a"), measured(1, 1.05, runtime="b"), measured(2, 2.0, runtime="c")]
    found = found_in(rows, latency_s=1.02e-3)
    assert found.notes == ("the limit of latency, 1.02 ms, lies inside the interval of 1.00 ms: 950 µs to 1.05 ms",)
    found = found_in(rows, latency_s=1.5e-3)
    assert found.notes == (
        "toy_resnet by b on cpu, float32, 2 threads is as good in latency for all one can tell: 1.05 ms",
    )


@pytest.mark.parametrize(
    ("rows", "code", "first"),
    [
        ([], 4, "nothing has been measured that could be recommended"),
        ([measured(0, 9.0)], 1, "nothing that was measured has latency of at most 5.00 ms"),
        ([measured(0, 5.1)], 4, "nothing that was measured has latency of at most 5.00 ms"),
        ([measured(0, outcome="error")], 4, "nothing that was measured has latency of at most 5.00 ms"),
    ],
)
def test_nothing_within_the_limits_is_said(rows: list[Result], code: int, first: str) -> None:
    found = found_in(rows, latency_s=5e-3)
    assert found.winner is None
    assert found.exit_code == code
    assert answer(found, "simple").splitlines()[0] == first


def test_on_a_gpu_memory_is_the_devices() -> None:
    gpu = measured(0, 1.0, memory=50.0, device="gpu")
    one = candidate(altered(gpu, measures={**gpu.measures.to_json(), "peak_device_bytes": 10**8}))
    assert one.memory is not None
    assert one.memory.value == 10**8
