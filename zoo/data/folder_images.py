"""The images of a folder, decoded by several threads in a fixed order. Runs in a worker.

Pillow lets other threads run while it decodes and resizes.

What is in memory at a time: on each core one image as its file has it, and a few pieces of those that are to come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.cores import usable_cores
from zoo.data.decode import DamagedError, pixels, read_file
from zoo.data.fit import Fit
from zoo.data.folder import CHANNELS, SKIP
from zoo.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

PIECE = 16  # images that a thread decodes at a time, where they are brought to a small size
AHEAD = 2  # pieces for each thread
BATCH_BYTES = 2**24

OnDamaged = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Decoded:
    """One image: its pixels, or why it has none."""

    file: str
    label: int
    pixels: Array | None
    damage: str | None = None


def read(
    examples: Sequence[tuple[str, int]], size: int, fit: Fit | None = None, on_damaged: OnDamaged | None = None
) -> Iterator[tuple[Array, Array]]:
    """Decode image files, batch by batch. The images of a batch are of one size; where sizes differ, it may be short.

    :param examples: paths and labels.
    :param size: images in a batch, at most.
    :param fit: what size to bring the images to; None leaves them.
    :param on_damaged: told of each file that can't be decoded, which is then left out.
    :return: images, uint8, (count, height, width, 3), and labels, int64, (count,).
    :raises DataError: for a file that can't be decoded, unless `on_damaged` is given.
    """
    import numpy as np

    images: list[Array] = []
    labels: list[int] = []
    taken = 0

    def batch() -> tuple[Array, Array]:
        return np.stack(images), np.asarray(labels, np.int64)

    for one in _decoded(examples, fit):
        if one.pixels is None:
            if on_damaged is None:
                raise DataError(f"can't decode {one.file}: {one.damage}; {SKIP}")
            on_damaged(one.file)
            continue
        if images and (
            len(images) == size or (fit is None and taken > BATCH_BYTES) or images[0].shape != one.pixels.shape
        ):
            yield batch()
            images, labels, taken = [], [], 0
        images.append(one.pixels)
        labels.append(one.label)
        taken += one.pixels.nbytes
    if images:
        yield batch()


def _decoded(examples: Sequence[tuple[str, int]], fit: Fit | None) -> Iterator[Decoded]:
    def decode(piece: Sequence[tuple[str, int]]) -> list[Decoded]:
        return [_one(file, label, fit) for file, label in piece]

    threads = usable_cores()
    size = PIECE if fit else 1
    pieces = (examples[first : first + size] for first in range(0, len(examples), size))
    waiting: deque[Future[list[Decoded]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for piece in pieces:
                waiting.append(pool.submit(decode, piece))
                if len(waiting) > AHEAD * threads:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _one(file: str, label: int, fit: Fit | None) -> Decoded:
    try:
        return Decoded(file, label, pixels(read_file(file), CHANNELS, fit))
    except DamagedError as error:
        return Decoded(file, label, None, str(error))
