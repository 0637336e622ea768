"""A dataset's images, decoded: batch by batch, or a whole split in memory. Runs in a worker."""

from __future__ import annotations

import contextlib
import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.catalog import AGAIN, Dataset
from zoo.errors import DataError, UsageError
from zoo.paths import reason

if TYPE_CHECKING:
    import numpy as np

BATCH_BYTES = 2**24  # decoded
MOST_IN_BATCH, UNKNOWN_SIZE_BATCH = 1024, 64


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


class Digest:
    """The digest of a split, taken batch by batch.

    :param shape: of the whole, (count, height, width, channels).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.pixels = hashlib.sha256(repr(shape).encode())
        self.labels: list[bytes] = []

    def add(self, images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> None:
        """Take in the next images of the split."""
        self.pixels.update(images.ravel().data)
        self.labels.append(labels.tobytes())

    def hexdigest(self) -> str:
        """When all are in: 64 hexadecimal digits."""
        whole = self.pixels.copy()
        whole.update(b"".join(self.labels))
        return whole.hexdigest()


def load(dataset: Dataset, split: str) -> Images:
    """Decode a whole split into memory.

    :raises UsageError: as `batches`.
    :raises DataError: as `batches`, if it does not fit into memory, and if arrays are not those that were declared.
    """
    import numpy as np

    images = labels = digest = None
    done = 0
    for some, their_labels in batches(dataset, split):
        if images is None or labels is None or digest is None:
            shape = (dataset.splits[split], *some.shape[1:])
            _check_memory(dataset, split, math.prod(shape))
            images, labels = np.empty(shape, np.uint8), np.empty(shape[:1], np.int64)
            digest = Digest(shape)
        images[done : done + len(some)] = some
        labels[done : done + len(some)] = their_labels
        digest.add(some, their_labels)
        done += len(some)
    if images is None or labels is None or digest is None:
        raise DataError(f"the split '{split}' of {dataset.name} is empty")
    found, declared = digest.hexdigest(), dataset.digests.get(split)
    if declared not in (None, found):  # whatever the function reads or computes may change unseen
        raise DataError(f"'{split}' of {dataset.name} is not what {dataset.plugin} declares: sha256 {found}")
    return Images(images, labels, found)


def batches(
    dataset: Dataset, split: str, size: int | None = None
) -> Iterator[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Decode a split batch by batch, in its fixed order, preparing the dataset first if it is one that can be.

    :param size: images in a batch; by default as many as take some megabytes.
    :return: images, uint8, (count, height, width, channels), and labels, int64, (count,).
    :raises UsageError: if the dataset has no such split, or can't be prepared for want of a writable folder.
    :raises DataError: if its files are missing or damaged, or its images are not of one size and 8 bits.
    """
    declared = dataset.splits.get(split)
    if declared is None:
        raise UsageError(f"{dataset.name} has no split '{split}'; it has {', '.join(dataset.splits)}")
    done = 0
    with _clear_errors(dataset, split):
        for images, labels in _decoded(dataset, split, size or _batch_size(dataset)):
            done += len(images)
            if done > declared:
                break
            yield images, labels
    if done != declared:
        raise DataError(f"{dataset.folder} holds not the {declared:,} images of '{split}' that it declares; {AGAIN}")


def _decoded(dataset: Dataset, split: str, size: int) -> Iterator[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    if dataset.is_folder:
        from zoo.data.folder import read

        yield from read(Path(dataset.folder), split, size)
        return

    if dataset.arrays is not None:
        from zoo.data.arrays import read as read_arrays

        yield from read_arrays(dataset, split, size)
        return

    from zoo.data.prepared import read as read_prepared

    ensure_prepared(dataset)
    yield from read_prepared(dataset, split, size)


def _batch_size(dataset: Dataset) -> int:
    sizes = [size for size in dataset.image_shape if size is not None]
    if len(sizes) < len(dataset.image_shape):
        return UNKNOWN_SIZE_BATCH
    return max(1, min(MOST_IN_BATCH, BATCH_BYTES // math.prod(sizes)))


def ensure_prepared(dataset: Dataset) -> None:
    """Prepare a dataset that isn't there yet, if it is one that takes no download."""
    if dataset.is_folder or dataset.is_prepared or dataset.builder is None:
        return
    import tensorflow_datasets as tfds

    from zoo.data.prepare import declared_builder, download_and_prepare, explain
    from zoo.data.staging import publish, staging

    tfds.disable_progress_bar()
    assert dataset.builder is not None  # noqa: S101 - the caller has asked
    data_dir, place = Path(dataset.data_dir), Path(dataset.folder)
    path = place.relative_to(data_dir)
    with staging(data_dir) as folder:
        try:
            download_and_prepare(declared_builder(dataset.builder, folder, path), folder)
        except Exception as error:
            raise explain(error, dataset.name, data_dir) from error
        publish(folder / path, place)


def _check_memory(dataset: Dataset, split: str, needed: int) -> None:
    import psutil

    free = psutil.virtual_memory().available
    if needed > free:
        raise DataError(
            f"'{split}' of {dataset.name} takes {needed / 2**30:,.1f} GiB of memory, and {free / 2**30:,.1f} are free"
        )


@contextlib.contextmanager
def _clear_errors(dataset: Dataset, split: str) -> Iterator[None]:
    """What is raised at damaged files, as one line."""
    try:
        yield
    except (DataError, UsageError):
        raise
    except Exception as error:
        line = _line(error)
        raise DataError(f"can't read '{split}' of {dataset.name} in {dataset.folder}: {line}; {AGAIN}") from error


def _line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{Path(error.filename).name}: {reason(error)}"
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__
