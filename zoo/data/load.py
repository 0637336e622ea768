"""A split of a dataset, decoded into memory. Runs in a worker: it imports TFDS."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.catalog import Dataset
from zoo.errors import DataError, UsageError
from zoo.paths import reason, writable_folder
from zoo.references import resolve

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Images:
    """A split in memory.

    Attributes:
        images: uint8, (count, height, width, channels).
        labels: int64, (count,).
        digest: sha256 over shape, pixels and labels: two runs that name the same digest saw the same data.
    """

    images: np.ndarray[Any, Any]
    labels: np.ndarray[Any, Any]
    digest: str


def load(dataset: Dataset, split: str) -> Images:
    """Decode a whole split, in TFDS's fixed order, preparing the dataset first if it is one that can be.

    :raises UsageError: if the dataset has no such split, or can't be prepared for want of a writable folder.
    :raises DataError: if its files are missing or damaged.
    """
    import numpy as np
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    if split not in dataset.splits:
        raise UsageError(f"{dataset.name} has no split '{split}'; it has {', '.join(dataset.splits)}")
    with _clear_errors(dataset):
        builder = _builder(dataset)
        columns = builder.as_dataset(
            split=split,
            batch_size=-1,
            shuffle_files=False,
            decoders={"id": tfds.decode.SkipDecoding()} if "id" in builder.info.features else None,
        )
        images = np.asarray(columns["image"])
        labels = np.asarray(columns["label"]).astype(np.int64)
    if len(images) != dataset.splits[split] or images.dtype != np.uint8:
        raise DataError(
            f"{dataset.folder}: {len(images):,} images where {dataset.splits[split]:,} are declared; "
            "prepare the dataset again"
        )
    digest = hashlib.sha256(repr(images.shape).encode())
    digest.update(np.ascontiguousarray(images).tobytes())
    digest.update(labels.tobytes())
    return Images(images, labels, digest.hexdigest())


def _builder(dataset: Dataset) -> Any:
    import tensorflow_datasets as tfds

    if not Path(dataset.folder).is_dir() and dataset.builder is not None:
        _prepare(dataset)
    return tfds.builder_from_directory(dataset.folder)


def _prepare(dataset: Dataset) -> None:
    """Write the dataset's files. TFDS writes beside them and renames, so that they are whole or not there."""
    folder = writable_folder(Path(dataset.data_dir))
    assert dataset.builder is not None  # noqa: S101 - the caller has asked
    builder = resolve(dataset.builder)(data_dir=folder)
    try:
        builder.download_and_prepare()
    except Exception:
        if not Path(dataset.folder).is_dir():  # otherwise another process was faster
            raise


@contextlib.contextmanager
def _clear_errors(dataset: Dataset) -> Iterator[None]:
    """What TFDS and TensorFlow raise at damaged files, as one line."""
    try:
        yield
    except (DataError, UsageError):
        raise
    except OSError as error:
        raise UsageError(f"can't prepare {dataset.name} in {dataset.data_dir}: {reason(error)}") from error
    except Exception as error:
        if "No space left on device" in str(error):
            raise UsageError(f"can't prepare {dataset.name} in {dataset.data_dir}: no space left on device") from error
        line = str(error).strip().partition("\n")[0][:200]
        raise DataError(f"can't read {dataset.name} in {dataset.folder}: {type(error).__name__}: {line}") from error
