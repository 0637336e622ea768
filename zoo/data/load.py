"""A dataset's images, decoded: batch by batch, or a whole split in memory. Runs in a worker."""

from __future__ import annotations

import contextlib
import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.catalog import AGAIN, Dataset
from zoo.data.kept_pixels import KeptPixels, Split, key
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
        damaged: how many files were left out because they can't be decoded.
    """

    images: np.ndarray[Any, Any]
    labels: np.ndarray[Any, Any]
    digest: str
    damaged: int = 0


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


class DigestOfAnySizes:
    """The digest of a split whose images differ in size: over shape and pixels of each, then over all labels."""

    def __init__(self) -> None:
        self.pixels = hashlib.sha256()
        self.labels: list[bytes] = []

    def add(self, images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> None:
        """See `Digest`."""
        for image in images:
            self.pixels.update(repr(image.shape).encode())
            self.pixels.update(image.ravel().data)
        self.labels.append(labels.tobytes())

    def hexdigest(self) -> str:
        """See `Digest`."""
        whole = self.pixels.copy()
        whole.update(b"".join(self.labels))
        return whole.hexdigest()


def load(dataset: Dataset, split: str) -> Images:
    """Decode a whole split into memory. One whose images are brought to a size is kept for the next time, if that
    pays, and is then mapped from a file.

    :raises UsageError: as `batches`.
    :raises DataError: as `batches`; if its images differ in size or do not fit into memory; and if arrays are not those
        that were declared.
    """
    import numpy as np

    if dataset.fit is not None and (kept := _kept(dataset, split)) is not None:
        return Images(kept.images, kept.labels, kept.digest, kept.damaged)
    images = labels = None
    done = 0
    damaged: list[str] = []
    for some, their_labels in batches(dataset, split, on_damaged=damaged.append if dataset.skip_damaged else None):
        if images is not None and images.shape[1:] != some.shape[1:]:
            raise DataError(f"the images of {dataset.name} differ in size; say what size to bring them to")
        if images is None or labels is None:
            shape = (dataset.splits[split], *some.shape[1:])
            _check_memory(dataset, split, math.prod(shape))
            images, labels = np.empty(shape, np.uint8), np.empty(shape[:1], np.int64)
        images[done : done + len(some)] = some
        labels[done : done + len(some)] = their_labels
        done += len(some)
    if images is None or labels is None:
        raise DataError(f"the split '{split}' of {dataset.name} is empty")
    images, labels = images[:done], labels[:done]
    found, declared = _digest(images, labels), dataset.digests.get(split)
    if declared not in (None, found):  # whatever the function reads or computes may change unseen
        raise DataError(f"'{split}' of {dataset.name} is not what {dataset.plugin} declares: sha256 {found}")
    return Images(images, labels, found, len(damaged))


def _kept(dataset: Dataset, split: str) -> Split | None:
    """A split from the cache, decoded and put there if need be; None where it isn't worth it or there is no room."""
    fit, declared = dataset.fit, dataset.splits.get(split)
    if fit is None or declared is None or not dataset.is_prepared:
        return None
    with _clear_errors(dataset, split):
        if dataset.is_folder:
            files = _examples(dataset, split)
        else:
            files = [(str(file), 0) for file in sorted(Path(dataset.folder).iterdir())]
        name = key(files, [fit.to_json(), dataset.image_shape, split, dataset.skip_damaged])
    kept = KeptPixels()
    if name is None or (found := kept.find(name)) is not None:
        return None if name is None else found
    if not kept.has_room(math.prod((declared, fit.height, fit.width, dataset.image_shape[2] or 1))):
        return None
    damaged: list[str] = []
    decoded = batches(dataset, split, on_damaged=damaged.append if dataset.skip_damaged else None)
    return kept.keep(name, decoded, _digest, damaged)


def _digest(images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> str:
    digest = Digest(images.shape)
    digest.add(images, labels)
    return digest.hexdigest()


def batches(
    dataset: Dataset, split: str, size: int | None = None, *, on_damaged: Callable[[str], None] | None = None
) -> Iterator[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Decode a split batch by batch, in its fixed order, preparing the dataset first if it is one that can be.

    The images of a batch are of one size. Those of a dataset whose images differ in size come to `dataset.fit`; without
    one, a batch ends where the size changes.

    :param size: images in a batch, at most; by default as many as take some megabytes.
    :param on_damaged: told of each file of an image folder that can't be decoded, which is then left out.
    :return: images, uint8, (count, height, width, channels), and labels, int64, (count,).
    :raises UsageError: if the dataset has no such split, or can't be prepared for want of a writable folder.
    :raises DataError: if its files are missing or damaged, or can't be decoded.
    """
    declared = dataset.splits.get(split)
    if declared is None:
        raise UsageError(f"{dataset.name} has no split '{split}'; it has {', '.join(dataset.splits)}")
    done = 0

    def left_out(file: str) -> None:
        nonlocal done
        done += 1
        assert on_damaged is not None  # noqa: S101 - else nothing is left out
        on_damaged(file)

    with _clear_errors(dataset, split):
        size = size or _batch_size(dataset)
        for images, labels in _decoded(dataset, split, size, left_out if on_damaged else None):
            done += len(images)
            if done > declared:
                break
            yield images, labels
    if done != declared:
        raise DataError(f"{dataset.folder} holds not the {declared:,} images of '{split}' that it declares; {AGAIN}")


def _decoded(
    dataset: Dataset, split: str, size: int, on_damaged: Callable[[str], None] | None
) -> Iterator[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    if dataset.is_folder:
        from zoo.data.folder_images import read

        yield from read(_examples(dataset, split), size, dataset.fit, on_damaged)
        return

    if dataset.arrays is not None:
        from zoo.data.arrays import read as read_arrays

        yield from read_arrays(dataset, split, size)
        return

    from zoo.data.prepared import read as read_prepared

    ensure_prepared(dataset)
    yield from read_prepared(dataset, split, size)


def _examples(dataset: Dataset, split: str) -> list[tuple[str, int]]:
    """The files of an image folder's split, and their labels."""
    from zoo.data.folder import scan

    return scan(Path(dataset.folder), skip_damaged=dataset.skip_damaged).splits.get(split, [])


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
