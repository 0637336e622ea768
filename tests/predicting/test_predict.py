"""`zoo predict`: what a trained model says of image files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import Zoo

from zoo.modeling import weights as files
from zoo.registry import load


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Twelve digits in files of several forms, a damaged file, and one that is no image."""
    folder = tmp_path / "pictures"
    (folder / "inner").mkdir(parents=True)
    from sklearn.datasets import load_digits

    for number, image in enumerate(load_digits().images[-12:]):
        picture = Image.fromarray((image * 255 / 16).astype(np.uint8)).resize((64, 64), Image.Resampling.NEAREST)
        suffix = (".png", ".PNG", ".webp")[number % 3]
        picture.save(folder / ("inner" if number > 8 else ".") / f"{number:02}{suffix}", lossless=True)
    (folder / "torn.jpg").write_bytes(b"\xff\xd8\xff")
    (folder / ".hidden.png").write_bytes(b"")
    (folder / "notes.txt").write_text("no image")
    return folder


def test_a_folder_of_images(zoo: Zoo, pictures: Path) -> None:
    from sklearn.datasets import load_digits

    done = zoo("predict", "toy_resnet", str(pictures), "--dataset", "digits", "--json")
    assert done.returncode == 3
    assert done.stderr.startswith(f"zoo: {pictures}/torn.jpg: ")
    assert done.stderr.count("\n") == 1
    found = json.loads(done.stdout)
    assert found["dataset"] == "digits"
    assert found["weights_source"] == "plugin"
    predictions = {Path(one["image"]).stem: one for one in found["predictions"]}
    assert sorted(predictions) == [*(f"{number:02}" for number in range(12)), "torn"]
    right = sum(
        predictions[f"{number:02}"]["guesses"][0]["name"] == str(digit)
        for number, digit in enumerate(load_digits().target[-12:])
    )
    assert right >= 11
    for one in predictions.values():
        shares = [guess["probability"] for guess in one["guesses"]]
        assert shares == sorted(shares, reverse=True)
        assert (len(shares) == 3) == (one["error"] is None)


def test_weights_that_lie_here_and_the_titles_of_their_classes(zoo: Zoo, pictures: Path, tmp_path: Path) -> None:
    (shipped,) = (weights for weights in load().model("toy_resnet").spec.weights if weights.dataset == "digits")
    path = files.locate(shipped)
    record = files.provenance(path)
    record["dataset"] |= {"class_names": [f"n{n}" for n in range(10)], "class_titles": [f"the {n}" for n in range(10)]}
    here = tmp_path / "home" / "weights" / "toy_resnet" / "digits.safetensors"
    here.parent.mkdir(parents=True)
    here.write_bytes(files.with_provenance(path.read_bytes(), record))
    command = ("predict", "toy_resnet", str(pictures / "00.png"), "--dataset", "digits", "--json")
    done = zoo(*command, ZOO_HOME=str(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["dataset"], found["weights_source"]) == ("digits", "trained here")
    names = {guess["name"] for guess in found["predictions"][0]["guesses"]}
    assert names <= {f"the {n} (n{n})" for n in range(10)}


def test_the_table_and_standard_input(zoo: Zoo, pictures: Path) -> None:
    done = zoo(
        "predict",
        "toy_resnet",
        str(pictures / "00.png"),
        str(pictures / "02.webp"),
        "--dataset",
        "digits",
        "--top",
        "1",
    )
    assert done.returncode == 0
    assert done.stderr == ""
    first, blank, headers, *_ = done.stdout.splitlines()
    assert first.startswith("toy_resnet, weights for digits (plugin, ")
    assert (blank, headers.split()) == ("", ["image", "class", "probability", "then"])


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["toy_resnet", "none.png"], "toy_resnet has weights for several datasets; choose one by --dataset: "),
        (["toy_resnet", "none.png", "--dataset", "digits"], "there is no file none.png"),
        (["resnet110", "none.png"], "resnet110 has no weights; 'zoo train resnet110' makes some"),
        (["resnet110", "none.png", "--dataset", "digits"], "resnet110 has no weights for digits; 'zoo train resnet110"),
        (["toy_resnet", "none.png", "--weights", "no.safetensors"], "the weights file no.safetensors is not there"),
        (["toy_resnet"], "Missing argument 'IMAGE...'."),
        (["toy-resnet", "none.png"], "unknown model 'toy-resnet'; did you mean 'toy_resnet'?"),
        (["toy_resnet", "none.png", "--top", "0"], "0 is not in the range x>=1"),
    ],
)
def test_a_mistake_is_one_line_before_anything_starts(in_process: Zoo, arguments: list[str], line: str) -> None:
    done = in_process("predict", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_without_images(in_process: Zoo, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    done = in_process("predict", "toy_resnet", str(tmp_path), "--dataset", "digits")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"zoo: there are no images in {tmp_path}; they end in .png, .jpg, .jpeg, .webp, .bmp, .gif, .tif, .tiff\n"
    )
