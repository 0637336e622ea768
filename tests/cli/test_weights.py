"""`zoo weights`, as a user runs it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from support import Zoo

import zoo as package
from zoo.modeling import weights
from zoo.modeling.tensorfile import read

pytestmark = pytest.mark.real

ON_JAX = {"KERAS_BACKEND": "jax"}  # starts in a third of TensorFlow's time


def shipped(model: str) -> Path:
    """The file that comes with a model, for digits."""
    (spec,) = package.models(model)
    return weights.locate(spec.weights_for("digits"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound file, some that are not, and one without a record; resnet20's tensors fit its plain twin too."""
    folder = tmp_path_factory.mktemp("weights")
    content = shipped("toy_resnet").read_bytes()
    record = weights.provenance(shipped("toy_resnet"))
    tensors = load_file(shipped("toy_resnet"))
    (folder / "sound.safetensors").write_bytes(content)
    (folder / "truncated.safetensors").write_bytes(content[:-1])
    (folder / "padded.safetensors").write_bytes(content + b"\0")
    (folder / "text.safetensors").write_text("not weights at all")
    weights.save_arrays({**tensors, "dense/bias": np.full(256, np.nan, np.float32)}, folder / "nan.safetensors", record)
    boast = weights.with_provenance(content, {**record, "score": {**record["score"], "value": 1.0, "high": 1.0}})
    (folder / "boast.safetensors").write_bytes(boast)
    other = weights.with_provenance(content, {**record, "model": "resnet8"})
    (folder / "other.safetensors").write_bytes(other)
    unknown = weights.with_provenance(content, {**record, "model": "nobody"})
    (folder / "unknown.safetensors").write_bytes(unknown)
    save_file(load_file(shipped("resnet20")), folder / "plain.safetensors")
    return folder


@pytest.fixture(scope="module")
def verified(zoo: Zoo, files: Path) -> dict[str, Any]:
    """What `verify --score` found of each, in one run."""
    done = zoo("weights", "verify", "*", *map(str, sorted(files.iterdir())), "--score", "--json", **ON_JAX)
    assert done.returncode == 3
    assert done.stderr == ""
    found = json.loads(done.stdout)
    return {Path(record["path"]).stem: record for record in found}


def test_what_is_shipped_is_sound_and_scores_what_it_records(verified: dict[str, Any]) -> None:
    records = [record for record in verified.values() if record["source"] == "plugin"]
    assert len(records) >= 4
    for record in records:
        assert record["error"] is None
        if record["rescored"]:
            assert record["rescored"]["value"] == pytest.approx(record["score"]["value"], abs=1.5 / 600)
        else:
            assert "'zoo data fetch cifar10' does it" in record["unscored"]
    assert all(record["rescored"] for record in records if record["dataset"] == "digits")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("truncated", "incomplete metadata, file not fully covered"),
        ("padded", "incomplete metadata, file not fully covered"),
        ("text", "is not a whole safetensors file: it claims a header of"),
        ("nan", "dense/bias holds values that are not finite"),
        ("boast", "scores 98.67 % of 600 test images, and 100.00 % of 600 is recorded"),
        ("other", "don't fit resnet8"),
        ("unknown", "is of nobody, which no plugin here brings"),
        ("plain", "doesn't say what it is of; 'zoo weights import FILE MODEL --dataset NAME' checks such a file"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(verified: dict[str, Any], name: str, line: str) -> None:
    assert line in verified[name]["error"]
    assert "\n" not in verified[name]["error"]


def test_a_sound_file_is_good(verified: dict[str, Any]) -> None:
    assert verified["sound"]["error"] is None


def test_a_plain_file_is_imported_exported_and_imported(zoo: Zoo, in_process: Zoo, files: Path, tmp_path: Path) -> None:
    own = {"ZOO_HOME": str(tmp_path / "home"), **ON_JAX}
    arguments = ("weights", "import", str(files / "plain.safetensors"), "plain20", "--dataset", "digits")
    done = zoo(*arguments, "--mean", "0.5", "--std", "0.25", "--json", **own)
    assert done.returncode == 0, done.stderr
    imported = json.loads(done.stdout)
    place, record = Path(imported["path"]), imported["provenance"]
    assert place == tmp_path / "home" / "weights" / "plain20" / "digits.safetensors"  # where `zoo bench` looks
    assert record == weights.provenance(place)
    assert record["score"] is None
    assert record["imported"]["file"] == "plain.safetensors"
    assert record["recipe"] == {"mean": [0.5], "std": [0.25]}
    assert tensors_of(place) == tensors_of(files / "plain.safetensors")

    again = in_process(*arguments, **own)
    assert again.returncode == 2
    assert again.stderr.endswith("--force replaces them\n")

    listed = in_process("weights", "list", "plain20", "--dataset", "digits", **own)
    digest = imported["sha256"]
    row = ["plain20", "digits", "none", "recorded", "–", "1.09", "MB", "here", digest[:12]]
    assert listed.stdout.splitlines()[-1].split() == row

    exported = in_process("weights", "export", "plain20", "--dataset", "digits", "-o", str(tmp_path), **own)
    copy = tmp_path / "plain20-digits.safetensors"
    assert exported.stdout == f"plain20 for digits: {copy}\nsha256 {digest}\n"
    place.write_text("damaged")
    assert zoo("weights", "import", str(copy), "plain20", "--force", **own).returncode == 0
    assert place.read_bytes() == copy.read_bytes()


def tensors_of(path: Path) -> dict[str, bytes]:
    """Their bytes by name."""
    return {name: array.tobytes() for name, array in load_file(path).items()}


def test_what_is_shipped_is_exported_whole(in_process: Zoo, tmp_path: Path) -> None:
    file = str(tmp_path / "new" / "mine.safetensors")
    done = in_process("weights", "export", "toy_resnet", "--dataset", "digits", "-o", file, "--json")
    assert done.returncode == 0, done.stderr
    assert read(tmp_path / "new" / "mine.safetensors") == read(shipped("toy_resnet"))
    assert json.loads(done.stdout)["dataset"] == "digits"


def test_the_list_is_a_table_or_json(in_process: Zoo) -> None:
    table = in_process("weights", "--format", "github").stdout
    assert "| toy_resnet | digits | 98.67 % (97.39–99.32) of 600 | 30 | 0.896 MB |" in re.sub(" +", " ", table)
    (record,) = json.loads(in_process("weights", "list", "toy*", "--dataset", "digits", "--json").stdout)
    assert record["sha256"] == "fdb92fdc87505b3c27f954098403b68fa7a63021512ce8e7b4ba96af168e17f8"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["verify", "toy_resnt"], "unknown model 'toy_resnt'; did you mean 'toy_resnet'?"),
        (["verify", "nothing.safetensors"], "the weights file nothing.safetensors is not there"),
        (["verify", "resnet110"], "there are no weights of resnet110"),
        (["import", "nothing.safetensors", "plain20"], "the weights file nothing.safetensors is not there"),
        (["import", "{}/plain.safetensors", "plain20"], "name the dataset with --dataset"),
        (["import", "{}/plain.safetensors", "plain20", "--dataset", "../x"], "name '..' must have the form"),
        (["import", "{}/plain.safetensors", "plain20", "--dataset", "*"], "unknown dataset '*'"),
        (["import", "{}/plain.safetensors", "plain20", "--dataset", "digts"], "did you mean 'digits'?"),
        (["import", "{}/plain.safetensors", "plain20", "--dataset", "digits", "--std", "0"], "std must be positive"),
        (["import", "{}/plain.safetensors", "plain20", "--dataset", "digits", "--mean", "0,1"], "takes 3 channels"),
        (["import", "{}/sound.safetensors", "plain_cnn"], "says that it is of toy_resnet on digits, and not of plain"),
        (["import", "{}/sound.safetensors", "toy_resnet", "--mean", "0"], "says itself how images are normalised"),
        (
            ["verify", "toy_resnet", "--score", "--dataset", "cifar10", "--data-dir", "{}"],
            "cifar10' has been prepared in",
        ),
        (["export", "toy_resnet", "-o", "x"], "toy_resnet has weights for digits, cifar10; name one with --dataset"),
        (["export", "resnet110", "-o", "x"], "resnet110 has no weights; 'zoo train resnet110' makes them"),
        (["export", "toy_resnet", "--dataset", "digits", "-o", "/proc/nowhere/x"], "can't write to /proc/nowhere"),
        (["export", "toy_resnet"], "Missing option '-o'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(in_process: Zoo, files: Path, arguments: list[str], line: str) -> None:
    done = in_process("weights", *(argument.format(files) for argument in arguments))
    assert done.returncode == 2
    assert done.stdout == ""
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


def test_weights_that_do_not_fit_are_not_imported(zoo: Zoo, in_process: Zoo, files: Path, tmp_path: Path) -> None:
    file = str(files / "plain.safetensors")
    done = zoo("weights", "import", file, "resnet32", "--dataset", "digits", ZOO_HOME=str(tmp_path), **ON_JAX)
    assert done.returncode == 3
    assert "don't fit resnet32: the file lacks stage1_block4_conv1/kernel" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "weights").exists()
