"""`zoo plugin check` on formats, listeners, and weights and recipes for models of other plugins."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from support import Zoo

from zoo.authoring.check import api, parts, results
from zoo.authoring.check.sample import sample_results
from zoo.authoring.check.target import find
from zoo.findings import codes
from zoo.installed import Plugin
from zoo.modeling.weights import save_arrays
from zoo.plugins.record import Record
from zoo.record.measures import MEASURES
from zoo.record.reading import loads
from zoo.registry import Entry, Registry
from zoo.specs import ModelSpec, Recipe, WeightsSpec
from zoo.testing import _checks

PROJECT = """
[project]
name = "zoo-acme"
version = "1.0"
description = "by Acme"
license = "MIT"
requires-python = ">=3.11"
dependencies = ["zoobench>=0.1"]

[project.entry-points.zoo]
acme = "zoo_acme"
"""
PLUGIN = """
import zoo

@zoo.hookimpl
def zoo_exporters():
    return [
        zoo.ExporterSpec(name=name, summary="s", write=f"zoo_acme.write:{{name}}", suffix=".txt") for name in {names}
    ]

@zoo.hookimpl
def zoo_executors():
    return [zoo.ExecutorSpec(name="far", summary="s", run="zoo_acme.far:run")]

@zoo.hookimpl
def zoo_weights():
    return [zoo.WeightsSpec(model=m, dataset=d, file=f"zoo_acme:{{f}}", sha256=s) for m, d, f, s in {weights}]

@zoo.hookimpl
def zoo_recipes():
    return [zoo.Recipe(model=model, dataset="flowers", epochs=1) for model in ("small*", "unheard_of")]

@zoo.hookimpl
def zoo_result_recorded(result):
    assert result.measures.latency_s > 0
    {listens}
"""
WRITE = """
def fine(results):
    return "".join(f"{result.scenario} {result.measures.latency_s}\\n" for result in results)

def only_ok(results):
    return "".join(f"{result.measures.latency_s:.3f}\\n" for result in results)

def never_none(results):
    return str(results[0])

def counts(results):
    return len(results)
"""


def tree(folder: Path, names: tuple[str, ...] = (), weights: Any = (), listens: str = "pass") -> Path:
    """The source of a plugin."""
    package = folder / "zoo_acme"
    package.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PROJECT)
    (package / "__init__.py").write_text(PLUGIN.format(names=names, weights=list(weights), listens=listens))
    (package / "write.py").write_text(WRITE)
    return folder


def record_of(folder: Path) -> tuple[Record, dict[str, str]]:
    target = find(str(folder))
    (record,) = api.declarations(target)
    return record, api.environment_of(target)


def quiet(_: dict[str, Any]) -> None:
    pass


def test_the_samples_are_sound_and_say_why_a_measure_is_none() -> None:
    for result in sample_results():
        assert loads(result.dumps().encode()) == result
        assert all(name in result.reasons for name in MEASURES if getattr(result.measures, name) is None)
    assert [result.outcome for result in sample_results()] == ["ok", "out_of_memory"]


EXPORTERS = {
    "fine": None,
    "only_ok": "with 2 Results: TypeError: unsupported format string passed to NoneType.__format__",
    "never_none": "with 0 Results: IndexError: list index out of range",
    "counts": "with 2 Results: zoo_acme.write:counts must return str or bytes, not int",
    "lacking": "with 2 Results: zoo_acme.write has no lacking",
}


def test_formats_write_a_result_that_was_measured_one_that_failed_and_none(tmp_path: Path) -> None:
    record, environment = record_of(tree(tmp_path, tuple(EXPORTERS)))
    found = {finding.where: finding for finding in results.check_exporters(record.exporters, environment, quiet)}
    for name, message in EXPORTERS.items():
        finding = found.pop(f"zoo_acme.write:{name}, exporter {name}", None)
        assert (finding and finding.message) == message
        assert finding is None or finding.code == "exporter-fails"
        assert finding is None or "Traceback" in finding.detail
    assert found == {}


@pytest.mark.parametrize(
    ("listens", "message"),
    [
        ("pass", None),
        ("raise ValueError('no network')", "ValueError: no network"),
        ("import os; os._exit(1)", "exited"),
    ],
)
def test_a_plugin_that_is_told_of_results_is_told_of_one(tmp_path: Path, listens: str, message: str | None) -> None:
    record, environment = record_of(tree(tmp_path, listens=listens))
    found = list(results.check_listeners([record.plugin], environment, quiet))
    assert [finding.code for finding in found] == (["listener-fails"] if message else [])
    for finding in found:
        assert finding.where == "zoo_acme, zoo_result_recorded"
        assert finding.message.startswith(str(message))


def test_a_test_of_pytest_stands_for_each_of_these_checks(tmp_path: Path) -> None:
    bare = _checks(str(tree(tmp_path / "bare")))
    assert {*codes("package"), *codes("results")} < set(bare)
    assert "weights-digest" not in bare
    weights = [("small", "digits", "right.safetensors", "0" * 64)]
    full = _checks(str(tree(tmp_path / "full", weights=weights)))
    assert set(full) - set(bare) == {"weights-digest", "weights-do-not-fit"}


def test_every_code_of_what_is_given_results_is_shown_above() -> None:
    assert set(codes("results")) == {"exporter-fails", "listener-fails"}


@pytest.mark.real
def test_a_whole_plugin_is_checked_and_what_is_not_installed_is_left_out(
    tmp_path: Path, zoo: Zoo, small: dict[str, str]
) -> None:
    package = tree(tmp_path / "first") / "zoo_acme"
    shapes = {
        "hidden/kernel": (64, 32),
        "hidden/bias": (32,),
        "logits/kernel": (32, 10),
        "logits/bias": (10,),
        **{f"norm/{name}": (32,) for name in ("gamma", "beta", "moving_mean", "moving_variance")},
    }
    arrays = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    save_arrays(arrays, package / "right.safetensors", {})
    save_arrays({**arrays, "logits/bias": np.ones(9, np.float32)}, package / "narrow.safetensors", {})
    sha256 = {
        file.stem: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(package.glob("*.safetensors"))
    }
    folder = tree(
        tmp_path / "second",
        ("fine",),
        [
            ("small", "digits", "right.safetensors", sha256["right"]),
            ("small", "flowers", "narrow.safetensors", sha256["narrow"]),
            ("small", "stars", "right.safetensors", "0" * 64),
            ("small", "trees", "nowhere.safetensors", "0" * 64),
            ("unheard_of", "digits", "right.safetensors", sha256["right"]),
        ],
    )
    for name in sha256:
        (package / f"{name}.safetensors").rename(folder / "zoo_acme" / f"{name}.safetensors")
    done = zoo("plugin", "check", str(folder), "--backend", "torch", "--json", **small)
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert {(finding["code"], finding["where"].rpartition(" ")[2]) for finding in report["findings"]} == {
        ("weights-do-not-fit", "flowers"),
        ("weights-digest", "stars"),
        ("weights-do-not-fit", "trees"),
    }
    left_out = {one["name"]: one["why"] for one in report["not_checked"] if one["kind"] != "backend"}
    assert left_out == {
        "of unheard_of for digits": "no model unheard_of is installed",
        "of unheard_of for flowers": "no model unheard_of is installed",
        "far": "'zoo bench NAME --on far' tries it",
    }
    assert report["exporters"] == ["fine"]
    assert report["executors"] == ["far"]
    assert report["recipes"] == ["small* for flowers", "unheard_of for flowers"]
    assert report["weights"][0] == "small for digits"
    assert report["listens"]
    text = zoo("plugin", "check", str(folder), "--backend", "torch", **small).stdout
    assert "exporter fine; executor far; recipes small* for flowers, unheard_of for flowers; weights small for" in text


def test_a_place_that_another_plugin_takes_is_a_finding_and_an_unknown_model_is_none() -> None:
    mine, other = Plugin("mine", "zoo-mine", "1.0", "zoo_mine"), Plugin("other", "zoo-other", "1.0", "zoo_other")
    model = ModelSpec(
        name="toy",
        summary="x",
        build="a.b:c",
        input_shape=(8, 8, 1),
        classes=2,
        parameters=1,
        recipes=(Recipe(dataset="flowers", epochs=1),),
    )
    weights = WeightsSpec(model="toy", dataset="flowers", file="a:b.safetensors", sha256="0" * 64)
    theirs = Record(other, models=(model,), weights=(weights,))
    others = Registry(
        models=MappingProxyType({"toy": Entry(model, other)}),
        datasets=MappingProxyType({}),
        runtimes=MappingProxyType({}),
        plugins=(other,),
        disabled=(),
        problems=(),
        records={other: theirs},
    )
    recipes = (Recipe(model="toy", dataset="flowers", epochs=2), Recipe(model="nobody", dataset="flowers", epochs=2))
    found = list(parts.places([Record(mine, weights=(weights,), recipes=recipes)], others))
    assert [(finding.code, finding.where) for finding in found] == [
        ("duplicate-name", "weights of toy for flowers"),
        ("reserved-name", "recipe 'default' of toy for flowers"),
    ]
    free = (Recipe(model="toy", dataset="stars", epochs=1),)
    assert list(parts.places([Record(mine, recipes=free)], others)) == []
