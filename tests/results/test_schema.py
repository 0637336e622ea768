"""The record of a measurement: it survives the journey, and nothing else is taken for one."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.bench.scenario import Scenario
from zoo.errors import UsageError
from zoo.results.schema import MEASURES, SCHEMA, Result, loads

QUICK = settings(max_examples=60, deadline=None, database=None, derandomize=True)

SCENARIO = Scenario(model="toy", dataset="digits", batch_size=32)
RESULT = Result(
    id="20260101T000000-0123abcd",
    created_at="2026-01-01T00:00:00+00:00",
    outcome="ok",
    scenario=SCENARIO.to_json(),
    environment={"fingerprint": "0123456789abcdef", "processor": {"usable_cores": 2}},
    measures={**dict.fromkeys(MEASURES), "latency_s": 0.1 + 0.2},
    reasons={"accuracy": "no weights"},
    plugin={"distribution": "zoo-toy", "version": "1.0"},
    zoo_version="0.1.0",
    samples=({"latency_s": [0.1, 0.30000000000000004], "settled": True},),
    checks=({"code": "busy", "message": "a ‘busy’ machine"},),
    labels=("before",),
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(st.text(), json_values, max_size=3)
results = st.builds(
    Result,
    id=st.text(),
    created_at=st.text(),
    outcome=st.sampled_from(["ok", "error", "timeout", "signal", "out_of_memory"]),
    scenario=objects,
    environment=objects,
    measures=objects,
    reasons=st.dictionaries(st.text(), st.text(), max_size=3),
    plugin=st.dictionaries(st.text(), st.text(), max_size=2),
    zoo_version=st.text(),
    failure=st.none() | objects,
    stats=objects,
    samples=st.lists(objects, max_size=2),
    weights=st.none() | objects,
    predictions=st.none() | objects,
    checks=st.lists(st.dictionaries(st.text(), st.text(), max_size=2), max_size=2),
    labels=st.lists(st.text(), max_size=2),
)


@QUICK
@given(results)
def test_a_result_survives_the_journey(result: Result) -> None:
    assert loads(result.dumps()) == result
    assert loads(result.dumps().encode()) == result


def test_a_result_is_one_line_of_json_with_its_schema() -> None:
    text = RESULT.dumps()
    assert "\n" not in text
    assert json.loads(text)["schema"] == SCHEMA == "zoo.result/1"
    assert set(json.loads(text)) == {field.name for field in dataclasses.fields(Result)}


def test_numbers_keep_every_digit() -> None:
    assert loads(RESULT.dumps()).measures["latency_s"] == 0.1 + 0.2
    assert loads(RESULT.dumps()).samples[0]["latency_s"][1] == 0.30000000000000004


def test_the_scenario_is_an_object_again() -> None:
    assert loads(RESULT.dumps()).get_scenario() == SCENARIO


def test_a_result_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RESULT.outcome = "error"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_not_written(value: Any) -> None:
    result = dataclasses.replace(RESULT, measures={"latency_s": value})
    with pytest.raises(ValueError, match="not JSON compliant"):
        result.dumps()


def changed(**changes: Any) -> str:
    record = {**RESULT.to_json(), **changes}
    return json.dumps({key: value for key, value in record.items() if value is not ...})


def refusal(text: str | bytes) -> str:
    with pytest.raises(UsageError) as error:
        loads(text, "old/run.json")
    message = str(error.value)
    assert message.startswith("old/run.json ")
    assert message.isprintable()
    assert len(message) < 200
    return message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        b"\xff\xfe\x00",
        b"\x00" * 1000,
        RESULT.dumps()[:-1],
        RESULT.dumps()[: len(RESULT.dumps()) // 2],
        RESULT.dumps() * 2,
    ],
    ids=range(7),
)
def test_what_is_not_json_is_refused_as_damaged(text: str | bytes) -> None:
    assert refusal(text) == "old/run.json is damaged: not JSON"


def test_what_is_nested_without_end_is_refused_as_damaged() -> None:
    assert "is damaged" in refusal("[" * 100_000)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_not_read(value: float) -> None:
    assert "is damaged" in refusal(changed(measures={"latency_s": value}))


@pytest.mark.parametrize("text", ["[]", "7", "null", '"zoo.result/1"', "{}", '{"name": "x"}', changed(schema=...)])
def test_what_has_no_schema_is_no_result(text: str) -> None:
    assert refusal(text) == "old/run.json is not a Result: it has no schema"


@pytest.mark.parametrize("schema", ["zoo.result/10", "other/1", "", None, 1, ["zoo.result/1"], {}])
def test_another_schema_is_refused(schema: Any) -> None:
    message = refusal(changed(schema=schema))
    assert message.startswith("old/run.json has the schema ")
    assert message.endswith("; this zoo reads zoo.result/1")


def test_a_newer_schema_is_refused_and_named() -> None:
    assert "zoo.result/2" in refusal(changed(schema="zoo.result/2", more="fields"))


def test_a_hostile_schema_reaches_no_screen() -> None:
    refusal(changed(schema="\x1b[31mred" + "x" * 10_000))


@pytest.mark.parametrize("field", ["id", "outcome", "scenario", "measures", "environment", "plugin"])
def test_a_missing_field_is_named(field: str) -> None:
    message = refusal(changed(**{field: ...}))
    assert "is damaged" in message
    assert f"'{field}'" in message
    assert "__init__" not in message


def test_a_field_of_a_later_version_is_named() -> None:
    message = refusal(changed(colour="red"))
    assert "'colour'" in message
    assert "__init__" not in message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 7),
        ("outcome", None),
        ("scenario", None),
        ("scenario", "toy"),
        ("environment", []),
        ("measures", 0.5),
        ("measures", None),
        ("reasons", None),
        ("samples", 7),
        ("samples", None),
        ("samples", "text"),
        ("samples", {"latency_s": []}),
        ("samples", [7]),
        ("stats", None),
        ("checks", [None]),
        ("labels", "text"),
        ("weights", []),
        ("failure", "it failed"),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused_as_damaged(field: str, value: Any) -> None:
    assert "is damaged" in refusal(changed(**{field: value}))
