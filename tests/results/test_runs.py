"""What was measured before stands for a step only if it is the same measurement."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from support import altered, make_environment, make_result

import zoo
from zoo.benchmarking import plan as planning
from zoo.benchmarking.computing import scoped
from zoo.benchmarking.identity import of_result, of_step
from zoo.benchmarking.plan import Options, Step, plan
from zoo.data.catalog import Dataset
from zoo.installed import CORE, Plugin
from zoo.record.environment import Environment
from zoo.record.result import Result
from zoo.registry import Entry, Registry
from zoo.results import runs
from zoo.results.store import Store
from zoo.specs import ModelSpec, RuntimeSpec

HERE = make_environment(
    python="CPython 3.11.7",
    os={"system": "Linux", "release": "6.1"},
    accelerators=[],
    packages={"keras": "3.12", "numpy": "2.4", "jax": "0.7", "jaxlib": "0.7", "torch": "2.13", "acme": "1.0"},
)
NOW = "2099-01-01T00:00:00+00:00"
SPEC: dict[str, Any] = {"summary": "x", "build": "acme:net", "input_shape": (8, 8, 1), "classes": 10, "parameters": 10}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """The folder of the prepared dataset."""
    folder = tmp_path / "images"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def _no_dataset(monkeypatch: pytest.MonkeyPatch, images: Path) -> None:
    dataset = Dataset(
        name="digits",
        version="1.0.0",
        data_dir="/nowhere",
        folder=str(images),
        image_shape=(8, 8, 1),
        classes=10,
        splits={"test": 9},
        builder=None,
    )
    monkeypatch.setattr(planning, "find", lambda *_, **__: dataset)


def with_packages(**versions: str) -> Environment:
    """The environment after an upgrade."""
    return dataclasses.replace(HERE, packages={**HERE.packages, **versions})


def steps(version: str = "1.0", **options: Any) -> list[Step]:
    plugin = Plugin("acme", "acme", version, "acme")
    entry = Entry(ModelSpec(name="one", **SPEC), plugin)
    runtime = Entry(RuntimeSpec(name="tensorflow", summary="fast", runtime="acme:Fast", keras_backend="jax"), plugin)
    registry = Registry(
        MappingProxyType({"one": entry}),
        MappingProxyType({}),
        MappingProxyType({"tensorflow": runtime}),
        (CORE, plugin),
        (),
        (),
    )
    return plan(registry, ["one"], Options(**{"batch_sizes": (1,), **options}))


def result_of(step: Step, number: int = 0, **changes: Any) -> Result:
    """What measuring a step gives."""
    fingerprint = changes.pop("fingerprint", scoped(HERE, step.distributions).fingerprint)
    result = make_result(number, fingerprint=fingerprint, model="one")
    given = {
        "plugin": step.plugin.to_json(),
        "code": step.code,
        "dataset_state": step.dataset_state,
        "policy": step.policy(),
        "zoo_version": zoo.__version__,
        **changes,
    }
    return altered(result, **given)


def test_a_step_and_its_result_are_the_same_measurement() -> None:
    (step,) = steps()
    assert of_step(step, HERE) == of_result(result_of(step))


def test_what_was_measured_before_stands_for_its_step(store: Store) -> None:
    (step,) = steps()
    store.add(result_of(step, 0))
    newest = result_of(step, 1)
    store.add(newest)
    assert runs.existing(store, [step], HERE) == {step.scenario: newest}


@pytest.mark.parametrize(
    ("package", "stands"), [("torch", True), ("mypy", True), ("jax", False), ("keras", False), ("acme", False)]
)
def test_it_stands_after_an_upgrade_of_what_does_not_compute(store: Store, package: str, stands: bool) -> None:
    (step,) = steps()
    result = result_of(step)
    store.add(result)
    there = with_packages(**{package: "9.9"})
    assert runs.existing(store, [step], there) == ({step.scenario: result} if stands else {})
    run = runs.begin(store, [step], HERE)
    run.leave()
    assert (runs.resume(store, [step], there).id == run.id) == stands


WEIGHTS = {"source": "trained here", "sha256": "1" * 64}


@pytest.mark.parametrize(
    "changes",
    [
        {"fingerprint": "fedcba9876543210"},
        {"weights": WEIGHTS},
        {"plugin": {"distribution": "acme", "version": "0.9"}},
        {"plugin": {"distribution": "other", "version": "1.0"}},
        {"zoo_version": "0.0.9"},
        {"policy": {}},
        {"code": "f" * 64},
        {"dataset_state": "0123456789abcdef"},
    ],
)
def test_another_measurement_does_not(store: Store, changes: dict[str, Any]) -> None:
    (step,) = steps()
    store.add(result_of(step, **changes))
    assert runs.existing(store, [step], HERE) == {}


@pytest.mark.parametrize("options", [{"max_time_s": 4.0}, {"processes": 3}, {"target_width": 0.01}])
def test_another_policy_does_not(store: Store, options: dict[str, Any]) -> None:
    (step,), (other,) = steps(), steps(**options)
    store.add(result_of(step))
    assert runs.existing(store, [other], HERE) == {}


def test_new_weights_do_not_go_by_the_score_of_the_old(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    from zoo.paths import trained_weights

    path = trained_weights("one", "digits")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"first")
    (before,) = steps()
    digest = of_step(before, HERE).weights
    store.add(result_of(before, weights={"source": "trained here", "sha256": digest}))
    assert set(runs.existing(store, [before], HERE)) == {before.scenario}
    path.write_bytes(b"second")
    assert runs.existing(store, steps(), HERE) == {}


def test_changed_images_do_not_go_by_what_was_measured_on_the_old(store: Store, images: Path) -> None:
    (step,) = steps()
    store.add(result_of(step))
    assert set(runs.existing(store, steps(), HERE)) == {step.scenario}
    (images / "more.png").write_bytes(b"")
    assert runs.existing(store, steps(), HERE) == {}


def test_a_run_that_prepared_its_dataset_is_continued_and_one_whose_images_changed_measures_again(
    store: Store, images: Path
) -> None:
    before = [replace(step, dataset_state=None) for step in steps()]
    run = runs.begin(store, before, HERE)
    run.leave()
    (step,) = steps()
    done = result_of(step, run=run.id, id=f"{run.id[:15]}-00000001", created_at=NOW)
    store.add(done)
    again = runs.resume(store, [step], HERE)
    assert (again.id, again.measured) == (run.id, {step.scenario: done})
    again.leave()
    (images / "more.png").write_bytes(b"")
    assert runs.resume(store, steps(), HERE).measured == {}


def test_a_result_without_the_accuracy_that_is_asked_for_does_not(store: Store, tmp_path: Path) -> None:
    weights = tmp_path / "w"
    weights.write_bytes(b"w")
    (step,) = steps(weights=str(weights))
    digest = of_step(step, HERE).weights
    bare = {**make_result().measures.to_json(), "accuracy": None}
    reasons = {**make_result().reasons, "accuracy": "not asked for"}
    store.add(result_of(step, weights={"source": "file", "sha256": digest}, measures=bare, reasons=reasons))
    assert runs.existing(store, [step], HERE) == {}
    assert set(runs.existing(store, steps(weights=str(weights), score=False), HERE)) == {step.scenario}


def test_an_interrupted_run_is_continued_with_what_it_measured(store: Store) -> None:
    these = steps(batch_sizes=(1, 2))
    first = runs.begin(store, these, HERE)
    first.leave()  # as the end of its process does
    done = result_of(these[0], run=first.id, id=f"{first.id[:15]}-00000001", created_at=NOW)
    store.add(done)
    again = runs.resume(store, these, HERE)
    assert (again.id, again.measured) == (first.id, {these[0].scenario: done})
    again.leave()


def test_what_an_executor_measured_on_another_machine_counts_for_its_run(store: Store) -> None:
    these = steps(batch_sizes=(1, 2))
    run = runs.begin(store, these, HERE)
    run.leave()
    names = {"run": run.id, "id": f"{run.id[:15]}-00000001", "created_at": NOW}
    there = result_of(these[0], fingerprint="f" * 16, dataset_state="other", **names)
    store.add(there)
    here = runs.resume(store, these, HERE)
    assert (here.id, here.measured) == (run.id, {})
    here.leave()
    assert runs.resume(store, these, HERE, anywhere=True).measured == {these[0].scenario: there}


@pytest.mark.parametrize("outcome", ["timeout", "error", "signal", "out_of_memory"])
def test_what_failed_is_measured_again(store: Store, outcome: str) -> None:
    (step,) = steps()
    run = runs.begin(store, [step], HERE)
    run.leave()
    failed = make_result(outcome=outcome, model="one", fingerprint=of_step(step, HERE).environment)
    store.add(replace(failed, run=run.id, id=f"{run.id[:15]}-00000001", created_at=NOW))
    assert runs.resume(store, [step], HERE).measured == {}


@pytest.mark.parametrize(("environment", "version"), [(with_packages(jax="0.8"), "1.0"), (HERE, "1.1")])
def test_a_run_of_another_environment_or_version_is_not_continued(
    store: Store, environment: dict[str, Any], version: str
) -> None:
    run = runs.begin(store, steps(), HERE)
    run.leave()
    assert runs.resume(store, steps(version), environment).id != run.id


def test_a_run_that_another_process_works_on_is_not_continued(store: Store) -> None:
    run = runs.begin(store, steps(), HERE)
    other = runs.resume(store, steps(), HERE)
    assert other.id != run.id
    run.leave()
    other.finish()
    assert runs.resume(store, steps(), HERE).id == run.id
