"""A folder of images of all sizes and forms, as a user brings it: verified, trained on, measured."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from odd_images import drawing, encoded, odd_images
from PIL import Image
from support import Zoo

pytestmark = pytest.mark.real

SIDE = 8  # of the small model's input


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of odd files, and what should not be among them."""
    folder = tmp_path_factory.mktemp("owner") / "pets"
    for i, odd in enumerate(odd_images()):
        path = folder / ("ant", "bee")[i % 2] / f"{i}-{odd.name.upper()}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(odd.content)
    (folder / "ant" / "broken.png").write_bytes(b"no image")
    (folder / "bee" / "cut.jpg").write_bytes(encoded(drawing("RGB", (300, 200)), "jpeg")[:2000])
    os.mkfifo(folder / "bee" / "pipe.png")
    (folder / "ant" / ".DS_Store").touch()
    (folder / "ant" / "photo.heic").touch()
    return folder


def test_damage_is_one_line_with_the_path(zoo: Zoo, pets: Path, tmp_path: Path) -> None:
    done = zoo("data", "verify", f"folder:{pets}")
    assert done.returncode == 3
    assert done.stderr == (
        f"zoo: can't read {pets}/bee/pipe.png: it is a FIFO, not a file; --skip-damaged leaves such files out\n"
    )
    (tmp_path / "a").mkdir()
    for i in range(3):
        (tmp_path / "a" / f"{i}.png").write_bytes(b"no image")
    done = zoo("data", "verify", f"folder:{tmp_path}")
    assert done.returncode == 3
    assert done.stderr.startswith(f"zoo: can't decode {tmp_path}/a/")
    assert done.stderr.endswith(
        ": it is none of PNG, JPEG, WEBP, BMP, GIF, TIFF; --skip-damaged leaves such files out\n"
    )


def test_what_is_left_out_is_named(zoo: Zoo, pets: Path) -> None:
    done = zoo("data", "verify", f"folder:{pets}", "--skip-damaged", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["image_shape"] == [None, None, 3]
    assert (found["damaged"], found["left_out"]) == (1, 1)
    damaged = sorted(file for split in found["splits"].values() for file in split["damaged"])
    assert damaged == [str(pets / "ant" / "broken.png"), str(pets / "bee" / "cut.jpg")]
    assert sum(split["images"] for split in found["splits"].values()) == len(odd_images())
    assert sorted(line.removeprefix("zoo: left out as damaged: ") for line in done.stderr.splitlines()) == damaged


@pytest.fixture(scope="module")
def trained(zoo: Zoo, small: dict[str, str], pets: Path) -> dict[str, Any]:
    done = zoo(
        *("train", "small", "--dataset", f"folder:{pets}", "--epochs", "1", "--set", "batch_size=8", "--resize", "pad"),
        *("--skip-damaged", "--json"),
        **small,
    )
    assert done.returncode == 0, done.stderr
    assert "left out: 1 file with other endings (.heic)" in done.stderr
    assert "the zoo tests on one image in 5 of each class, by the sha256 of CLASS/FILE" in done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    return record


def test_the_weights_say_how_images_came_to_size(trained: dict[str, Any]) -> None:
    record = trained["provenance"]
    assert record["recipe"]["resize"] == "pad"
    assert record["changes"]["resize"] == "pad"
    assert record["dataset"]["image_shape"] == [SIDE, SIDE, 3]
    assert record["dataset"]["damaged"] == 3
    assert record["train_images"] + record["score"]["images"] == len(odd_images())


def test_bench_scores_the_same_pixels_and_the_result_says_what_is_left_out(
    quick: Zoo, small: dict[str, str], pets: Path, trained: dict[str, Any]
) -> None:
    done = quick(
        *("bench", "small", "--dataset", f"folder:{pets}", "--batch-size", "1", "--skip-damaged", "--json"), **small
    )
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    record = trained["provenance"]
    assert result["measures"]["accuracy"]["value"] == record["score"]["value"]
    assert result["predictions"]["dataset_sha256"] == record["dataset"]["test_sha256"]
    images = result["images"]
    assert (images["resize"], images["height"], images["width"]) == ("pad", SIDE, SIDE)
    assert images["left_out"] == 1
    assert images["damaged"] >= 1
    assert "images_damaged" in [check["code"] for check in result["checks"]]
    assert str(pets.parent) not in done.stdout

    mistakes = pets.parent / "mistakes.png"
    done = quick("results", "scores", result["id"], "--mistakes", str(mistakes), **small)
    assert done.returncode == 0, done.stderr
    assert mistakes.is_file() or "made no mistake" in done.stderr


def test_without_damage_nothing_is_said(quick: Zoo, small: dict[str, str], tmp_path: Path) -> None:
    for split in ("train", "test"):
        for name, colour in (("ant", (200, 30, 40)), ("bee", (20, 180, 60))):
            (tmp_path / split / name).mkdir(parents=True)
            for i in range(4):
                Image.new("RGB", (SIDE, SIDE), colour).save(tmp_path / split / name / f"{i}.png")
    done = quick("bench", "small", "--dataset", f"folder:{tmp_path}", "--batch-size", "1", "--json", **small)
    assert (done.returncode, done.stderr) == (0, "")
    (result,) = json.loads(done.stdout)
    assert result["reasons"]["accuracy"].startswith("no weights for folder:")


def test_the_example_of_an_export_holds_the_pixels_that_pillow_gives(
    zoo: Zoo, small: dict[str, str], pets: Path, trained: dict[str, Any], tmp_path: Path
) -> None:
    pytest.importorskip("zoo_onnxruntime", reason="the plugin zoo-onnxruntime is not installed")
    done = zoo(
        *("export", "small", "--dataset", f"folder:{pets}", "--runtime", "onnxruntime", "--batch-size", "4"),
        *("--skip-damaged", "-o", str(tmp_path / "out"), "--json"),
        **small,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["resize"] == "pad"
    from zoo.data.decode import pixels
    from zoo.data.fit import Fit
    from zoo.data.folder import scan
    from zoo.data.preprocess import adapt

    with np.load(tmp_path / "out" / "example.npz") as example:
        found = example["images"]
    fit = Fit(resize="pad", height=SIDE, width=SIDE)
    files = [
        file for file, _ in scan(pets, skip_damaged=True).splits["test"] if "broken" not in file and "cut" not in file
    ]
    stored = np.stack([pixels(Path(file).read_bytes(), 3, fit) for file in files[:4]])
    grey = adapt(stored, (SIDE, SIDE, found.shape[-1]))
    assert np.array_equal(found, np.rint(grey * 255).astype(np.uint8))
