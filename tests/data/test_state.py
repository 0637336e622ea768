"""Whether a dataset's files are as they were."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.data.state import dataset_state


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two classes."""
    for name in ("cats/a.png", "dogs/b.png"):
        file = tmp_path / "images" / name
        file.parent.mkdir(parents=True)
        file.write_bytes(name.encode())
    return tmp_path / "images"


def test_looking_twice_gives_one_state(folder: Path) -> None:
    assert dataset_state(str(folder)) == dataset_state(str(folder))


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "cats/c.png").write_bytes(b""),
        lambda folder: (folder / "cats/a.png").unlink(),
        lambda folder: (folder / "cats/a.png").rename(folder / "dogs/a.png"),
        lambda folder: (folder / "cats").rename(folder / "birds"),
        lambda folder: (folder / "cats/a.png").write_bytes(b"longer than it was before"),
    ],
    ids=["more", "fewer", "moved", "renamed", "changed"],
)
def test_any_change_gives_another(folder: Path, change: Callable[[Path], object]) -> None:
    before = dataset_state(str(folder))
    change(folder)
    assert dataset_state(str(folder)) != before


def test_a_folder_that_is_moved_as_a_whole_keeps_its_state(folder: Path, tmp_path: Path) -> None:
    before = dataset_state(str(folder))
    folder.rename(tmp_path / "elsewhere")
    assert dataset_state(str(tmp_path / "elsewhere")) == before


def test_a_copy_has_another(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    assert dataset_state(str(tmp_path / "copy")) != dataset_state(str(folder))


def test_names_that_are_no_text_are_names_too(folder: Path) -> None:
    before = dataset_state(str(folder))
    with open(os.fsencode(folder) + b"/cats/\xff.png", "wb"):
        pass
    assert dataset_state(str(folder)) != before


def test_what_is_not_there_has_none(tmp_path: Path) -> None:
    assert dataset_state(str(tmp_path / "nothing")) is None
