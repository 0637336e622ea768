"""What is held in memory, what is streamed, and which part is scored."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from zoo.data.catalog import Dataset
from zoo.errors import UsageError
from zoo.training.splits import InMemory, is_streamed

CIFAR10 = Dataset(
    name="cifar10",
    version="3.0.2",
    data_dir="/data",
    folder="/data/cifar10/3.0.2",
    builder=None,
    classes=10,
    image_shape=(32, 32, 3),
    splits={"train": 50_000, "test": 10_000},
)


def like(**changes: object) -> Dataset:
    return dataclasses.replace(CIFAR10, **changes)


LARGE_OF_ALL_SIZES = like(image_shape=(None, None, 3)).fitted((224, 224, 3), "crop")


@pytest.mark.parametrize(
    ("dataset", "data", "streamed"),
    [
        (CIFAR10, "auto", False),
        (CIFAR10, "stream", True),
        (like(image_shape=(224, 224, 3), splits={"train": 15_000, "test": 1}), "auto", True),  # 2.26e9 bytes
        (like(image_shape=(224, 224, 3), splits={"train": 14_000, "test": 1}), "auto", False),
        (like(image_shape=(224, 224, 3), splits={"train": 1, "test": 15_000}), "auto", True),
        (LARGE_OF_ALL_SIZES, "auto", False),
        (LARGE_OF_ALL_SIZES, "memory", False),
        (like(name="folder:cats-1234"), "auto", False),
    ],
)
def test_what_is_large_and_of_one_size_is_streamed(dataset: Dataset, data: str, streamed: bool) -> None:
    assert is_streamed(dataset, data) is streamed


@pytest.mark.parametrize("dataset", [like(name="folder:cats-1234"), LARGE_OF_ALL_SIZES])
def test_images_of_all_sizes_are_not_streamed(dataset: Dataset) -> None:
    with pytest.raises(UsageError, match="are prepared once and not streamed"):
        is_streamed(dataset, "stream")


def test_arrays_are_not_streamed_however_large() -> None:
    arrays = like(arrays="pkg:load", image_shape=(224, 224, 3))
    assert not is_streamed(arrays, "auto")
    with pytest.raises(UsageError, match=r"^cifar10 is made in memory; only what TFDS has prepared can be streamed$"):
        is_streamed(arrays, "stream")


@pytest.mark.parametrize("size", [1, 4, 10, 99])
def test_chunks_are_everything_in_order(size: int) -> None:
    images = np.arange(10 * 2 * 2 * 1, dtype=np.uint8).reshape(10, 2, 2, 1)
    part = InMemory(images, np.arange(10), "digest")
    chunks = list(part.chunks(size))
    assert np.array_equal(np.concatenate([x for x, _ in chunks]), images)
    assert np.concatenate([y for _, y in chunks]).tolist() == list(range(10))
    assert all(len(y) == size for _, y in chunks[:-1])
    assert (part.count, part.image_shape) == (10, (2, 2, 1))


def test_some_rows_are_chosen_without_a_copy_of_the_images() -> None:
    images = np.arange(10 * 2 * 2 * 1, dtype=np.uint8).reshape(10, 2, 2, 1)
    rows = np.array([1, 4, 5, 8])
    part = InMemory(images, rows % 3, "digest", rows=rows)
    chunks = list(part.chunks(3))
    assert np.array_equal(np.concatenate([x for x, _ in chunks]), images[rows])
    assert np.concatenate([y for _, y in chunks]).tolist() == (rows % 3).tolist()
    assert (part.count, part.image_shape) == (4, (2, 2, 1))
