"""Batches for `Model.fit`: images as they are stored and what is to be done to them; the compiled step does it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.specs import Recipe
from zoo.training.order import draw

Array = np.ndarray[Any, Any]
Batch = tuple[dict[str, Array], Array]


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras is untyped
    """An epoch's batches. Images left over when batches are full are left out.

    :param count: images in an epoch.
    :param share: (index, number) of this process among those that share each batch.
    """

    def __init__(self, count: int, recipe: Recipe, *, classes: int, share: tuple[int, int]) -> None:
        super().__init__()
        self.count, self.recipe, self.share = count, recipe, share
        self.one_hot = np.eye(classes, dtype=np.float32)
        self.batch_size = min(recipe.batch_size, count)
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Draw what an epoch, counted from 0, does to its images, and in which order they are seen."""
        recipe = self.recipe
        self.drawn = draw(self.count, seed=recipe.seed, epoch=epoch, shift_pixels=recipe.shift_pixels, flip=recipe.flip)
        self.epoch = epoch

    def __len__(self) -> int:
        return self.count // self.batch_size

    def __getitem__(self, step: int) -> Batch:
        first, number = self.share
        rows = np.arange(step * self.batch_size, (step + 1) * self.batch_size)[first::number]
        images, labels = self.stored(rows)
        inputs = {"image": images, "shift": self.drawn.shift[rows], "flip": self.drawn.flip[rows]}
        if self.recipe.augmentation is not None:
            inputs["seed"] = self.drawn.seed[rows]
        return inputs, self.one_hot[labels]

    def stored(self, rows: Array) -> tuple[Array, Array]:
        """The images, uint8, and labels of some rows of this epoch's draws, all of one step."""
        raise NotImplementedError


class InMemoryBatches(Batches):
    """Batches of a split in memory.

    :param images: uint8, (at least count, height, width, channels).
    :param labels: (count,).
    :param rows: which of the images are meant; None is all.
    """

    def __init__(
        self,
        images: Array,
        labels: Array,
        recipe: Recipe,
        *,
        rows: Array | None = None,
        classes: int,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.images, self.labels, self.rows = images, labels, rows
        super().__init__(len(labels), recipe, classes=classes, share=share)

    def stored(self, rows: Array) -> tuple[Array, Array]:
        """See `Batches`."""
        chosen = self.drawn.index[rows]
        return self.images[chosen if self.rows is None else self.rows[chosen]], self.labels[chosen]
