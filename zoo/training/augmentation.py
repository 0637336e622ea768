"""Augmentation by a function of others, within the compiled step, with draws that follow from the batch alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import ModelError
from zoo.training.functions import check_numbers, computed, function

EXAMPLES = 4  # images that it is tried on
SEED_TYPES = {"tensorflow": "int64", "jax": "uint32", "torch": "int32"}  # what each takes for a random seed


class BatchSeed(keras.random.SeedGenerator):  # type: ignore[misc]  # Keras is untyped
    """A generator of seeds for one batch, which starts anew with each: nothing of it must be kept for a run to go on.

    :param seed: a tensor, int32, with one number.
    """

    def __init__(self, seed: Any) -> None:
        self.seed, self.drawn = seed, 0

    def next(self, ordered: bool = True) -> Any:
        """See `keras.random.SeedGenerator`; whether draws are ordered makes no difference."""
        del ordered
        self.drawn += 1
        return ops.cast(
            ops.stack([self.seed, ops.full_like(self.seed, self.drawn)]), SEED_TYPES[keras.backend.backend()]
        )


def augmentation(reference: str) -> Callable[[Any, Any], Any]:
    """The function of images, float32 in [0, 1] (batch, height, width, channels), and seeds.

    :return: a function of images and of a seed for each, int32 (batch, 1), of which the first is that of the batch.
    """
    augment = function(reference)

    def augmented(images: Any, seeds: Any) -> Any:
        return augment(images, BatchSeed(ops.reshape(seeds[:1], ())))

    return augmented


def check(reference: str, shape: tuple[int, int, int]) -> None:
    """Try it on random images, with one seed twice.

    :param shape: (height, width, channels) of an image.
    :raises ModelError: if it fails, gives something else than images, or draws by something else than the seed.
    """
    random = np.random.default_rng(0)
    images = random.random((EXAMPLES, *shape), np.float32)
    seeds = np.arange(1, EXAMPLES + 1, dtype=np.int32)[:, None]
    augmented = augmentation(reference)
    found = [computed(reference, augmented, images, seeds, compiled=compiled) for compiled in (False, False, True)]
    for made in found:
        if made.shape != images.shape:
            raise ModelError(f"{reference} must give images of the shape {images.shape} and gives {made.shape}")
        check_numbers(reference, made)
    if (found[0] != found[1]).any():
        raise ModelError(f"{reference} gives other images for the same seed; draw by keras.random, with that seed")
