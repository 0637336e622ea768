"""The gate: broken, kept, or can't tell; nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import make_result

from zoo.errors import UsageError
from zoo.results.gate import exit_code, judge, parse
from zoo.results.verdicts import ComparedSide, Comparison


def comparison(measure: str, low: float | None, high: float | None) -> Comparison:
    change = 0.0 if low is None or high is None else (low + high) / 2
    result = make_result()
    return Comparison(
        measure=measure,
        scenario="s",
        sides=(ComparedSide.of([result], "one"), ComparedSide.of([result], "other")),
        a=1.0,
        b=1.0,
        change=change,
        low=low,
        high=high,
        verdict="inconclusive",
    )


@pytest.mark.parametrize(
    ("limit", "measure", "low", "high", "code"),
    [
        ("latency>+5%", "latency", 0.06, 0.08, 1),
        ("latency>+5%", "latency", 0.04, 0.08, 4),
        ("latency>+5%", "latency", -0.02, 0.02, 0),
        ("latency > 5 %", "latency", 0.06, 0.08, 1),
        ("throughput<-5%", "throughput", -0.08, -0.06, 1),
        ("throughput<-5%", "throughput", -0.08, 0.0, 4),
        ("throughput<-5%", "throughput", -0.04, 0.1, 0),
        ("accuracy<-0.5pp", "accuracy", -0.02, -0.01, 1),
        ("accuracy<-0.5pp", "accuracy", -0.01, 0.01, 4),
        ("accuracy<-0.5pp", "accuracy", 0.0, 0.0, 0),
        ("memory>+10%", "memory", None, None, 4),
        ("memory>+10%", "latency", 0.0, 0.0, 4),
    ],
)
def test_only_what_is_sure_is_said(limit: str, measure: str, low: float, high: float, code: int) -> None:
    assert exit_code(judge([parse(limit)], [comparison(measure, low, high)])) == code


def test_one_broken_limit_outweighs_one_that_cannot_be_told() -> None:
    judged = judge(
        [parse("latency>+5%"), parse("accuracy<-1pp")],
        [comparison("latency", 0.1, 0.2), comparison("accuracy", -0.02, 0.02)],
    )
    assert exit_code(judged) == 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("latency", "is not a limit such as"),
        ("latency>5", "is not a limit such as"),
        ("latency>=5%", "is not a limit such as"),
        ("speed>5%", "there is no measure 'speed'"),
        ("accuracy<-1%", "accuracy is limited in pp"),
        ("latency>5pp", "accuracy is limited in pp"),
    ],
)
def test_what_is_no_limit_is_refused(text: str, line: str) -> None:
    with pytest.raises(UsageError, match=line):
        parse(text)


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(-1, 1))
def test_the_gate_never_contradicts_the_interval(low: float, width: float, limit: float) -> None:
    outcome = parse(f"latency>{limit * 100:+.6f}%").judge(comparison("latency", low, low + width))
    limit = round(limit * 100, 6) / 100
    if outcome == "broken":
        assert low > limit - 1e-12
    if outcome == "kept":
        assert low + width <= limit + 1e-12
