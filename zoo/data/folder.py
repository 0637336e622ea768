"""A folder of images as a dataset: `SPLIT/CLASS/image.png`, the layout of `tfds.ImageFolder`.

Its files are counted here without a framework; `read` decodes them, and runs in a worker.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, UsageError
from zoo.paths import reason

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = (".png", ".jpg", ".jpeg")
INSTEAD_OF_TEST = ("val", "validation")
CHANNELS = 3  # grey images are read as colour: one dataset has one shape
EXPECTED = "it needs PATH/train/CLASS/*.png (or .jpg) and PATH/test/CLASS/… (or val)"


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """What lies in the folder.

    Attributes:
        classes: names of the folders of images, sorted.
        splits: by split, each image's path and its number among the classes, in a fixed order.
    """

    classes: list[str]
    splits: dict[str, list[tuple[str, int]]]


def scan(path: Path) -> ImageFolder:
    """List the images, in the order in which `tfds.ImageFolder` has them: shuffled, each split always the same.

    Where there is no `test`, `val` or `validation` is taken for it. Hidden files, and other files than images, are
    passed over.

    :raises UsageError: if it is no such folder.
    """
    try:
        found = {split: _classes(path / split) for split in _folders(path)}
    except OSError as error:
        raise UsageError(f"can't read the image folder {path}: {reason(error)}") from None
    found = {split: files for split, files in found.items() if any(files.values())}
    if not found:
        raise UsageError(f"no images are in {path}: {EXPECTED}")
    order = ["train", *INSTEAD_OF_TEST, "test"]
    found = dict(sorted(found.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order)))
    names = sorted({name for files in found.values() for name in files})
    number = {name: i for i, name in enumerate(names)}
    splits = {}
    for split, files in found.items():
        examples = [(file, number[name]) for name in sorted(files) for file in sorted(files[name])]
        random.Random(split).shuffle(examples)  # noqa: S311 - an order, not a secret
        splits[split] = examples
    if "test" not in splits:
        for split in INSTEAD_OF_TEST:
            if split in splits:
                splits["test"] = splits.pop(split)
                break
    return ImageFolder(names, splits)


def read(path: Path, split: str, size: int) -> Iterator[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Decode a split, batch by batch.

    :param size: images in a batch.
    :return: images, uint8, (count, height, width, 3), and labels, int64, (count,).
    :raises DataError: for a file that can't be decoded, or images that differ in size.
    """
    import numpy as np

    examples = scan(path).splits[split]
    first = None
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(examples), size):
            files, labels = zip(*examples[start : start + size], strict=True)
            images = list(pool.map(_decode, files))
            for file, image in zip(files, images, strict=True):
                first = first or (file, image.shape)
                if image.shape != first[1]:
                    raise DataError(
                        f"the images in {path} differ in size ({_size(first[1])} in {_within(path, first[0])}, "
                        f"{_size(image.shape)} in {_within(path, file)}); bring them to one size first"
                    )
            yield np.stack(images), np.asarray(labels, np.int64)


def _decode(file: str) -> np.ndarray[Any, Any]:
    import numpy as np
    from PIL import Image

    try:
        with Image.open(file) as image:
            if image.mode.startswith(("I", "F")):
                raise DataError(f"{file} has more than 8 bits a channel; convert it to 8")
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # what Pillow raises
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise DataError(f"can't decode {file}: {why}") from None


def _folders(path: Path) -> list[str]:
    with os.scandir(path) as entries:
        return sorted(entry.name for entry in entries if os.path.isdir(entry) and _is_ours(entry.name))


def _classes(path: Path) -> dict[str, list[str]]:
    """The paths of the images of a split, by class."""
    found = {}
    for name in _folders(path):
        with os.scandir(path / name) as entries:
            found[name] = [
                entry.path for entry in entries if entry.name.lower().endswith(SUFFIXES) and _is_ours(entry.name)
            ]
    return found


def _is_ours(name: str) -> bool:
    return not name.startswith((".", "__MACOSX"))


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]}×{shape[1]}"


def _within(path: Path, file: str) -> str:
    return os.path.relpath(file, path)
