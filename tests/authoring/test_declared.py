"""What a distribution says of itself, without importing it: each check fails alone. No framework is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zoo.authoring.check import api, declared
from zoo.authoring.check.target import find
from zoo.errors import UsageError
from zoo.findings import Finding, codes
from zoo.installed import Plugin
from zoo.plugins.record import Record
from zoo.registry import load
from zoo.specs import DatasetSpec, ModelSpec, Recipe, RuntimeSpec

PROJECT = {
    "name": '"zoo-acme"',
    "version": '"1.0"',
    "description": '"by Acme"',
    "license": '"MIT"',
    "requires-python": '">=3.11"',
    "dependencies": '["zoobench>=0.1"]',
}
POINT = '[project.entry-points.zoo]\nacme = "zoo_acme"\n'
PLUGIN = Plugin("acme", "zoo-acme", "1.0", "zoo_acme")
HOOK = "@zoo.hookimpl\ndef zoo_models(): return []\n"
MODEL: dict[str, Any] = {"summary": "x", "build": "a.b:c", "input_shape": (8, 8, 1), "classes": 2, "parameters": 1}
DATASET: dict[str, Any] = {
    "summary": "x",
    "builder": "a.b:C",
    "version": "1.0.0",
    "classes": 2,
    "image_shape": (8, 8, 1),
}


def _tree(folder: Path, changes: dict[str, str | None] | None = None, point: str = POINT) -> Path:
    lines = [f"{key} = {value}" for key, value in (PROJECT | (changes or {})).items() if value is not None]
    (folder / "pyproject.toml").write_text("\n".join(["[project]", *lines, point]))
    return folder


def _model(**changes: object) -> ModelSpec:
    recipe = Recipe(dataset="*", epochs=1)
    fields = {"name": "acme_net", **MODEL, "recipes": [recipe], "paper": "p", "licence": "MIT", **changes}
    return ModelSpec(**fields)


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({}, None, ""),
        ({"version": None, "dynamic": '["version"]'}, None, ""),
        ({"license": '{ text = "MIT" }'}, None, ""),
        ({"license": None, "classifiers": '["License :: OSI Approved :: MIT License"]'}, None, ""),
        ({"version": None}, "no-metadata", "zoo-acme has no version"),
        ({"description": None}, "no-metadata", "zoo-acme has no description"),
        ({"requires-python": None}, "no-metadata", "zoo-acme has no requires-python"),
        ({"dependencies": '["numpy"]'}, "no-metadata", "zoo-acme has no zoobench among its dependencies"),
        ({"license": None}, "no-licence", "zoo-acme names no licence"),
    ],
)
def test_the_metadata_of_a_source_tree(
    tmp_path: Path, changes: dict[str, str | None], code: str | None, message: str
) -> None:
    found = list(declared.package(find(str(_tree(tmp_path, changes)))))
    assert [(f.code, f.message) for f in found] == ([(code, message)] if code else [])
    assert all(finding.where.endswith("pyproject.toml") for finding in found)


@pytest.mark.parametrize("name", ["zoo-toy-resnet", "toy_resnet", "zoo_cifar_resnet"])
def test_an_installed_plugin_of_the_zoos_own_has_its_metadata(name: str) -> None:
    target = find(name)
    assert target.distribution in ("zoo-toy-resnet", "zoo-cifar-resnet")
    assert target.path == ()
    assert list(declared.package(target)) == []


@pytest.mark.parametrize(
    ("record", "code", "message"),
    [
        (Record(PLUGIN, models=(_model(),), load_s=0.4), None, ""),
        (Record(PLUGIN, load_s=0.7), "slow-import", "took 0.7 s; accepted are 0.5 s"),
        (Record(PLUGIN, models=(_model(licence=None),)), "no-licence", "acme_net names no licence"),
        (Record(PLUGIN, models=(_model(paper=None),)), "no-paper", "acme_net names no paper"),
        (Record(PLUGIN, models=(_model(recipes=()),)), "no-recipe", "acme_net has no recipe"),
    ],
)
def test_what_a_plugin_declares(record: Record, code: str | None, message: str) -> None:
    found = list(declared.plugin(record))
    assert [finding.code for finding in found] == ([code] if code else [])
    assert all(finding.message.endswith(message) for finding in found)


def test_a_dataset_names_its_licence_and_its_source() -> None:
    spec = DatasetSpec(name="d", splits={"train": 1, "test": 1}, **DATASET)
    assert [f.code for f in declared.plugin(Record(PLUGIN, datasets=(spec,)))] == ["no-licence", "no-paper"]


def test_names_that_are_taken_by_others_or_twice() -> None:
    runtime = RuntimeSpec(name="jax", summary="x", runtime="a.b:C", keras_backend="jax")
    record = Record(PLUGIN, models=(_model(name="plain_cnn"), _model(), _model()), runtimes=(runtime,))
    found = list(declared.names([record], load()))
    assert [(finding.code, finding.where) for finding in found] == [
        ("duplicate-name", "model plain_cnn"),
        ("duplicate-name", "model acme_net"),
        ("reserved-name", "runtime jax"),
    ]
    assert "is declared by zoo-plain-cnn" in found[0].message
    assert "is declared 2 times" in found[1].message


def test_each_check_of_the_package_is_failed_above() -> None:
    assert set(codes("package")) == {"no-metadata", "slow-import", "no-licence", "no-paper", "no-recipe"}


def test_packages_are_found_in_the_tree_or_in_its_src(tmp_path: Path) -> None:
    _tree(tmp_path)
    (tmp_path / "src" / "zoo_acme").mkdir(parents=True)
    assert find(str(tmp_path)).path == (str(tmp_path / "src"),)
    (tmp_path / "zoo_acme.py").touch()
    assert find(str(tmp_path)).path == (str(tmp_path), str(tmp_path / "src"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "has no pyproject.toml; name the folder of a plugin's source, or an installed one"),
        ("[project", "is not TOML: "),
        ("[project]\nname = 'x'", "declares no plugin: it has no name, or no [project.entry-points.zoo]"),
        (POINT, "declares no plugin: it has no name, or no [project.entry-points.zoo]"),
        ("project = 3", "declares no plugin"),
    ],
)
def test_a_folder_that_is_no_plugins_is_refused_in_a_line(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "pyproject.toml").write_text(content)
    with pytest.raises(UsageError) as error:
        find(f"{tmp_path}/")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_not_there_is_refused_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="the folder nowhere is not there"):
        find("./nowhere")
    with pytest.raises(UsageError, match="unknown plugin 'toy-resnt'; did you mean 'toy-resnet'"):
        find("toy-resnt")
    with pytest.raises(UsageError, match=r"has no pyproject\.toml"):
        find()


def test_a_plugin_that_is_slow_each_time_is_read_as_slow(tmp_path: Path) -> None:
    _tree(tmp_path)
    (tmp_path / "zoo_acme.py").write_text("import time\nimport zoo\ntime.sleep(0.6)\n" + HOOK)
    (record,) = api.declarations(find(str(tmp_path)))
    assert [finding.code for finding in declared.plugin(record)] == ["slow-import"]
    assert record.load_s < 60


def test_a_plugin_that_was_slow_once_is_not(tmp_path: Path) -> None:
    _tree(tmp_path)
    mark = f"mark = pathlib.Path({str(tmp_path / 'mark')!r})\n"
    once = "if not mark.exists():\n    mark.touch()\n    time.sleep(0.6)\n"
    (tmp_path / "zoo_acme.py").write_text(f"import pathlib, time\nimport zoo\n{mark}{once}{HOOK}")
    (record,) = api.declarations(find(str(tmp_path)))
    assert list(declared.plugin(record)) == []


def test_what_the_zoo_puts_up_with_fails_a_check_and_a_warning_does_not() -> None:
    def report(code: str) -> api.Report:
        finding = Finding(code, "zoo_acme.py:1", "so it is")
        return api.Report(distribution="zoo-acme", version="1.0", findings=(finding,))

    assert Finding("heavy-import", "zoo_acme.py:1", "").level == "warning"
    assert not report("heavy-import").passes
    assert report("heavy-import").to_json()["findings"][0]["level"] == "error"
    assert not report("unseeded").passes
    assert report("no-paper").passes
    assert report("no-paper").to_json()["findings"][0]["level"] == "warning"
    assert api.describe(Finding("no-paper", "model x", "x names no paper")).splitlines()[:2] == [
        "warning [no-paper] model x",
        "  x names no paper",
    ]
