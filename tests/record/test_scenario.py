"""A scenario is fully specified, or refused."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.choices import MODES, PRECISIONS
from zoo.errors import UsageError
from zoo.record.scenario import Scenario

DEVICES = ("cpu", "gpu", "gpu:1", "gpu:10")
QUICK = settings(max_examples=60, deadline=None, database=None, derandomize=True)

scenarios = st.builds(
    Scenario,
    model=st.text(min_size=1),
    dataset=st.text(min_size=1),
    runtime=st.text(min_size=1),
    device=st.sampled_from(DEVICES),
    precision=st.sampled_from(PRECISIONS),
    batch_size=st.integers(1, 2**20),
    threads=st.none() | st.integers(1, 2**20),
    mode=st.sampled_from(MODES),
)


@QUICK
@given(scenarios)
def test_a_scenario_survives_json(scenario: Scenario) -> None:
    assert Scenario.from_json(json.loads(json.dumps(scenario.to_json()))) == scenario


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("device", value) for value in ("tpu", "GPU", "gpu:", "gpu:-1", "gpu:01", "gpu:x", "cpu:0", "", None, [])],
        *[("precision", value) for value in ("float64", "fp16", "", None)],
        *[("mode", value) for value in ("dream", "", None)],
        *[("batch_size", value) for value in (0, -1, 1.5, 8.0, "8", True, None, 2**20 + 1)],
        *[("threads", value) for value in (0, -1, 1.5, 2.0, "2", True, 2**20 + 1)],
    ],
)
def test_an_impossible_field_is_a_usage_error_that_names_it(field: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"^{field} ") as error:
        Scenario(**{"model": "toy", "dataset": "digits", field: value})
    assert "\n" not in str(error.value)


def test_a_scenario_reads_as_a_sentence() -> None:
    scenario = Scenario(model="toy", dataset="digits", batch_size=32)
    assert str(scenario) == "toy on digits, tensorflow, cpu, float32, batch 32"


def test_threads_are_named_where_they_were_asked_for() -> None:
    assert str(Scenario(model="toy", dataset="digits", threads=2)).endswith("batch 1, 2 threads")


def test_a_scenario_is_frozen_and_can_be_looked_up() -> None:
    scenario = Scenario(model="toy", dataset="digits")
    with pytest.raises(dataclasses.FrozenInstanceError):
        scenario.batch_size = 2
    assert {scenario: 1}[Scenario(model="toy", dataset="digits")] == 1


def test_scenarios_that_differ_in_one_field_differ() -> None:
    fields = {"model": "a", "dataset": "a", "runtime": "jax", "device": "gpu", "precision": "float16"}
    first = Scenario(model="toy", dataset="digits")
    others = [dataclasses.replace(first, **{k: v}) for k, v in {**fields, "batch_size": 2, "threads": 1}.items()]
    assert len({first, *others}) == 8
