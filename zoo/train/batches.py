"""Training batches from images in memory, shuffled and augmented anew each epoch, the same for the same seed."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

Array = np.ndarray[Any, Any]


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of (images, one-hot labels) for `Model.fit`.

    :param images: float32, (count, height, width, channels), preprocessed.
    :param targets: float32, (count, classes), one-hot.
    :param shift_pixels: shift each image by up to that many pixels each way, `fill` moving in.
    :param flip: mirror half of the images left to right.
    :param fill: what a black pixel is after normalisation, (channels,).
    """

    def __init__(
        self,
        images: Array,
        targets: Array,
        *,
        batch_size: int,
        shift_pixels: int,
        flip: bool,
        fill: Array,
        seed: int,
    ) -> None:
        super().__init__()
        self.images, self.targets = images, targets
        self.batch_size = batch_size
        self.shift_pixels, self.flip, self.fill = shift_pixels, flip, fill
        self.random = np.random.default_rng(seed)
        self.order = self.random.permutation(len(images))

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        images = self.images[chosen]
        if self.flip:
            mirrored = self.random.random(len(images)) < 0.5
            images[mirrored] = images[mirrored, :, ::-1]
        if self.shift_pixels:
            images = shifted(images, self.shift_pixels, self.fill, self.random)
        return images, self.targets[chosen]

    def on_epoch_end(self) -> None:
        """Keras calls this after each epoch."""
        self.order = self.random.permutation(len(self.images))


def shifted(images: Array, most: int, fill: Array, random: np.random.Generator) -> Array:
    """Each image moved by up to `most` pixels along each axis, `fill` moving in at its edges."""
    count, height, width, channels = images.shape
    padded = np.empty((count, height + 2 * most, width + 2 * most, channels), images.dtype)
    padded[:] = fill
    padded[:, most : most + height, most : most + width] = images
    down, right = random.integers(0, 2 * most + 1, size=(2, count))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    return np.ascontiguousarray(np.moveaxis(windows[np.arange(count), down, right], 1, -1))
