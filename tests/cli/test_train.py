"""`zoo train`: weights with their provenance, the same for the same seed, however often it is interrupted."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from support import COMMAND, COMPILED_SOONER, Zoo, with_path

from zoo.modeling.weights import provenance
from zoo.training.api import spread

pytestmark = pytest.mark.real

OWN = {"metrics": "small:brier,top_k_categorical_accuracy", "augmentation": "small:darker"}
RUN = (
    "small",
    "--epochs",
    "4",
    "--set",
    "ema_momentum=0.9",
    "--set",
    "flip=yes",
    *chain.from_iterable(("--set", f"{name}={value}") for name, value in OWN.items()),
)


@pytest.fixture(scope="module")
def trained(zoo: Zoo, small: dict[str, str]) -> dict[str, Any]:
    """The small model for four epochs, where `zoo bench` finds it."""
    done = zoo("train", *RUN, "--json", **small)
    assert done.returncode == 0, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    return record


def test_the_weights_say_how_they_were_made(trained: dict[str, Any], home: Path) -> None:
    assert trained["path"] == str(home / "weights" / "small" / "digits.safetensors")
    record = trained["provenance"]
    assert record["recipe"]["epochs"] == 4
    own = {"metrics": ["small:brier", "top_k_categorical_accuracy"], "augmentation": "small:darker"}
    assert record["changes"] == {"epochs": 4, "ema_momentum": 0.9, "flip": True, **own}
    assert record["code"].keys() == {"small:brier", "small:darker"}
    assert {(code["distribution"], code["version"]) for code in record["code"].values()} == {("small", "1.0")}
    metrics = record["score"]["metrics"]
    assert 0.3 < record["score"]["value"] < metrics["top_k_categorical_accuracy"] <= 1
    assert 0 < metrics["brier"] < 0.9  # which is that of ten classes that are as likely as one another
    assert record["train_images"] == 1197
    assert record["score"]["images"] == 600
    assert record["score"]["split"] == "test"
    assert record["score"]["test_time_augmentation"] is None
    assert record["score"]["value"] > 0.3
    assert record["versions"]["keras_backend"] == "tensorflow"
    assert record["deterministic"] is True


def test_the_run_keeps_its_history_and_a_picture_of_it(trained: dict[str, Any]) -> None:
    folder = Path(trained["run"])
    history = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in history] == [1, 2, 3, 4]
    assert history[0]["brier"] > history[-1]["brier"]
    assert history[0]["loss"] > history[-1]["loss"] == trained["provenance"]["final_loss"]
    assert trained["provenance"]["train_s"] == pytest.approx(sum(line["seconds"] for line in history), abs=0.1)
    assert "<polyline" in (folder / "curves.svg").read_text()
    assert json.loads((folder / "result.json").read_text()) == {key: trained[key] for key in ("sha256", "provenance")}


def test_bench_finds_and_scores_them(trained: dict[str, Any], quick: Zoo, small: dict[str, str]) -> None:
    options = ("--runtime", "jax", "--max-time", "1", "--batch-size", "1", "--json")
    (result,) = json.loads(quick("bench", "small", "--weights", "trained", *options, **small).stdout)
    assert result["weights"]["sha256"] == trained["sha256"]
    score = trained["provenance"]["score"]
    assert result["measures"]["accuracy"]["value"] == pytest.approx(score["value"], abs=1 / 600)


def test_killed_and_resumed_it_ends_with_the_same_weights(
    trained: dict[str, Any],
    zoo: Zoo,
    in_process: Zoo,
    small: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, output = tmp_path / "run", tmp_path / "resumed.safetensors"
    arguments = (*RUN, "--run-dir", str(folder), "-o", str(output))
    process = subprocess.Popen([*COMMAND, "train", *arguments], env={**os.environ, **with_path(small)})
    history = folder / "history.jsonl"
    until = time.monotonic() + 300
    while not (history.exists() and history.read_text()):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not output.exists()

    refused = in_process("train", *arguments, **small)
    assert refused.returncode == 2
    assert "of this very run; go on from there with --resume" in refused.stderr

    changed = tmp_path / "changed"
    shutil.copytree(small["PYTHONPATH"], changed)
    (changed / "small.py").write_text((changed / "small.py").read_text().replace("0.5, 1, seed", "0.4, 1, seed"))
    refused = in_process("train", *arguments, "--resume", PYTHONPATH=str(changed))
    assert refused.returncode == 2
    assert f"{folder} holds another run: code.small:brier.sha256 is " in refused.stderr
    assert refused.stderr.endswith(" (and 1 more); name another folder\n")

    done = zoo("train", *arguments, "--resume", "--json", **small)
    assert done.returncode == 0, done.stderr
    resumed = json.loads(done.stdout)
    assert resumed["provenance"]["values_sha256"] == trained["provenance"]["values_sha256"]
    first, second = load_file(trained["path"]), load_file(output)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    lines = [json.loads(line) for line in history.read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4]

    monkeypatch.setattr("zoo.executors.local.run", None)  # there is nothing left to do
    again = in_process("train", *arguments, "--resume", "--json", **small)
    assert json.loads(again.stdout) == resumed


def test_tuning_reads_no_test_split_and_streams_the_same_images(
    zoo: Zoo, small: dict[str, str], letters: Path, tmp_path: Path
) -> None:
    done = zoo(
        "train", "small", "--tune", "--dataset", "letters", "--data-dir", str(letters), "--data", "stream",
        "--seeds", "2", "--epochs", "1", "--flip-test", "--run-dir", str(tmp_path), "--json", **small,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    scores = [run["provenance"]["score"] for run in record["runs"]]
    assert [run["provenance"]["recipe"]["seed"] for run in record["runs"]] == [0, 1]
    assert record["score"]["mean"] == pytest.approx((scores[0]["value"] + scores[1]["value"]) / 2)
    assert record["score"]["deviation"] == pytest.approx(abs(scores[0]["value"] - scores[1]["value"]) / 2**0.5)
    for run, score in zip(record["runs"], scores, strict=True):
        assert run["provenance"]["dataset"]["test_sha256"] is None
        assert run["provenance"]["train_images"] + score["images"] == 1197
        assert score["split"] == "a tenth of train"
        assert score["with_flip"]["test_time_augmentation"] == "flip"
        (line,) = [json.loads(line) for line in (Path(run["run"]) / "history.jsonl").read_text().splitlines()]
        assert line["tuning_accuracy"] == score["value"]
        assert Path(run["path"]).parent == Path(run["run"])


def test_a_loss_that_is_not_finite_keeps_the_last_good_checkpoint(
    zoo: Zoo, small: dict[str, str], tmp_path: Path
) -> None:
    arguments = ("--run-dir", str(tmp_path / "run"), "-o", str(tmp_path / "w"))
    changes = ("--set", "optimizer=sgd", "--set", "learning_rate=1e9", "--set", "schedule=constant")
    done = zoo("train", "small", *arguments, *changes, "--keras-backend", "jax", **small, **COMPILED_SOONER)
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("zoo: the loss of small was nan at step ")
    assert "of epoch 1, with a learning rate of 1e+09; the checkpoint after epoch 0 is kept in " in line
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--recipe", "defualt"], "unknown recipe 'defualt'; did you mean 'default'?"),
        (["--dataset", "digit"], "unknown dataset 'digit'; did you mean 'digits'?"),
        (["--set", "learning_rte=1"], "a recipe has no 'learning_rte' to set; did you mean 'learning_rate'?"),
        (["--set", "mean=0.5,0.5"], "mean has 2 values and the images of resnet8 have 3 channels"),
        (["--set", "loss=nowhere:brier"], "the recipe's loss, nowhere:brier, is not there: install what has it, or"),
        (["--set", "shift_pixels=32"], "shift_pixels 32 would move images of 32×32 out of sight"),
        (["--run-dir", "/proc/nowhere"], "can't write to /proc/nowhere: no such file or directory"),
        (["--strategy", "multi-worker"], "--strategy multi-worker with --keras-backend tensorflow: Keras 3 does not"),
        (["--strategy", "data-parallel"], "--strategy data-parallel with --keras-backend tensorflow: keras.distribut"),
    ],
)
def test_what_can_not_be_trained_is_one_line_at_once(arguments: list[str], line: str, in_process: Zoo) -> None:
    done = in_process("train", "resnet8", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"zoo: {line}")
    assert len(done.stderr.splitlines()) == 1


def test_several_seeds_of_a_dataset_without_a_recipe_of_its_own(
    zoo: Zoo, small: dict[str, str], letters: Path, tmp_path: Path
) -> None:
    output = tmp_path / "w.safetensors"
    arguments = ["--seeds", "2", "--epochs", "1", "--run-dir", str(tmp_path / "runs"), "-o", str(output), "--json"]
    done = zoo("train", "small", "--dataset", "letters", "--data-dir", str(letters), *arguments, **small)
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)["runs"]
    record = first["provenance"]
    assert (record["dataset"]["name"], record["recipe"]["dataset"]) == ("letters", "*")
    values = [run["provenance"]["score"]["value"] for run in (first, second)]
    assert record["over_seeds"] == {**spread(values), "values": values}
    assert provenance(output) == record
    assert hashlib.sha256(output.read_bytes()).hexdigest() == first["sha256"]
    alone = load_file(tmp_path / "runs" / "seed0" / "weights.safetensors")
    assert all(np.array_equal(array, alone[name]) for name, array in load_file(output).items())
