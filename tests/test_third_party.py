"""Clean environments: a package by somebody else beside the core, and the core without TensorFlow. Both from wheels."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from environments import clean, pip

pytestmark = [pytest.mark.real, pytest.mark.slow]

ROOT = Path(__file__).resolve().parent.parent

PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "acme-vision"
version = "2.5"
dependencies = ["zoobench"]

[project.entry-points.zoo]
acme = "acme_vision"
"""

PLUGIN = """\
import zoo


@zoo.hookimpl
def zoo_models():
    return [
        zoo.ModelSpec(
            name="acme_net",
            summary="one residual block by Acme",
            build="acme_vision.model:acme_net",
            arguments={"width": 8},
            input_shape=(16, 16, 1),
            classes=10,
            parameters=8 * 10 + 8 * 8 * 9 + 8 + 8 * 10 + 10,
        )
    ]
"""

MODEL = """\
import keras
from keras import layers


def acme_net(input_shape, classes, width):
    inputs = keras.Input(input_shape, name="image")
    x = shortcut = layers.Conv2D(width, 3, padding="same", name="stem")(inputs)
    x = layers.Conv2D(width, 3, padding="same", activation="relu", name="conv")(x)
    x = layers.Add(name="add")([x, shortcut])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x))
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Wheels of the core, of one of its plugins, and of a third-party plugin, by name."""
    folder = tmp_path_factory.mktemp("third-party")
    package = folder / "acme" / "acme_vision"
    package.mkdir(parents=True)
    (package.parent / "pyproject.toml").write_text(PYPROJECT)
    (package / "__init__.py").write_text(PLUGIN)
    (package / "model.py").write_text(MODEL)
    sources = (ROOT, ROOT / "plugins" / "zoo-toy-resnet", package.parent)
    pip("wheel", "--quiet", "--no-deps", "--wheel-dir", folder, *sources)
    return {wheel.name.split("-")[0]: wheel for wheel in folder.glob("*.whl")}


@pytest.fixture(scope="module")
def bin_folder(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with the core, TensorFlow, and one third-party plugin."""
    return clean(tmp_path_factory.mktemp("with-acme"), [wheels["zoobench"], wheels["acme_vision"]], "tensorflow")


@pytest.fixture(scope="module")
def jax_only(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with the core, JAX, and toy_resnet."""
    return clean(tmp_path_factory.mktemp("jax-only"), [wheels["zoobench"], wheels["zoo_toy_resnet"]], "jax")


def _zoo(bin_folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run([bin_folder / "zoo", *arguments], capture_output=True, text=True, env=clean, cwd="/")


def test_it_is_listed_alone(bin_folder: Path) -> None:
    done = _zoo(bin_folder, "list", "--json")
    assert done.returncode == 0, done.stderr
    (model,) = json.loads(done.stdout)
    assert (model["name"], model["plugin"], model["plugin_version"]) == ("acme_net", "acme-vision", "2.5")


def test_it_is_measured(bin_folder: Path) -> None:
    done = _zoo(bin_folder, "bench", "acme_net", "--max-time", "1", "--batch-size", "1", "--json")
    assert done.returncode == 0, done.stderr
    result: dict[str, Any]
    (result,) = json.loads(done.stdout)
    assert result["outcome"] == "ok"
    assert result["plugin"] == {"distribution": "acme-vision", "version": "2.5"}
    assert result["measures"]["macs"] == 16 * 16 * 8 * 9 + 16 * 16 * 8 * 8 * 9 + 8 * 10
    assert "give some with --weights" in result["reasons"]["accuracy"]


def test_without_tensorflow_models_are_listed_and_shown(jax_only: Path) -> None:
    installed = {path.name.split("-")[0] for path in jax_only.parent.glob("lib/python*/site-packages/*.dist-info")}
    assert "jax" in installed
    assert not {"tensorflow", "torch"} & installed
    done = _zoo(jax_only, "list", "--json")
    assert [model["name"] for model in json.loads(done.stdout)] == ["toy_resnet"], done.stderr
    done = _zoo(jax_only, "show", "toy_resnet", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["keras_backend"] == "jax"


def test_without_tensorflow_a_model_is_measured_and_scored(jax_only: Path) -> None:
    done = _zoo(jax_only, "bench", "toy_resnet", "--runtime", "jax", "--max-time", "1", "--batch-size", "1", "--json")
    assert done.returncode == 0, done.stderr
    result: dict[str, Any]
    (result,) = json.loads(done.stdout)
    assert result["outcome"] == "ok"
    assert result["measures"]["accuracy"]["value"] >= 0.98
    assert result["measures"]["accuracy"]["images"] == 600


def test_without_tensorflow_weights_are_scored_and_what_needs_it_says_so(jax_only: Path) -> None:
    done = _zoo(jax_only, "weights", "verify", "--score", "--json")
    assert done.returncode == 0, done.stderr
    done = _zoo(jax_only, "train", "toy_resnet", "--data", "stream")
    assert done.returncode == 2
    assert done.stderr.endswith("which takes TensorFlow: pip install 'zoobench[tensorflow]'\n")
    done = _zoo(jax_only, "train", "toy_resnet", "--keras-backend", "torch")
    assert done.returncode == 2
    assert done.stderr == "zoo: torch is not installed here; pip install 'zoobench[torch]' brings it\n"


TUTORIAL = (ROOT / "docs" / "tutorial-plugin.md").read_text()
MEASURED = ("zoo bench", "zoo train", "elsewhere/bin/zoo bench")
ENDS = {11: 1, 18: 2}  # the check of what was broken, and the question for what was uninstalled


def _examples() -> ModuleType:
    spec = importlib.util.spec_from_file_location("examples", ROOT / "docs" / "examples.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["examples"] = module  # where its dataclass looks for its types
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tutorial(bin_folder: Path, jax_only: Path) -> list[tuple[str, str, Any]]:
    """Each command of the tutorial for authors, what the page shows below it, and what became of it here."""
    examples = _examples()
    shown = examples.commands(TUTORIAL)
    done = list(examples.run(TUTORIAL, bin_folder, {"elsewhere": jax_only.parent}))
    return [(command, output, example) for (command, output), example in zip(shown, done, strict=True)]


def test_every_command_of_the_tutorial_for_authors_ends_as_it_says(tutorial: list[tuple[str, str, Any]]) -> None:
    for number, (command, _, example) in enumerate(tutorial, 1):
        assert example.exit_code == ENDS.get(number, 0), f"{command}\n{example.output}"


def test_what_it_shows_is_what_they_print(tutorial: list[tuple[str, str, Any]]) -> None:
    for command, output, example in tutorial:
        if not command.startswith(MEASURED):
            assert example.output == output, command


def test_what_it_measures_is_measured(tutorial: list[tuple[str, str, Any]]) -> None:
    for command, output, example in tutorial:
        if command.startswith(MEASURED):
            assert _headers(example.output) == _headers(output), command
    accuracies = [" % (" in example.output for command, _, example in tutorial if command.startswith(MEASURED)]
    assert accuracies == [False, True, True, False]  # before training, training, after it, and elsewhere


def _headers(output: str) -> list[list[str]]:
    lines = output.splitlines()
    return [line.split() for line, below in pairwise(lines) if set(below) == {"-", " "}]


def test_it_leaves_nothing_installed_elsewhere(tutorial: list[tuple[str, str, Any]], jax_only: Path) -> None:
    done = _zoo(jax_only, "list", "--json")
    assert [model["name"] for model in json.loads(done.stdout)] == ["toy_resnet"]
