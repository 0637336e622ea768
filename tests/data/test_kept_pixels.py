"""Decoded pixels that are kept: whole or not there, as long as nothing changes that decides them, within a limit."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from odd_images import drawing, encoded

from zoo.data import kept_pixels
from zoo.data import load as loading
from zoo.data.catalog import Dataset, find
from zoo.data.kept_pixels import KeptPixels
from zoo.data.load import Images, load
from zoo.errors import DataError


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """A folder whose pixels are worth keeping."""
    monkeypatch.setattr(kept_pixels, "LEAST_SOURCE_BYTES", 1)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    for split, count in (("train", 7), ("test", 3)):
        for name in ("ant", "bee"):
            (tmp_path / "pets" / split / name).mkdir(parents=True)
            for i in range(count):
                content = encoded(drawing("RGB", (20 + i, 30 - i), i), "png")
                (tmp_path / "pets" / split / name / f"{i}.png").write_bytes(content)
    return fitted(tmp_path)


def fitted(tmp_path: Path, *, resize: str = "crop", skip_damaged: bool = False) -> Dataset:
    return find(f"folder:{tmp_path}/pets", {}, skip_damaged=skip_damaged).fitted((8, 9, 3), resize)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The splits that are decoded, as they are."""
    splits: list[str] = []
    batches = loading.batches

    def noted(dataset: Dataset, split: str, *rest: object, **named: object) -> object:
        splits.append(split)
        return batches(dataset, split, *rest, **named)

    monkeypatch.setattr(loading, "batches", noted)
    return splits


def in_memory(dataset: Dataset, split: str, monkeypatch: pytest.MonkeyPatch) -> Images:
    with monkeypatch.context() as patched:
        patched.setattr(loading, "_kept", lambda *_: None)
        return load(dataset, split)


def same(a: Images, b: Images) -> bool:
    return (
        np.array_equal(a.images, b.images)
        and np.array_equal(a.labels, b.labels)
        and (a.digest, a.damaged) == (b.digest, b.damaged)
    )


def test_what_is_kept_is_what_was_decoded(
    pets: Dataset, decoded: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = in_memory(pets, "train", monkeypatch)
    decoded.clear()
    first, second = load(pets, "train"), load(pets, "train")
    assert decoded == ["train"]
    assert same(first, there)
    assert same(second, there)
    assert second.images.dtype == np.uint8
    assert second.images.shape == (14, 8, 9, 3)
    assert not second.images.flags.writeable
    assert len(os.listdir(tmp_path / "home/cache/images")) == 1  # nothing half-made


def test_each_split_and_each_way_to_a_size_is_another(pets: Dataset, decoded: list[str], tmp_path: Path) -> None:
    digests = {load(fitted(tmp_path, resize=resize), "test").digest for resize in ("crop", "squash", "pad")}
    assert len(digests | {load(pets, "train").digest}) == 4
    assert decoded == ["test", "test", "test", "train"]


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "train/ant/0.png").write_bytes(encoded(drawing("RGB", (9, 9), 99), "png")),
        lambda folder: (folder / "train/ant/0.png").unlink(),
        lambda folder: (folder / "train/ant/0.png").rename(folder / "train/bee/00.png"),
        lambda folder: (folder / "train/ant/new.png").write_bytes(encoded(drawing("RGB", (9, 9), 99), "png")),
    ],
    ids=["other pixels", "fewer", "another class", "more"],
)
def test_what_has_changed_is_decoded_again(
    pets: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], object]
) -> None:
    before = load(pets, "train")
    change(tmp_path / "pets")
    now = fitted(tmp_path)
    assert load(now, "train").digest != before.digest
    assert same(load(now, "train"), in_memory(now, "train", monkeypatch))


def test_damaged_files_are_left_out_and_counted_from_the_cache_too(
    pets: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pets/test/ant/1.png").write_bytes(b"no image")
    with pytest.raises(DataError, match="can't decode"):
        load(fitted(tmp_path), "test")
    assert [*(tmp_path / "home/cache/images").iterdir()] == []
    some = fitted(tmp_path, skip_damaged=True)
    there = in_memory(some, "test", monkeypatch)
    assert (len(there.images), there.damaged) == (5, 1)
    assert same(load(some, "test"), there)
    assert same(load(some, "test"), there)


@pytest.mark.parametrize("file", ["images.bin", "labels.npy", "facts.json"])
@pytest.mark.parametrize("content", [None, b"", b"{}"])
def test_a_damaged_copy_is_as_good_as_none(pets: Dataset, tmp_path: Path, file: str, content: bytes | None) -> None:
    before = load(pets, "test")
    before = dataclasses.replace(before, images=before.images.copy())  # not of the file that is cut off below
    (place,) = (tmp_path / "home/cache/images").iterdir()
    if content is None:
        (place / file).unlink()
    else:
        (place / file).write_bytes(content)
    assert same(load(pets, "test"), before)


@pytest.mark.parametrize(
    ("constant", "value"), [("LEAST_SOURCE_BYTES", 2**30), ("LIMIT_BYTES", 100), ("FREE_SHARE", 1.0)]
)
def test_what_is_small_or_finds_no_room_is_not_kept(
    pets: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, constant: str, value: float
) -> None:
    monkeypatch.setattr(kept_pixels, constant, value)
    if constant == "LIMIT_BYTES":
        monkeypatch.setattr(loading, "KeptPixels", lambda: KeptPixels(limit_bytes=100))
    assert len(load(pets, "test").images) == 6
    assert not [*(tmp_path / "home").glob("cache/images/*")]


def test_where_nothing_can_be_written_all_is_held_in_memory(
    pets: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(tmp_path / "home")
    (tmp_path / "home").touch()
    assert same(load(pets, "test"), in_memory(pets, "test", monkeypatch))


def test_what_was_not_used_for_the_longest_time_goes_first(tmp_path: Path) -> None:
    kept = KeptPixels(tmp_path / "kept", limit_bytes=250)

    def images(value: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        yield np.full((1, 10, 10, 1), value, np.uint8), np.array([value])

    for i, name in enumerate(("a", "b", "c")):
        if name == "c":
            os.utime(tmp_path / "kept/a", ns=(10**18, 10**18))
            os.utime(tmp_path / "kept/b", ns=(10**17, 10**17))
            assert kept.find("a") is not None  # it was used now
        assert kept.keep(name, images(i), lambda *_: "digest", []) is not None
    assert sorted(os.listdir(tmp_path / "kept")) == ["a", "c"]


def test_a_write_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    kept = KeptPixels(tmp_path / "kept")

    def images() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        yield np.zeros((1, 2, 2, 1), np.uint8), np.array([0])
        raise DataError("damaged")

    with pytest.raises(DataError):
        kept.keep("a", images(), lambda *_: "digest", [])
    assert os.listdir(tmp_path / "kept") == []
