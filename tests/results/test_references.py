"""Which Results were measured in the environment as it is now, whatever runtime they are of."""

from __future__ import annotations

import dataclasses

import pytest
from support import make_result

from zoo.benchmarking.computing import scoped
from zoo.benchmarking.environment import collect
from zoo.errors import UsageError
from zoo.record.environment import Environment
from zoo.record.result import Result
from zoo.results import references
from zoo.results.api import reproduce
from zoo.results.references import find, of_this_environment
from zoo.results.store import Filter, Store

COMPUTING = {"tensorflow": ("keras", "numpy", "tensorflow"), "onnxruntime": ("keras", "numpy", "onnxruntime")}
HERE = dataclasses.replace(
    collect(),
    packages={"keras": "3.12", "numpy": "2.4", "tensorflow": "2.21", "onnxruntime": "1.24", "mypy": "1.0"},
)


def measured(store: Store, number: int, runtime: str, environment: Environment = HERE) -> Result:
    recorded = {**scoped(environment, COMPUTING[runtime]).to_json(), "device": "cpu", "threads": 2}
    result = make_result(number, runtime=runtime, environment=recorded)
    store.add(result)
    return result


def upgraded(**versions: str) -> Environment:
    return dataclasses.replace(HERE, packages={**HERE.packages, **versions})


@pytest.mark.parametrize(
    ("versions", "runtimes"),
    [
        ({}, {"tensorflow", "onnxruntime"}),
        ({"mypy": "2.0", "installed_later": "1.0"}, {"tensorflow", "onnxruntime"}),
        ({"onnxruntime": "1.25"}, {"tensorflow"}),
        ({"keras": "3.13"}, set()),
    ],
)
def test_an_upgrade_orphans_only_what_it_computes(
    store: Store, monkeypatch: pytest.MonkeyPatch, versions: dict[str, str], runtimes: set[str]
) -> None:
    for number, runtime in enumerate(COMPUTING):
        measured(store, number, runtime)
        measured(store, 10 + number, runtime)
    monkeypatch.setattr(references, "collect", lambda: upgraded(**versions))
    rows = store.select(Filter())
    assert [row.id for row in of_this_environment(store, rows)] == [row.id for row in rows if row.runtime in runtimes]


def test_a_model_means_its_newest_results_of_this_environment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "collect", lambda: HERE)
    result = measured(store, 1, "tensorflow")
    measured(store, 2, "tensorflow", upgraded(keras="3.13"))
    assert find("toy_resnet", store) == [result]


def test_what_differs_is_named_as_far_as_it_computes(store: Store) -> None:
    old = measured(store, 1, "tensorflow", upgraded(keras="0.1", onnxruntime="0.2"))
    with pytest.raises(UsageError, match=r"measured in another environment than this .*keras: 0\.1 and") as refused:
        reproduce(old.id, store=store)
    assert "onnxruntime" not in str(refused.value)
