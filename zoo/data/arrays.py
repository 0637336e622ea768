"""A dataset as a plugin's function returns it: called where it is read, and held to what the plugin declares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from zoo.data.catalog import Dataset
from zoo.errors import DataError, ModelError
from zoo.references import resolve
from zoo.text import describe

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class WrongArraysError(DataError):
    """Arrays that are not what their plugin declares."""


def read(dataset: Dataset, split: str, size: int) -> Iterator[tuple[Array, Array]]:
    """The images and labels of a split, batch by batch.

    :param size: images in a batch.
    :return: images, uint8, (count, height, width, channels), and labels, int64, (count,).
    :raises DataError: if the function fails.
    :raises WrongArraysError: if it returns something else than is declared.
    """
    what = f"{dataset.arrays}('{split}') of {dataset.plugin}"
    try:
        made = resolve(str(dataset.arrays))(split)
    except ModelError as error:
        raise DataError(f"can't read {dataset.name} of {dataset.plugin}: {error}") from error
    except (Exception, SystemExit) as error:
        raise DataError(f"{what} failed: {describe(error)}") from error
    images, labels = checked(made, (dataset.splits[split], *dataset.image_shape), dataset.classes, what)
    for first in range(0, len(images), size):
        yield images[first : first + size], labels[first : first + size]


def checked(made: Any, shape: tuple[int | None, ...], classes: int, what: str) -> tuple[Array, Array]:
    """What a function returned, as NumPy arrays in C order.

    :param shape: of the images, as it is declared.
    :param what: names the function in an error.
    :raises WrongArraysError: if it is not that.
    """
    import numpy as np

    if not isinstance(made, (tuple, list)) or len(made) != 2:
        raise WrongArraysError(f"{what} must return (images, labels)")
    try:
        images, labels = (np.asarray(part) for part in made)
    except (Exception, SystemExit) as error:
        raise WrongArraysError(f"{what} returns what NumPy can't take for an array: {describe(error)}") from error
    if images.dtype != np.uint8:
        raise WrongArraysError(f"{what} returns images of type {images.dtype}; they must be uint8, from 0 to 255")
    if images.shape != shape:
        raise WrongArraysError(f"{what} returns images of the shape {images.shape}, and {shape} is declared")
    if labels.dtype.kind not in "iu":
        raise WrongArraysError(f"{what} returns labels of type {labels.dtype}; they must be whole numbers")
    if labels.shape != shape[:1]:
        raise WrongArraysError(f"{what} returns labels of the shape {labels.shape}; it must be {shape[:1]}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise WrongArraysError(f"{what} returns labels from {low} to {high}, and {classes} classes are declared")
    return np.ascontiguousarray(images), np.ascontiguousarray(labels, np.int64)
