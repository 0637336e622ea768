"""`zoo study residual`, on real twins: what is recorded is the gradient, and both get the same images."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from support import Zoo

pytestmark = pytest.mark.real

STEPS = 6
COMMAND = (
    *("study", "residual", "--pair", "plain_cnn:toy_resnet", "--dataset", "digits"),
    *("--steps", str(STEPS), "--batch-size", "64"),
)

# Runs in a process of its own: the gradient of the first step, by the framework's own tape.
BY_TAPE = """
import json, sys
import tensorflow as tf
from zoo.study.residual import _recording
from zoo.training.distribute import set_up
from zoo.training.job import Job
from zoo.training.learner import make_learner
from zoo.training.optimizers import decays
from zoo.training.splits import parts
job = Job.from_json(json.load(sys.stdin))
trained, _ = parts(job.dataset, tune=True, stream=False)
learner = make_learner(job, trained, set_up(job), make_optimizer=_recording)
x, y = learner.batches[0]
variables = learner.network.trainable_variables
with tf.GradientTape() as tape:
    loss = learner.model.loss(y, learner.model({k: tf.constant(v) for k, v in x.items()}, training=True))
gradients = tape.gradient(loss, [v.value for v in variables])
print(json.dumps([float(tf.norm(g)) for v, g in zip(variables, gradients) if decays(v)]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def study(zoo: Zoo, folder: Path) -> dict[str, Any]:
    done = zoo(*COMMAND, "-o", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found == json.loads((folder / "study.json").read_text())
    return found


@pytest.mark.parametrize(("kind", "name"), [("plain", "plain_cnn"), ("residual", "toy_resnet")])
def test_every_kernels_gradient_is_recorded_from_the_first_step_to_the_last(
    study: dict[str, Any], kind: str, name: str
) -> None:
    ((pair),) = study["pairs"]
    trained = pair[kind]
    assert trained["model"] == name
    assert [point["step"] for point in trained["points"]] == list(range(1, STEPS + 1))
    assert all(layer["path"].endswith("kernel") for layer in trained["layers"])
    for point in trained["points"]:
        assert len(point["gradient_norms"]) == len(trained["layers"])
        assert all(norm > 0 for norm in point["gradient_norms"])
        assert math.isfinite(point["loss"])
    assert 0 <= trained["held_out"]["value"] <= 1


def test_what_is_recorded_is_the_gradient_of_the_loss(study: dict[str, Any], folder: Path) -> None:
    from zoo.data.catalog import find
    from zoo.registry import load
    from zoo.specs import Recipe
    from zoo.training.job import Job

    registry = load()
    job = Job(
        model=registry.model("toy_resnet").spec,
        dataset=find("digits", registry.datasets, None),
        recipe=Recipe.from_json(study["recipe"]),
        tune=True,
    )
    done = subprocess.run(
        [sys.executable, "-c", BY_TAPE], input=json.dumps(job.to_json()), capture_output=True, text=True, check=True
    )
    by_tape = json.loads(done.stdout.splitlines()[-1])
    assert study["pairs"][0]["residual"]["points"][0]["gradient_norms"] == pytest.approx(by_tape, rel=1e-3)


def test_the_picture_has_a_row_for_each_pair(study: dict[str, Any], folder: Path) -> None:
    root = ElementTree.parse(folder / "residual.svg").getroot()
    lines = list(root.iter("{http://www.w3.org/2000/svg}polyline"))
    assert len(lines) == 2 * 3 * len(study["pairs"])


def test_what_the_folder_holds_is_not_trained_again(in_process: Zoo, study: dict[str, Any], folder: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in folder.glob("*_*.json")}
    done = in_process(*COMMAND, "-o", str(folder))
    assert done.returncode == 0, done.stderr
    assert "toy_resnet" in done.stdout
    assert {file: file.stat().st_mtime_ns for file in folder.glob("*_*.json")} == before


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--pair", "plain_cnn"], "'plain_cnn' is not a pair such as plain56:resnet56"),
        (["--pair", "plain_cnn:toy_resnt"], "did you mean 'toy_resnet'?"),
        (["--steps", "1"], "1 is not in the range"),
        (["--dataset", "nothing"], "nothing"),
    ],
)
def test_bad_input_is_one_line(in_process: Zoo, tmp_path: Path, arguments: list[str], line: str) -> None:
    done = in_process("study", "residual", *arguments, "-o", str(tmp_path / "out"))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert line in done.stderr
