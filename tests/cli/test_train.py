"""`zoo train`: weights with their provenance, the same for the same seed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from support import Zoo

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def trained(zoo: Zoo, home: Path) -> dict[str, object]:
    """resnet8's plain relation for two epochs, where `zoo bench` finds it."""
    done = zoo("train", "plain20", "--epochs", "2", "--json")
    assert done.returncode == 0, done.stderr
    record: dict[str, object] = json.loads(done.stdout)
    return record


def test_the_weights_say_how_they_were_made(trained: dict[str, object], home: Path) -> None:
    assert trained["path"] == str(home / "weights" / "plain20" / "digits.safetensors")
    record = trained["provenance"]
    assert isinstance(record, dict)
    assert record["recipe"]["epochs"] == 2
    assert record["train_images"] == 1197
    assert record["score"]["images"] == 600
    assert record["versions"]["keras_backend"] == "tensorflow"


def test_bench_finds_and_scores_them(trained: dict[str, object], zoo: Zoo) -> None:
    (result,) = json.loads(zoo("bench", "plain20", "--batch-size", "1", "--json").stdout)
    assert result["weights"]["source"] == "trained here"
    assert result["weights"]["sha256"] == trained["sha256"]
    record = trained["provenance"]
    assert isinstance(record, dict)
    assert result["measures"]["accuracy"]["value"] == pytest.approx(record["score"]["value"], abs=1 / 600)


def test_the_same_seed_gives_the_same_weights(zoo: Zoo, tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.safetensors" for name in ("first", "second")]
    for file in files:
        done = zoo("train", "resnet8", "--epochs", "1", "--seed", "3", "-o", str(file))
        assert done.returncode == 0, done.stderr
    first, second = map(load_file, files)
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_dataset_without_a_recipe_is_one_line(zoo: Zoo, cifar10_folder: Path) -> None:
    done = zoo("train", "toy_resnet", "--dataset", "cifar10", "--data-dir", str(cifar10_folder))
    assert done.returncode == 2
    assert done.stderr == "zoo: toy_resnet has no recipe for cifar10; it has recipes for: digits\n"
