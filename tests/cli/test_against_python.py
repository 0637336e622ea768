"""`zoo bench --against-python`: two versions of a model, each in an environment of its own, as CI compares them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from support import Zoo, install

import zoo as package
from zoo.results.store import Filter, Store

PLUGIN = """
import zoo

@zoo.hookimpl
def zoo_models():
    return [
        zoo.ModelSpec(
            name="grows", summary="one hidden layer", build="zoo_grows_model:grows", input_shape=(8, 8, 1), classes=10,
            parameters={parameters},
        )
    ]
"""
MODEL = """
from keras import Model, layers

def grows(input_shape, classes):
    x = inputs = layers.Input(input_shape)
    x = layers.Dense({width}, activation="relu")(layers.Flatten()(x))
    return Model(inputs, layers.Dense(classes)(x))
"""


def plugin(folder: Path, width: int) -> Path:
    """A version of the plugin, to be found there; all versions have one number."""
    sources = folder / "sources"
    sources.mkdir(parents=True)
    (sources / "zoo_grows.py").write_text(PLUGIN.format(parameters=75 * width + 10))
    (sources / "zoo_grows_model.py").write_text(MODEL.format(width=width))
    installed = folder / "installed"
    installed.mkdir()
    return install(installed, sources / "zoo_grows.py", sources / "zoo_grows_model.py")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The Python of an environment with the narrow model and this zoo; packages are those of the tests'."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "base"], check=True)
    (site,) = (tmp_path / "base").glob("lib/python*/site-packages")
    root = Path(package.__file__).parent.parent
    places = (root, plugin(tmp_path / "narrow", 16), sysconfig.get_paths()["purelib"])
    (site / "base.pth").write_text("".join(f"{place}\n" for place in places))
    return tmp_path / "base" / "bin" / "python"


@pytest.mark.real
def test_a_model_that_grew_breaks_the_gate(quick: Zoo, in_process: Zoo, tmp_path: Path, base: Path) -> None:
    paths = os.pathsep.join([str(plugin(tmp_path / "wide", 256)), *filter(None, [os.environ.get("PYTHONPATH")])])
    store = Store(tmp_path / "store")
    command = (
        *("bench", "grows", "--against-python", str(base), "--batch-size", "1", "--processes", "1"),
        *("--runtime", "jax", "--max-time", "1", "--store", str(store.folder)),
    )
    done = quick(*command, "--fail-if", "parameters>+0%", "--json", PYTHONPATH=paths)
    assert done.returncode == 1, done.stderr
    printed = json.loads(done.stdout)
    assert [limit["outcome"] for limit in printed["gate"]] == ["broken"]
    (parameters,) = [one for one in printed["comparisons"] if one["measure"] == "parameters"]
    assert (parameters["a"], parameters["b"]) == (1210, 19_210)
    assert [side["name"] for side in parameters["sides"]] == [str(base), "this environment"]
    there, here = parameters["sides"]
    assert there["plugin"] == here["plugin"] == "zoo-grows 1.0"
    assert there["code"] != here["code"]
    (latency,) = [one for one in printed["comparisons"] if one["measure"] == "latency"]
    assert "interleaved" in latency["reason"]
    assert [result["measures"]["latency_s"] for result in printed["results"]] == [latency["a"], latency["b"]]

    rows = store.select(Filter())  # of the other environment nothing is kept as if it were of this one
    assert [row.id for row in rows] == [printed["results"][1]["id"]]

    unknown = in_process("bench", "toy_resnet", "--against", "grown", *command[2:], PYTHONPATH=paths)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert f"{base}: unknown model 'grown'; did you mean 'grows'?" in unknown.stderr
    stored = in_process("bench", "toy_resnet", "--against", rows[0].id, "--store", str(store.folder), PYTHONPATH=paths)
    assert (stored.returncode, stored.stdout) == (2, "")
    assert f"'zoo compare {rows[0].id} toy_resnet' compares with it as it is stored" in stored.stderr


@pytest.mark.parametrize(
    ("python", "line"),
    [
        ("/nowhere/bin/python", "/nowhere/bin/python is not there"),
        (sys.executable, "belongs to this environment"),
        ("/bin/ls", "is no Python that can run the zoo"),
    ],
)
def test_what_cannot_be_measured_against_is_one_line(in_process: Zoo, tmp_path: Path, python: str, line: str) -> None:
    store = tmp_path / "store"
    done = in_process("bench", "toy_resnet", "--against-python", python, "--store", str(store))
    assert (done.returncode, done.stdout) == (2, "")
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
    assert not store.exists()


def test_an_environment_without_a_zoo_is_one_line(in_process: Zoo, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "empty"], check=True)
    done = in_process("bench", "toy_resnet", "--against-python", str(tmp_path / "empty" / "bin" / "python"))
    assert done.returncode == 2
    assert "no zoo is installed for" in done.stderr
    assert done.stderr.count("\n") == 1
