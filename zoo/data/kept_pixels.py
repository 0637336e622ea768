"""Pixels that were decoded before: a split at the size of a model's input, kept in the cache as one file.

Each is a folder named for what decides its pixels: the files and their states, the size, the way to it, and the
software that decodes. It appears as a whole, when everything is in it. Readers map the file into memory, so that a
split may be larger than that. The folder can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import index
from zoo.errors import UsageError
from zoo.executors import folders
from zoo.paths import writable_folder

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

FORM = 1  # of the files here, and of the rules of `zoo.data.decode` and `zoo.data.fit`: one more if pixels change
LIMIT_BYTES = 20 * 2**30  # of all splits together
FREE_SHARE = 0.1  # of the disk, that is left to others
LEAST_SOURCE_BYTES = 2**24  # below that, decoding takes no longer than looking here
LIBRARIES = ("libjpeg_turbo", "webp", "libtiff", "zlib")
IMAGES, LABELS, FACTS = "images.bin", "labels.npy", "facts.json"


@dataclass(frozen=True, slots=True)
class Split:
    """A whole split.

    Attributes:
        images: uint8, (count, height, width, channels), mapped from a file: only what is looked at comes into memory.
        labels: int64, (count,).
        digest: see `zoo.data.load.Images`.
        damaged: how many files were left out.
    """

    images: Array
    labels: Array
    digest: str
    damaged: int


def key(files: Sequence[tuple[str, int]], parts: Sequence[object]) -> str | None:
    """The name of a split's pixels; None where its files are so small that keeping pixels doesn't pay.

    :param files: all that the pixels come from, in order, with their labels.
    :param parts: what else decides them, as JSON values.
    :raises OSError: if a file is not there.
    """
    from PIL import __version__, features

    software = [FORM, __version__, *(features.version(name) for name in LIBRARIES)]
    digest = hashlib.sha256(json.dumps([software, *parts]).encode())
    total = 0
    for file, label in files:
        seen = os.stat(file)
        total += seen.st_size
        digest.update(
            f"{file}\0{label} {seen.st_ctime_ns} {seen.st_size} {seen.st_ino}\n".encode("utf-8", "surrogateescape")
        )
    return digest.hexdigest()[:32] if total >= LEAST_SOURCE_BYTES else None


class KeptPixels:
    """The folder of splits by their keys.

    :param folder: by default in the zoo's cache.
    :param limit_bytes: of all splits; those that were not used for the longest time are removed.
    """

    def __init__(self, folder: Path | None = None, limit_bytes: int = LIMIT_BYTES) -> None:
        self.folder = folder or Path(index.cache_folder()) / "images"
        self.limit_bytes = limit_bytes

    def find(self, name: str) -> Split | None:
        """The split of that key, or None."""
        import numpy as np

        place = self.folder / name
        try:
            facts = json.loads((place / FACTS).read_bytes())
            shape = tuple(facts["shape"])
            if (place / IMAGES).stat().st_size != math.prod(shape):
                return None
            images = np.asarray(np.memmap(place / IMAGES, np.uint8, "r", shape=shape))
            labels = np.load(place / LABELS)
            if labels.shape != shape[:1]:
                return None
            with contextlib.suppress(OSError):
                os.utime(place)  # it was used now
            return Split(images, labels, facts["digest"], facts["damaged"])
        except (OSError, EOFError, ValueError, KeyError, TypeError):
            return None

    def has_room(self, needed: int) -> bool:
        """Whether so many bytes may be kept: at most half of the limit, and no more than leaves the disk some room."""
        with contextlib.suppress(OSError, UsageError):
            disk = shutil.disk_usage(writable_folder(self.folder))
            return needed <= self.limit_bytes // 2 and disk.free - needed > FREE_SHARE * disk.total
        return False

    def keep(
        self, name: str, batches: Iterable[tuple[Array, Array]], digest: Callable[[Array, Array], str], damaged: Sized
    ) -> Split | None:
        """Write a split, out of sight until it is whole.

        :param batches: images and labels, one after the other.
        :param digest: of all images and labels.
        :param damaged: what was left out once all batches are there.
        :return: the split as `find` gives it; None if the disk is full.
        """
        import numpy as np

        labels: list[Array] = []
        try:
            with folders.make(folders.PREPARING, writable_folder(self.folder)) as owned:
                work = owned.path / "split"
                work.mkdir()
                shape: tuple[int, ...] = ()
                with (work / IMAGES).open("wb") as file:  # not through a map: a full disk would kill the process
                    for images, their_labels in batches:
                        shape = images.shape[1:]
                        file.write(np.ascontiguousarray(images).data)
                        labels.append(their_labels)
                    file.flush()
                    os.fsync(file.fileno())
                together = np.concatenate(labels)
                mapped = np.asarray(np.memmap(work / IMAGES, np.uint8, "r", shape=(len(together), *shape)))
                facts = {"shape": mapped.shape, "digest": digest(mapped, together), "damaged": len(damaged)}
                np.save(work / LABELS, together)
                (work / FACTS).write_text(json.dumps(facts))
                if self.find(name) is None:  # another process may have been faster
                    shutil.rmtree(self.folder / name, ignore_errors=True)  # a damaged one
                    work.rename(self.folder / name)
            self._make_room()
        except (OSError, UsageError):
            return None
        return self.find(name)

    def _make_room(self) -> None:
        found = []
        for place in self.folder.iterdir():
            if not place.name.startswith("."):
                with contextlib.suppress(OSError):
                    found.append((place.stat().st_mtime_ns, (place / IMAGES).stat().st_size, place))
        total = 0
        for _, size, place in sorted(found, reverse=True):
            total += size
            if total > self.limit_bytes:
                shutil.rmtree(place, ignore_errors=True)
