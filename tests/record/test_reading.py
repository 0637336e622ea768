"""Reading a Result: it survives the journey, and nothing else is taken for one."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import make_result

from zoo.errors import UsageError
from zoo.record.reading import Damaged, loads
from zoo.record.result import Result
from zoo.record.scenario import OUTCOMES
from zoo.report import tables
from zoo.results.export import csv_table, jsonl, parse
from zoo.results.rows import from_columns, row_of, to_columns

QUICK = settings(max_examples=200, deadline=None, database=None, derandomize=True)

RESULT = make_result(
    weights={"source": "plugin", "sha256": "0" * 64},
    checks=[{"code": "busy", "message": "a ‘busy’ machine"}],
    labels=("before",),
)
FAILED = make_result(outcome="signal")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
more = st.dictionaries(st.text().map(lambda name: f"x-{name}"), json_values, max_size=3)


@QUICK
@given(st.sampled_from(OUTCOMES), more, more, more, st.none() | more, st.lists(st.text(), max_size=2))
def test_a_result_survives_the_journey(
    outcome: str, environment: Any, measures: Any, sample: Any, predictions: Any, labels: list[str]
) -> None:
    plain = make_result(outcome=outcome)
    result = make_result(
        outcome=outcome,
        environment={**environment, **plain.environment.to_json()},
        measures={**measures, **plain.measures.to_json()},
        samples=[{**sample, "latency_s": [0.1, 0.30000000000000004]}] if outcome == "ok" else [],
        predictions=None if predictions is None else {**predictions, "dataset_sha256": "d", "correct": ""},
        labels=labels,
    )
    assert loads(result.dumps().encode()) == result


def test_a_share_above_the_peak_that_an_earlier_version_stored_is_none() -> None:
    stored = make_result(measures={**RESULT.measures.to_json(), "flops_share": 1.04, "bound_by": "arithmetic"})
    found = loads(stored.dumps().encode())
    assert (found.measures.flops_share, found.measures.bound_by) == (None, None)
    assert found.reasons["flops_share"] == found.reasons["bound_by"] == "above the measured peak of the machine"


def test_numbers_keep_every_digit() -> None:
    result = make_result(measures={**RESULT.measures.to_json(), "latency_s": 0.1 + 0.2})
    assert loads(result.dumps().encode()).measures.latency_s == 0.1 + 0.2


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a record there is something, by the keys and numbers that lead there."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


@settings(max_examples=500, deadline=None, database=None, derandomize=True)
@given(st.data())
def test_what_is_read_can_be_listed_shown_and_exported(data: st.DataObject) -> None:
    """Whatever is put anywhere, or taken away: it is refused in a line, or everything works with it."""
    record = copy.deepcopy(data.draw(st.sampled_from([RESULT, FAILED])).to_json())
    *path, last = data.draw(st.sampled_from(sorted(places(record), key=str)))
    holder = record
    for key in path:
        holder = holder[key]
    if data.draw(st.booleans()):
        del holder[last]
    else:
        holder[last] = data.draw(json_values | st.sampled_from([10**400, "ok", "error"]))
    (result,) = parse(json.dumps(record).encode(), "x")
    if isinstance(result, Damaged):
        assert str(result).startswith("x ")
        assert str(result).isprintable()
        return
    assert from_columns(to_columns(row_of(result))) == row_of(result)
    assert "".join(jsonl([result]))
    assert "".join(csv_table([result]))
    assert tables.bench([result], "simple")


def changed(**changes: Any) -> str:
    record = {**RESULT.to_json(), **changes}
    return json.dumps({key: value for key, value in record.items() if value is not ...})


def refusal(text: str | bytes) -> str:
    with pytest.raises(UsageError) as error:
        loads(text.encode() if isinstance(text, str) else text, "old/run.json")
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
    assert f"`{field}`" in message
    assert "__init__" not in message


def test_a_field_of_a_later_version_is_passed_over() -> None:
    later = {**RESULT.measures.to_json(), "smell": 7}
    assert loads(changed(colour="red", measures=later).encode()) == loads(RESULT.dumps().encode())


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


ENERGY = ("energy_per_image_j", "energy_per_image_net_j", "power_w", "idle_power_w")


@pytest.mark.parametrize("result", [RESULT, FAILED])
def test_a_measure_that_came_later_is_null_in_an_older_result_and_says_why(result: Result) -> None:
    record = result.to_json()
    for name in (*ENERGY, "flops_share"):
        del record["measures"][name]
        record["reasons"].pop(name, None)
    found = loads(json.dumps(record).encode())
    assert {name: getattr(found.measures, name) for name in ENERGY} == dict.fromkeys(ENERGY)
    assert {found.reasons[name] for name in (*ENERGY, "flops_share")} == {"not measured by that version"}
    assert loads(found.dumps().encode()) == found


@pytest.mark.parametrize("name", [*ENERGY, "flops_share"])
def test_each_measure_that_came_later_is_checked(name: str) -> None:
    with pytest.raises(UsageError, match=rf"got `str` - at `\$.measures.{name}`"):
        loads(changed(measures={**RESULT.measures.to_json(), name: "much"}).encode())
