"""Each check is failed, alone, by what is made to fail it, and passed by what is right."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.authoring.check import api, models
from zoo.authoring.check.target import find
from zoo.executors.local import Task, call
from zoo.findings import Finding, codes
from zoo.modeling.weights import save_arrays

pytestmark = pytest.mark.real

FAULTY = Path(__file__).with_name("faulty")
sys.path.insert(0, str(FAULTY))
from faulty.datasets import FAULTS as DATASET_FAULTS  # noqa: E402 - needs the path above
from faulty.models import BUILT, BY_BACKEND, recipe  # noqa: E402 - needs the path above
from faulty.runtimes import FAULTS as RUNTIME_FAULTS  # noqa: E402 - needs the path above


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The faulty distribution, with the weights that its models ship."""
    folder = tmp_path_factory.mktemp("trees") / "faulty"
    shutil.copytree(FAULTY, folder, ignore=shutil.ignore_patterns("__pycache__"))
    right = {"logits/kernel": np.ones((64, 3), np.float32), "logits/bias": np.ones(3, np.float32)}
    normalised = {f"normalise/{name}": np.ones(64, np.float32) for name in ("gamma", "moving_mean", "moving_variance")}
    save_arrays({**right, **normalised}, folder / "faulty" / "right.safetensors", {})
    save_arrays({**right, "logits/kernel": np.ones((8, 3), np.float32)}, folder / "faulty" / "narrow.safetensors", {})
    return folder


def _check(tree: Path, group: str, backends: tuple[str, ...]) -> dict[str, list[Finding]]:
    """The findings on a group of the tree's models, by model; nothing for those that pass."""
    target = find(str(tree))
    (record,) = (record for record in api.declarations(target) if record.models)
    assert record.findings == ()
    names = {"alone": BUILT, "by backend": BY_BACKEND}[group]
    specs = [spec for spec in record.models if spec.name in names]
    found: dict[str, list[Finding]] = {}
    recipes = [recipe(name, model="resnet*") for name in ("fine", "recipe-fails", "plain")]
    for finding in models.check(specs, recipes, {}, backends, api.environment_of(target), lambda _: None):
        name = re.search(r", model (\S+)", finding.where)
        found.setdefault(name[1] if name else finding.where, []).append(finding)
    return found


@pytest.fixture(scope="module")
def alone(tree: Path) -> dict[str, list[Finding]]:
    """On one backend."""
    return _check(tree, "alone", ("torch",))


@pytest.fixture(scope="module")
def by_backend(tree: Path) -> dict[str, list[Finding]]:
    """On two, of which the first is right."""
    return _check(tree, "by backend", ("tensorflow", "torch"))


@pytest.mark.parametrize("name", BUILT)
def test_a_fault_of_a_model_is_found_and_nothing_else(alone: dict[str, list[Finding]], name: str) -> None:
    codes = [finding.code for finding in alone.get(name, [])]
    assert codes == ([] if name == "fine" else [name.partition(".")[0]]), alone.get(name)


@pytest.mark.parametrize("name", BY_BACKEND)
def test_a_fault_on_one_backend_is_found_there(by_backend: dict[str, list[Finding]], name: str) -> None:
    found = by_backend.get(name, [])
    assert [finding.code for finding in found] == ([] if name == "fine" else [name.partition(".")[0]]), found
    assert all(finding.where == f"faulty/build.py:15, model {name} on torch" for finding in found)


def test_a_recipe_for_models_of_others_is_tried_too(alone: dict[str, list[Finding]]) -> None:
    (finding,) = alone["zoo_recipes"]
    assert finding.code == "recipe-fails"
    assert finding.message.startswith("recipe default for *: faulty.functions:mean must give a value for each of 6 ")


def test_every_check_of_models_has_a_model_that_fails_it() -> None:
    assert {name.partition(".")[0] for name in (*BUILT, *BY_BACKEND)} == {"fine", *codes("models")}


def test_a_finding_says_what_and_where(alone: dict[str, list[Finding]]) -> None:
    def the(name: str) -> Finding:
        (finding,) = alone[name]
        return finding

    assert the("wrong-parameters").message == "wrong-parameters declares 196 parameters and has 195"
    assert the("wrong-parameters").where == "faulty/build.py:15, model wrong-parameters"
    assert the("unstable-names").message.startswith("built a second time, ")
    assert the("weights-do-not-fit").message.endswith("logits/kernel has shape (8, 3) where (64, 3) is needed")
    assert "RuntimeError: ?[31mcan't be built" in the("build-fails").message
    assert 'raise RuntimeError("' in the("build-fails").detail
    assert "exited with code 3" in the("build-fails.dies").message
    for findings in alone.values():
        assert all(text.isprintable() for f in findings for text in (f.message, *f.detail.splitlines()))


@pytest.fixture(scope="module")
def of_runtimes(tree: Path) -> dict[str, Any]:
    """What is found of each runtime."""
    environment = {**api.environment_of(find(str(tree))), "KERAS_BACKEND": "torch"}
    found: dict[str, Any] = call(Task("faulty.runtimes:check_all", {}, environment))
    return found


@pytest.mark.parametrize("name", RUNTIME_FAULTS)
def test_a_fault_of_a_runtime_is_found_and_nothing_else(of_runtimes: dict[str, Any], name: str) -> None:
    found = of_runtimes[name]
    assert found["unavailable"] is None
    codes = [finding["code"] for finding in found["findings"]]
    assert codes == ([] if name == "fine" else [name.partition(".")[0]]), found


def test_every_check_of_runtimes_has_a_runtime_that_fails_it() -> None:
    assert {name.partition(".")[0] for name in RUNTIME_FAULTS} == {"fine", *codes("runtimes")}


@pytest.fixture(scope="module")
def of_datasets(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is found of each dataset."""
    job = {"folder": str(tmp_path_factory.mktemp("datasets"))}
    found: dict[str, Any] = call(Task("faulty.datasets:check_all", job, api.environment_of(find(str(tree)))))
    return found


@pytest.mark.parametrize("name", DATASET_FAULTS)
def test_a_fault_of_a_dataset_is_found_and_nothing_else(of_datasets: dict[str, Any], name: str) -> None:
    expected = [code for code in codes("datasets") if name.startswith(code)]
    assert sorted({finding["code"] for finding in of_datasets[name]}) == expected, of_datasets[name]


def test_every_check_of_datasets_has_a_dataset_that_fails_it() -> None:
    assert all(any(name.startswith(code) for name in DATASET_FAULTS) for code in codes("datasets"))
