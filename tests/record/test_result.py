"""The record of a measurement."""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
from typing import Any, get_args

import pytest
from support import altered, make_result

from zoo.executors.local import Outcome
from zoo.record.measures import MEASURES, Measures
from zoo.record.result import SCHEMA, Result
from zoo.record.scenario import OUTCOMES, Scenario

SCENARIO = Scenario(model="toy", dataset="digits", batch_size=32)
RESULT = Result.from_json(
    {
        "id": "20260101T000000-0123abcd",
        "created_at": "2026-01-01T00:00:00+00:00",
        "outcome": "ok",
        "scenario": SCENARIO.to_json(),
        "environment": make_result().environment.to_json(),
        "measures": {**dict.fromkeys(MEASURES), "latency_s": 0.1 + 0.2},
        "reasons": {"accuracy": "no weights"},
        "plugin": {"distribution": "zoo-toy", "version": "1.0"},
        "zoo_version": "0.1.0",
        "samples": [{"latency_s": [0.1, 0.30000000000000004], "settled": True}],
        "checks": [{"code": "busy", "message": "a ‘busy’ machine"}],
        "labels": ("before",),
    }
)


def test_a_result_is_one_line_of_json_with_its_schema() -> None:
    text = RESULT.dumps()
    assert "\n" not in text
    assert json.loads(text)["schema"] == SCHEMA == "zoo.result/1"
    assert set(json.loads(text)) == {field.name for field in dataclasses.fields(Result)}


def test_the_scenario_and_the_moment_are_objects_again() -> None:
    assert RESULT.scenario == SCENARIO
    assert RESULT.get_created() == datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize("text", ["2026-01-01T01:30:00+01:30", "2025-12-31T20:00:00-04:00", "2026-01-01T00:00:00"])
def test_a_moment_is_in_utc(text: str) -> None:
    created = altered(RESULT, created_at=text).get_created()
    assert created.isoformat() == "2026-01-01T00:00:00+00:00"


def test_the_outcomes_are_those_of_a_process_and_two_more() -> None:
    assert set(OUTCOMES) == {*get_args(Outcome), "wrong", "unavailable"}


def test_a_result_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RESULT.outcome = "error"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_not_written(value: Any) -> None:
    result = dataclasses.replace(RESULT, measures=Measures(latency_s=value))
    with pytest.raises(ValueError, match="not JSON compliant"):
        result.dumps()
