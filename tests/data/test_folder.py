"""A folder of images as a dataset."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from zoo.data.catalog import find
from zoo.data.fit import Fit
from zoo.data.folder import scan
from zoo.data.folder_images import read
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


def test_all_formats_are_images_whatever_the_case_of_their_endings(tmp_path: Path) -> None:
    endings = ("png", "JPG", "jpeg", "WebP", "bmp", "GIF", "tif", "TIFF")
    put(tmp_path, *(f"{split}/cat/{i}.{end}" for i, end in enumerate(endings) for split in ("train", "test")))
    found = scan(tmp_path)
    assert {split: len(examples) for split, examples in found.splits.items()} == {"train": 8, "test": 8}
    assert (found.left_out, found.notes) == (0, ())


def test_what_the_system_keeps_there_is_passed_over_and_the_rest_is_counted(tmp_path: Path) -> None:
    put(tmp_path, "train/cat/1.png", "train/cat/._1.png", "train/cat/.DS_Store", "train/.hidden/1.png", "Thumbs.db")
    put(tmp_path, ".git/cat/1.png", "__MACOSX/cat/1.png", "desktop.ini", "train/cat/Thumbs.db")
    found = scan(tmp_path)
    assert found.splits == {"train": [(str(tmp_path / "train/cat/1.png"), 0)]}
    assert (found.left_out, found.notes) == (0, ())
    put(tmp_path, "README.png", "train/1.png", "train/cat/deeper/1.png", "train/cat/deeper/still/2.png")
    put(tmp_path, "train/cat/notes.txt", "train/cat/x.heic", "train/cat/y.HEIC", "empty/cat/notes")
    found = scan(tmp_path)
    assert found.splits == {"train": [(str(tmp_path / "train/cat/1.png"), 0)]}
    assert found.classes == ["cat"]
    assert found.left_out == 8
    assert found.notes == (
        "left out: 2 images in no class folder (README.png), 2 images in a folder within a class folder "
        "(train/cat/deeper/1.png), 4 files with other endings (.heic, .txt, none)",
    )


def test_a_class_folder_without_images_is_no_class_and_is_named(tmp_path: Path) -> None:
    put(tmp_path, "train/cat/1.png", "train/dog/1.png", "test/cat/1.png", "train/emu/1.txt", "test/emu/.DS_Store")
    found = scan(tmp_path)
    assert found.classes == ["cat", "dog"]
    assert found.notes[1:] == ("no class, for want of images: emu", "'test' has no images of dog")


def test_folders_of_classes_alone_are_divided_by_a_fixed_rule(tmp_path: Path) -> None:
    put(tmp_path, *(f"{name}/{i}.png" for name, count in (("cat", 10), ("dog", 7), ("train", 2)) for i in range(count)))
    found = scan(tmp_path)
    assert found.classes == ["cat", "dog", "train"]
    labels = {split: sorted(label for _, label in examples) for split, examples in found.splits.items()}
    assert labels == {"train": [0] * 8 + [1] * 6 + [2], "test": [0, 0, 1, 2]}
    tested = {Path(file).name for file, label in found.splits["test"] if label == 0}
    assert tested == {"0.png", "8.png"}
    assert found.notes == (
        "there is no test split: the zoo tests on one image in 5 of each class, by the sha256 of CLASS/FILE",
    )


def test_a_training_split_alone_is_divided_by_the_same_rule(tmp_path: Path) -> None:
    files = [f"{name}/{i}.png" for name in ("cat", "dog") for i in range(9)]
    put(tmp_path / "flat", *files)
    put(tmp_path / "train-alone/Train", *files)
    flat, alone = (
        [Path(file).parts[-2:] for file, _ in scan(tmp_path / root).splits["test"]] for root in ("flat", "train-alone")
    )
    assert flat == alone
    assert len(flat) == 2


@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_the_case_of_a_splits_name_does_not_matter(tmp_path: Path, case: Callable[[str], str]) -> None:
    put(tmp_path, f"{case('train')}/a/1.png", f"{case('test')}/a/1.png", f"{case('valid')}/a/1.png")
    assert set(scan(tmp_path).splits) == {"train", "test", "valid"}


def test_two_folders_for_one_split_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "train/a/1.png", "training/a/2.png")
    with pytest.raises(UsageError, match="two folders for the split 'train'"):
        scan(tmp_path)


def test_a_name_in_two_unicode_forms_is_one_class_across_splits_and_an_error_within_one(tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    put(tmp_path, f"train/{composed}/1.png", f"test/{apart}/1.png")
    if len(os.listdir(tmp_path / "train") + os.listdir(tmp_path / "test")) != 2:
        pytest.skip("this file system normalises names")
    found = scan(tmp_path)
    assert found.classes == [composed]
    assert {split: len(examples) for split, examples in found.splits.items()} == {"train": 1, "test": 1}
    put(tmp_path, f"train/{apart}/2.png")
    with pytest.raises(UsageError, match=r"two class folders in .* are called 'café'"):
        scan(tmp_path)


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2Jb", "\udcff"])
def test_a_class_whose_name_is_no_line_is_refused(tmp_path: Path, name: str) -> None:
    put(tmp_path, f"train/{name}/1.png", "test/a/1.png")
    with pytest.raises(UsageError, match="has a name that can't be printed; rename it") as error:
        scan(tmp_path)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("kind", ["fifo", "loop", "nowhere", "folder"])
def test_what_ends_as_an_image_and_is_no_file_is_named_or_counted(tmp_path: Path, kind: str) -> None:
    put(tmp_path, "train/a/1.png", "test/a/1.png")
    odd = tmp_path / "train/a/odd.png"
    match kind:
        case "fifo":
            os.mkfifo(odd)
        case "loop":
            odd.symlink_to(odd)
        case "nowhere":
            odd.symlink_to("gone.png")
        case "folder":
            odd.mkdir()
    if kind == "folder":  # an empty one holds no images
        assert scan(tmp_path).notes == ()
        return
    with pytest.raises(DataError, match=f"can't read {re.escape(str(odd))}: .*; --skip-damaged leaves such files out"):
        find(f"folder:{tmp_path}", {})
    found = find(f"folder:{tmp_path}", {}, skip_damaged=True)
    assert found.splits == {"train": 1, "test": 1}
    assert found.damaged == 1
    assert found.notes == ("left out as damaged: 1 file (train/a/odd.png)",)


def test_links_to_folders_and_files_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    put(tmp_path, "real/1.png", "d/train/b/2.png", "d/test/a/3.png")
    (tmp_path / "d/train/a").symlink_to(tmp_path / "real")
    (tmp_path / "d/train/b/linked.png").symlink_to(tmp_path / "real/1.png")
    (tmp_path / "d/train/b/inner").mkdir()
    (tmp_path / "d/train/b/inner/up").symlink_to(tmp_path / "d/train/b")
    (tmp_path / "d/train/loop").symlink_to(tmp_path / "d/train/loop")
    found = scan(tmp_path / "d")
    assert {split: len(examples) for split, examples in found.splits.items()} == {"train": 3, "test": 1}


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
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


@pytest.mark.parametrize("files", [[], ["a.png"], ["train/a/notes.txt"], ["a/b/c/1.png"]])
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
    assert found.classes == sorted({Path(file).parent.name for file in files})
    assert scan(folder) == found


def test_images_are_decoded_to_colour(tmp_path: Path) -> None:
    draw(tmp_path / "train/a/colour.png", (10, 20, 30))
    draw(tmp_path / "train/a/grey.png", 40, "L")
    draw(tmp_path / "train/a/clear.png", (50, 60, 70, 0), "RGBA")
    draw(tmp_path / "train/a/black.png", 1, "1")
    batches = list(read(examples(tmp_path), 3))
    images = np.concatenate([images for images, _ in batches])
    assert [len(images) for images, _ in batches] == [3, 1]
    assert images.shape == (4, 3, 4, 3)
    assert images.dtype == np.uint8
    pixels = {tuple(map(int, image[0, 0])) for image in images}
    assert pixels == {(10, 20, 30), (40, 40, 40), (255, 255, 255)}
    assert all(labels.dtype == np.int64 for _, labels in batches)


def examples(folder: Path) -> list[tuple[str, int]]:
    return [(str(path), i) for i, path in enumerate(sorted(folder.rglob("*.png")))]


def test_without_a_size_to_come_to_a_batch_ends_where_the_size_changes(tmp_path: Path) -> None:
    for i, size in enumerate([(4, 3), (4, 3), (5, 3), (4, 3)]):
        draw(tmp_path / f"{i}.png", i, "L", size)
    found = list(read(examples(tmp_path), 8))
    assert [images.shape for images, _ in found] == [(2, 3, 4, 3), (1, 3, 5, 3), (1, 3, 4, 3)]
    assert [labels.tolist() for _, labels in found] == [[0, 1], [2], [3]]


def test_with_a_size_to_come_to_all_images_are_of_it_in_their_order(tmp_path: Path) -> None:
    for i in range(100):
        draw(tmp_path / f"{i:03}.png", i, "L", (3 + i % 7, 5 + i % 3))
    found = list(read(examples(tmp_path), 64, Fit(resize="squash", height=4, width=6)))
    assert [images.shape for images, _ in found] == [(64, 4, 6, 3), (36, 4, 6, 3)]
    assert np.concatenate([images for images, _ in found])[:, 0, 0, 0].tolist() == list(range(100))
    assert np.concatenate([labels for _, labels in found]).tolist() == list(range(100))


def test_damaged_files_are_left_out_and_told_of_if_that_is_asked_for(tmp_path: Path) -> None:
    for i in range(40):
        draw(tmp_path / f"{i:02}.png", i, "L")
    for i in (0, 7, 39):
        (tmp_path / f"{i:02}.png").write_bytes(b"no image")
    damaged: list[str] = []
    found = list(read(examples(tmp_path), 16, on_damaged=damaged.append))
    assert damaged == [str(tmp_path / f"{i:02}.png") for i in (0, 7, 39)]
    kept = [i for i in range(40) if i not in (0, 7, 39)]
    assert np.concatenate([labels for _, labels in found]).tolist() == kept
    assert np.concatenate([images for images, _ in found])[:, 0, 0, 0].tolist() == kept


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n", "cut"])
def test_a_file_that_is_no_image_is_named(tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / "train/a/1.png"
    draw(path, size=(640, 640))
    path.write_bytes(path.read_bytes()[:-60] if isinstance(content, str) else content)
    with pytest.raises(DataError, match="can't decode ") as error:
        list(read(examples(tmp_path), 8))
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
