"""Splits that are read from their files again in every epoch, through tf.data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.catalog import Dataset
from zoo.data.divide import stored_name
from zoo.data.load import load
from zoo.errors import UsageError
from zoo.specs import Recipe
from zoo.training.batches import Batches

Array = np.ndarray[Any, Any]

SHUFFLE_IMAGES = 10_000  # images among which the next one is drawn; the files are shuffled as well


def streamed(dataset: Dataset, *, tune: bool) -> tuple[Streamed, Streamed]:
    """See `zoo.training.splits.parts`; the tuning split is the last tenth of the training split as it is stored."""
    names = ("train[:90%]", "train[90%:]") if tune else ("train", stored_name("test", [*_open(dataset).info.splits]))
    train, scored = (Streamed(dataset, name) for name in names)
    return train, scored


@dataclass(frozen=True)
class Streamed:
    """A `zoo.training.splits.Part` that is read through tf.data.

    Attributes:
        split: in TFDS's notation.
    """

    dataset: Dataset
    split: str
    digest: None = None
    damaged: int = 0

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """See `Part`."""
        height, width, channels = self.dataset.image_shape
        if height is None or width is None or channels is None:
            raise UsageError(f"the images of {self.dataset.name} differ in size; they can't be streamed")
        return height, width, channels

    @property
    def count(self) -> int:
        """See `Part`."""
        return int(_open(self.dataset).info.splits[self.split].num_examples)

    def batches(self, recipe: Recipe, *, classes: int, share: tuple[int, int]) -> Batches:
        """See `Part`."""
        return StreamedBatches(self, recipe, classes=classes, share=share)

    def chunks(self, size: int) -> Iterator[tuple[Array, Array]]:
        """See `Part`."""
        yield from self.read(size, seed=None)

    def read(self, batch_size: int, *, seed: tuple[int, int] | None) -> Iterator[tuple[Array, Array]]:
        """Images, uint8, and labels, read and decoded ahead.

        :param seed: shuffles files and images; None leaves them in order.
        """
        import tensorflow as tf
        import tensorflow_datasets as tfds

        number = None if seed is None else int(np.random.default_rng(seed).integers(2**31))
        rows = _open(self.dataset).as_dataset(
            split=self.split,
            shuffle_files=number is not None,
            decoders=tfds.decode.PartialDecoding({"image": True, "label": True}),
            read_config=tfds.ReadConfig(shuffle_seed=number),
        )
        if number is not None:
            rows = rows.shuffle(SHUFFLE_IMAGES, seed=number, reshuffle_each_iteration=False)

        def stored(row: Any) -> tuple[Any, Any]:
            return row["image"], row["label"]

        batches = rows.map(stored, tf.data.AUTOTUNE, deterministic=True).batch(batch_size).prefetch(tf.data.AUTOTUNE)
        yield from batches.as_numpy_iterator()


def _open(dataset: Dataset) -> Any:
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    if not Path(dataset.folder).is_dir():
        load(dataset, "train")  # prepares it, if it is one that can be
    return tfds.builder_from_directory(dataset.folder)


class StreamedBatches(Batches):
    """Batches that are read one after the other; asked for another than the next, it reads the epoch from its start."""

    def __init__(self, part: Streamed, recipe: Recipe, *, classes: int, share: tuple[int, int]) -> None:
        self.part = part
        self.next: tuple[int, int] | None = None
        super().__init__(part.count, recipe, classes=classes, share=share)

    def stored(self, rows: Array) -> tuple[Array, Array]:
        """See `Batches`."""
        step = int(rows[0]) // self.batch_size
        if self.next != (self.epoch, step):
            self.reader = self.part.read(self.batch_size, seed=(self.recipe.seed, self.epoch))
            for _ in range(step):
                next(self.reader)
        images, labels = next(self.reader)
        self.next = (self.epoch, step + 1)
        chosen = rows - step * self.batch_size
        return images[chosen], labels[chosen]
