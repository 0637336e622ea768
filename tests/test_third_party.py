"""Clean environments, made from wheels: one with TensorFlow and an author's plugin, one with JAX alone."""

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


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Wheels of the core and of one of its plugins, by name."""
    folder = tmp_path_factory.mktemp("wheels")
    pip("wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, ROOT / "plugins" / "zoo-toy-resnet")
    return {wheel.name.split("-")[0]: wheel for wheel in folder.glob("*.whl")}


@pytest.fixture(scope="module")
def bin_folder(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with the core and TensorFlow, and no plugin."""
    return clean(tmp_path_factory.mktemp("tensorflow"), [wheels["zoobench"]], "tensorflow")


@pytest.fixture(scope="module")
def jax_only(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with the core, JAX, and toy_resnet."""
    return clean(tmp_path_factory.mktemp("jax-only"), [wheels["zoobench"], wheels["zoo_toy_resnet"]], "jax")


def _zoo(bin_folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run([bin_folder / "zoo", *arguments], capture_output=True, text=True, env=clean, cwd="/")


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
    assert result["plugin"] == {"distribution": "zoo-toy-resnet", "version": "0.1.0"}
    assert result["measures"]["accuracy"]["value"] >= 0.98
    assert result["measures"]["accuracy"]["images"] == 600


def test_without_tensorflow_weights_are_scored_and_what_needs_it_says_so(jax_only: Path) -> None:
    done = _zoo(jax_only, "weights", "verify", "--score", "--json")
    assert done.returncode == 0, done.stderr
    done = _zoo(jax_only, "train", "toy_resnet", "--keras-backend", "torch")
    assert done.returncode == 2
    assert done.stderr == "zoo: torch is not installed here; pip install 'zoobench[torch]' brings it\n"


TUTORIAL = (ROOT / "docs" / "tutorial-plugin.md").read_text()
MEASURED = ("zoo bench", "zoo train", "elsewhere/bin/zoo bench")
SHORTER = {
    "zoo bench my_model --batch-size 1": "--max-time 1",
    "zoo bench my_model --runtime jax --batch-size 1": "--max-time 1",
    "zoo train my_model": "--epochs 2",
}
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
    """Each command of the tutorial for authors, what the page shows below it, and what became of it here.

    Each measures and trains for a moment: the figures are not looked at.
    """
    examples = _examples()
    shown = examples.commands(TUTORIAL)
    shortened = TUTORIAL
    for command, more in SHORTER.items():
        assert f"{command}\n" in shortened
        shortened = shortened.replace(f"{command}\n", f"{command} {more}\n")
    done = list(examples.run(shortened, bin_folder, {"elsewhere": jax_only.parent}))
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
            assert _models(example.output) == _models(output), command
            assert bool(_models(output)) == ("bench" in command)
    accuracies = [" % (" in example.output for command, _, example in tutorial if command.startswith(MEASURED)]
    assert accuracies == [False, True, True, False]  # before training, training, after it, and elsewhere


def _headers(output: str) -> list[list[str]]:
    lines = output.splitlines()
    return [line.split() for line, below in pairwise(lines) if set(below) == {"-", " "}]


def _models(output: str) -> list[list[str]]:
    """Of the table of models, what no machine changes: parameters, MACs and size."""
    rows = [line.split() for line in output.splitlines() if line.startswith("my_model ")]
    return [row[:6] for row in rows if row[5:6] == ["MB"]]


def test_it_leaves_nothing_installed_elsewhere(tutorial: list[tuple[str, str, Any]], jax_only: Path) -> None:
    done = _zoo(jax_only, "list", "--json")
    assert [model["name"] for model in json.loads(done.stdout)] == ["toy_resnet"]
