"""The part of a dataset that is trained on and the part that is scored, in memory or streamed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from zoo.data.catalog import Dataset
from zoo.errors import DataError, UsageError
from zoo.keras_backend import is_installed
from zoo.specs import Recipe
from zoo.training.order import tuning_split

if TYPE_CHECKING:
    import numpy as np

    from zoo.training.batches import Batches

    Array = np.ndarray[Any, Any]

IN_MEMORY_BYTES = 2 * 2**30  # the training splits of CIFAR and SVHN fit many times


class Part(Protocol):
    """Images and labels, and what they are known by."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images as they are stored."""

    @property
    def count(self) -> int:
        """How many images there are."""

    @property
    def digest(self) -> str | None:
        """sha256 over pixels and labels (`zoo.data.load.Images`); None where they are never all at hand."""

    @property
    def damaged(self) -> int:
        """How many files of the split were left out because they can't be decoded."""

    def batches(self, recipe: Recipe, *, classes: int, share: tuple[int, int]) -> Batches:
        """An epoch's batches for `Model.fit`."""

    def chunks(self, size: int) -> Iterator[tuple[Array, Array]]:
        """All images, uint8, and labels in their stored order, so many at a time."""


@dataclass(frozen=True)
class InMemory:
    """A `Part` whose images lie in memory, or are mapped into it from a file.

    Attributes:
        images: uint8, (at least count, height, width, channels).
        labels: (count,).
        digest: see `Part`.
        damaged: see `Part`.
        rows: which of the images are meant, ascending; None is all.
    """

    images: Array
    labels: Array
    digest: str | None
    damaged: int = 0
    rows: Array | None = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """See `Part`."""
        height, width, channels = self.images.shape[1:]
        return height, width, channels

    @property
    def count(self) -> int:
        """See `Part`."""
        return len(self.labels)

    def batches(self, recipe: Recipe, *, classes: int, share: tuple[int, int]) -> Batches:
        """See `Part`."""
        from zoo.training.batches import InMemoryBatches

        return InMemoryBatches(self.images, self.labels, recipe, rows=self.rows, classes=classes, share=share)

    def chunks(self, size: int) -> Iterator[tuple[Array, Array]]:
        """See `Part`."""
        for first in range(0, self.count, size):
            some = slice(first, first + size)
            yield self.images[some if self.rows is None else self.rows[some]], self.labels[some]


def is_streamed(dataset: Dataset, data: str) -> bool:
    """Whether a dataset is read anew each epoch: on `"auto"`, if it is too large to be held in memory.

    :raises UsageError: for images of all sizes or arrays that are to be streamed, or where TensorFlow, which streams,
        is missing.
    """
    if dataset.is_folder or dataset.fit is not None or dataset.divided is not None:
        if data == "stream":
            raise UsageError(
                f"the images of {dataset.name} are prepared once and not streamed: only TFDS datasets of one size are, "
                "if they have a test or validation split"
            )
        return False
    if dataset.arrays is not None:
        if data == "stream":
            raise UsageError(f"{dataset.name} is made in memory; only what TFDS has prepared can be streamed")
        return False
    streamed = data == "stream" or (data == "auto" and _is_large(dataset))
    if streamed and not is_installed("tensorflow"):
        raise UsageError(
            f"{dataset.name} is to be read anew each epoch, which takes TensorFlow: pip install 'zoobench[tensorflow]'"
        )
    return streamed


def _is_large(dataset: Dataset) -> bool:
    pixels = math.prod(size or 0 for size in dataset.image_shape)
    return max(dataset.splits.values()) * pixels > IN_MEMORY_BYTES


def parts(dataset: Dataset, *, tune: bool, stream: bool) -> tuple[Part, Part]:
    """What is trained on, and what is scored once training is over.

    :param tune: nine tenths of the training split and the other tenth, instead of the training and the test split.
    :raises DataError: if labels are not what the dataset declares.
    """
    if stream:
        from zoo.training.stream import streamed

        return streamed(dataset, tune=tune)

    from zoo.data.load import load

    train = load(dataset, "train")
    _check(dataset, train.labels)
    if tune:
        trained, scored = tuning_split(train.labels)
        return (
            InMemory(train.images, train.labels[trained], train.digest, train.damaged, trained),
            InMemory(train.images, train.labels[scored], train.digest, rows=scored),
        )
    test = load(dataset, "test")
    _check(dataset, test.labels)
    return (
        InMemory(train.images, train.labels, train.digest, train.damaged),
        InMemory(test.images, test.labels, test.digest, test.damaged),
    )


def _check(dataset: Dataset, labels: Array) -> None:
    if not 0 <= labels.min() <= labels.max() < dataset.classes:
        raise DataError(
            f"{dataset.name} has labels from {labels.min()} to {labels.max()} and declares {dataset.classes} classes"
        )
