"""A folder of images as a dataset."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from zoo.data.catalog import find
from zoo.data.folder import read, scan
from zoo.errors import DataError, UsageError
from zoo.paths import trained_weights


def put(folder: Path, *files: str) -> Path:
    """Empty files: they are counted, not looked into."""
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def draw(path: Path, value: int | tuple[int, ...] = 0, mode: str = "RGB", size: tuple[int, int] = (4, 3)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path)


def test_images_are_counted_by_split_and_classes_sorted(tmp_path: Path) -> None:
    put(tmp_path, "train/cat/1.png", "train/cat/2.JPG", "train/ant/3.jpeg", "test/cat/4.png", "test/bee/5.png")
    found = find(f"folder:{tmp_path}", {})
    assert found.splits == {"train": 3, "test": 2}
    assert list(found.splits) == ["train", "test"]
    assert scan(tmp_path).classes == ["ant", "bee", "cat"]
    assert found.classes == 3
    assert found.is_folder
    assert found.is_prepared


def test_what_is_no_image_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "train/cat/1.png", "train/cat/notes.txt", "train/cat/._1.png", "train/.hidden/1.png", "train/1.png")
    put(tmp_path, ".git/cat/1.png", "__MACOSX/cat/1.png", "README.png", "train/cat/deeper/1.png", "empty/cat/notes.txt")
    found = scan(tmp_path)
    assert found.splits == {"train": [(str(tmp_path / "train/cat/1.png"), 0)]}
    assert found.classes == ["cat"]


@pytest.mark.parametrize("name", ["val", "validation"])
def test_val_is_the_test_split_where_there_is_no_other(tmp_path: Path, name: str) -> None:
    put(tmp_path, "train/a/1.png", f"{name}/a/1.png", f"{name}/a/2.png")
    assert find(f"folder:{tmp_path}", {}).splits == {"train": 1, "test": 2}
    put(tmp_path, "test/a/1.png")
    assert find(f"folder:{tmp_path}", {}).splits == {"train": 1, name: 2, "test": 1}


def test_a_relative_path_and_one_of_the_users_home_mean_the_absolute_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "pets", "test/a/1.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "zoo"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find("folder:pets", {}) == find("folder:~/pets", {}) == find(f"folder:{tmp_path}/pets", {})
    found = find("folder:pets", {})
    assert found.folder == str(tmp_path / "pets")
    assert re.fullmatch(r"folder:pets-[0-9a-f]{4}", found.name)
    monkeypatch.chdir("/")
    assert find(found.name, {}) == found  # a name in a record can be given back


@pytest.mark.parametrize("path", ["", "nowhere", "file", "bell\x07"])
def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "file")
    with pytest.raises(UsageError, match=r"the image folder '.*' is not there"):
        find(f"folder:{path}", {})


@pytest.mark.parametrize("files", [[], ["a.png"], ["cat/1.png"], ["train/a/notes.txt"]])
def test_a_folder_of_another_layout_says_what_is_wanted(tmp_path: Path, files: list[str]) -> None:
    with pytest.raises(UsageError, match=r"no images are in .*: it needs PATH/train/CLASS/\*\.png"):
        find(f"folder:{put(tmp_path, *files)}", {})


def test_weights_for_two_folders_lie_in_two_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", "/zoo")
    names = [trained_weights("toy", f"folder:/{path}").name for path in ("a/b", "a@b", "b", "x" * 4000, "c/../b")]
    assert len(set(names)) == len(names)
    assert all(len(name) < 60 for name in names)


names = st.text("abcXYZ 0-_.é", min_size=1, max_size=6).filter(lambda name: not name.startswith((".", " ")))
layouts = st.dictionaries(
    st.sampled_from(["train", "val", "test", "extra"]),
    st.dictionaries(names, st.integers(0, 3), min_size=1, max_size=3),
    min_size=1,
    max_size=3,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(layouts)
def test_every_image_is_counted_once_with_the_class_of_its_folder(
    tmp_path_factory: pytest.TempPathFactory, layout: dict[str, dict[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("layout")
    for split, classes in layout.items():
        for name, count in classes.items():
            (folder / split / name).mkdir(parents=True)
            put(folder, *(f"{split}/{name}/{i}.png" for i in range(count)))
    files = sorted(str(path) for path in folder.rglob("*.png"))
    if not files:
        with pytest.raises(UsageError, match="no images"):
            scan(folder)
        return
    found = scan(folder)
    examples = [example for split in found.splits.values() for example in split]
    assert sorted(file for file, _ in examples) == files
    assert all(found.classes[label] == Path(file).parent.name for file, label in examples)
    assert found.classes == sorted(set(found.classes))
    assert scan(folder) == found


def test_images_are_decoded_to_colour(tmp_path: Path) -> None:
    draw(tmp_path / "train/a/colour.png", (10, 20, 30))
    draw(tmp_path / "train/a/grey.png", 40, "L")
    draw(tmp_path / "train/a/clear.png", (50, 60, 70, 0), "RGBA")
    draw(tmp_path / "train/a/black.png", 1, "1")
    batches = list(read(tmp_path, "train", 3))
    images = np.concatenate([images for images, _ in batches])
    assert [len(images) for images, _ in batches] == [3, 1]
    assert images.shape == (4, 3, 4, 3)
    assert images.dtype == np.uint8
    pixels = {tuple(map(int, image[0, 0])) for image in images}
    assert pixels == {(10, 20, 30), (40, 40, 40), (50, 60, 70), (255, 255, 255)}
    assert all(labels.dtype == np.int64 for _, labels in batches)


def test_images_of_two_sizes_are_refused_by_name(tmp_path: Path) -> None:
    draw(tmp_path / "train/a/small.png", size=(4, 3))
    draw(tmp_path / "train/b/large.png", size=(5, 3))
    with pytest.raises(DataError, match="differ in size") as error:
        list(read(tmp_path, "train", 8))
    for part in ("train/a/small.png", "3×4", "train/b/large.png", "3×5"):
        assert part in str(error.value)


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n", "cut"])
def test_a_file_that_is_no_image_is_named(tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / "train/a/1.png"
    draw(path, size=(640, 640))
    path.write_bytes(path.read_bytes()[:-60] if isinstance(content, str) else content)
    with pytest.raises(DataError, match="can't decode ") as error:
        list(read(tmp_path, "train", 8))
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_sixteen_bits_a_channel_are_refused(tmp_path: Path) -> None:
    draw(tmp_path / "train/a/deep.png", 40_000, "I;16")
    with pytest.raises(DataError, match="more than 8 bits a channel"):
        list(read(tmp_path, "train", 8))
