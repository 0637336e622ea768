"""What is decoded, in this process; TFDS and TensorFlow beside it."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from letters import LETTERS
from PIL import Image
from support import make_prepared

from zoo.data.catalog import Dataset, declared, find
from zoo.data.digits import arrays
from zoo.data.folder import scan
from zoo.data.folder_images import read
from zoo.data.load import batches, load
from zoo.errors import DataError, UsageError

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return declared(LETTERS, tmp_path_factory.mktemp("data") / "made" / "by it")


def test_a_plugins_dataset_is_prepared_on_first_use_and_nothing_else_is_left(letters: Dataset) -> None:
    assert not letters.is_prepared
    for split, count in letters.splits.items():
        found = load(letters, split)
        assert found.images.shape == (count, 8, 8, 1)
        assert found.labels.shape == (count,)
        assert sorted(map(bytes, found.images)) == sorted(map(bytes, arrays(split)[0]))
    assert [path.name for path in Path(letters.data_dir).iterdir()] == ["letters"]


def test_batches_are_the_split_in_its_order(letters: Dataset) -> None:
    whole = load(letters, "test")
    parts = list(batches(letters, "test", 70))
    assert [len(images) for images, _ in parts] == [70] * 8 + [40]
    assert np.array_equal(np.concatenate([images for images, _ in parts]), whole.images)
    assert np.array_equal(np.concatenate([labels for _, labels in parts]), whole.labels)


def test_a_split_that_is_not_there_is_one_line(letters: Dataset) -> None:
    with pytest.raises(UsageError, match=r"^letters has no split 'val'; it has train, test$"):
        load(letters, "val")


def test_what_does_not_fit_into_memory_is_not_begun(letters: Dataset) -> None:
    vast = dataclasses.replace(letters, splits={"test": 10**13})
    with pytest.raises(DataError, match=r"'test' of letters takes 596,046.4 GiB of memory, and .* are free"):
        load(vast, "test")


def test_a_builder_that_prepares_something_else_than_its_plugin_declares_is_named(tmp_path: Path) -> None:
    other = declared(dataclasses.replace(LETTERS, name="digits"), tmp_path)
    with pytest.raises(DataError, match=r"^letters:Letters prepares letters/1.0.0, and its plugin declares digits"):
        load(other, "test")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "flipped", "missing", "empty"])
def test_damaged_files_are_one_line(letters: Dataset, tmp_path: Path, damage: str) -> None:
    load(letters, "test")
    place = tmp_path / "letters" / "1.0.0"
    place.mkdir(parents=True)
    for path in Path(letters.folder).iterdir():
        (place / path.name).write_bytes(path.read_bytes())
    (file,) = place.glob("*test.tfrecord*")
    content = bytearray(file.read_bytes())
    content[5000] ^= 1
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes({"cut": file.read_bytes()[:-100], "flipped": content, "empty": b""}[damage])
    with pytest.raises(DataError, match=f"^can't read 'test' of letters in {place}: ") as error:
        load(dataclasses.replace(letters, data_dir=str(tmp_path), folder=str(place)), "test")
    line = str(error.value)
    assert line.endswith("; remove its folder and prepare the dataset again")
    assert "\n" not in line


def test_it_is_what_tfds_makes_of_the_folder(tmp_path: Path) -> None:
    import tensorflow_datasets as tfds

    random = np.random.default_rng(0)
    for split, count in (("train", 7), ("test", 4)):
        for name in ("owl", "ant", "bee"):
            for i in range(count):
                path = tmp_path / split / name / f"{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(random.integers(0, 256, (5, 6, 3), np.uint8)).save(path)
    theirs = tfds.ImageFolder(str(tmp_path))
    ours = scan(tmp_path)
    assert theirs.info.features["label"].names == ours.classes
    for split in ("train", "test"):
        columns = [(row["image"], row["label"]) for row in theirs.as_dataset(split=split).as_numpy_iterator()]
        ((images, labels),) = read(ours.splits[split], 100)
        assert np.array_equal(images, np.stack([image for image, _ in columns]))
        assert labels.tolist() == [label for _, label in columns]


def as_tensorflow_reads(dataset: Dataset, split: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The images and labels that TFDS gives by way of TensorFlow."""
    import tensorflow_datasets as tfds

    rows = tfds.builder_from_directory(dataset.folder).as_dataset(split=split, shuffle_files=False, batch_size=500)
    images, labels = zip(*((batch["image"], batch["label"]) for batch in rows.as_numpy_iterator()), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def test_letters_and_cifar10_are_what_tensorflow_reads(letters: Dataset, cifar10_folder: Path) -> None:
    for dataset, split in ((letters, "train"), (letters, "test"), (find("cifar10", {}, cifar10_folder), "test")):
        found = load(dataset, split)
        images, labels = as_tensorflow_reads(dataset, split)
        assert np.array_equal(found.images, images)
        assert np.array_equal(found.labels, labels)


@pytest.mark.parametrize(("encoding", "most"), [("PNG", 0), ("JPEG", 8)])
@pytest.mark.parametrize("ordered", [False, True])
def test_several_files_are_read_in_the_order_of_tensorflow(
    tmp_path: Path, encoding: str, most: int, ordered: bool
) -> None:
    """Decoders of JPEG differ in how they round, and in nothing else."""
    random = np.random.default_rng(0)
    shards = []
    for count in (40, 3, 16, 32, 1, 17, *[5] * 14, 50):
        rows = []
        for _ in range(count):
            file = io.BytesIO()
            coarse = Image.fromarray(random.integers(0, 256, (4, 5, 3), np.uint8))
            coarse.resize((37, 29)).save(file, encoding)
            rows.append((file.getvalue(), int(random.integers(10))))
        shards.append(rows)
    dataset = make_prepared(tmp_path, shards, (29, 37, 3), disableShuffling=ordered)
    found = load(dataset, "test")
    images, labels = as_tensorflow_reads(dataset, "test")
    assert np.array_equal(found.labels, labels)
    difference = np.abs(found.images.astype(int) - images)
    assert difference.max() <= most
    assert difference.mean() <= most / 4
