"""A dataset that TFDS has prepared, in less space, and back: `pack` and `unpack`. It takes no more than the core does.

Pixels are kept without loss. Small pictures give general compressors little to find, so each pixel is predicted from
its neighbours, and only the error is kept. The predictor is the mean of LOCO-I's median (Weinberger, Seroussi, Sapiro:
"The LOCO-I lossless image compression algorithm", 2000) and a plane through four neighbours; colours are predicted as
differences from green. Errors are sorted into streams by how busy their surroundings are, and zlib gives each stream
its Huffman codes. All pictures of a block are worked on at once, so that NumPy is fast enough.

Run by the installer: `python pack.py unpack FOLDER INTO`.
"""

from __future__ import annotations

import io
import json
import lzma
import os
import shutil
import struct
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from zoo.data import prepared, records

Array = np.ndarray[Any, Any]

MAGIC = b"zoo.pack/1\n"
SIZE = struct.Struct("<Q")
SUFFIX = ".pack"
BLOCK_BYTES = 2**24  # of pixels that are worked on at once
CONTEXTS = 24  # streams of a channel
BUSIEST = 6 * 128 + 3 * 510 + 3 * 128  # the largest activity there can be
PNG_LEVEL = 1  # several times as fast as the usual 6, and a few per cent larger
PIECE = 2000  # pictures that a process makes PNG files of at a time


class Around(NamedTuple):
    """What is known around pixels: to their left, above, above to the left, and above to the right."""

    w: Array
    n: Array
    nw: Array
    ne: Array


# The codec


def encode(images: Array) -> bytes:
    """Pictures of one size in less space.

    :param images: uint8, (count, height, width, channels).
    """
    if images.dtype != np.uint8 or images.ndim != 4:
        raise ValueError(f"pictures are uint8 of four axes, and these are {images.dtype} of {images.ndim}")
    size = max(1, BLOCK_BYTES // max(1, images[:1].size))
    blocks = [images[i : i + size] for i in range(0, len(images), size)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return _joined([json.dumps(images.shape).encode(), *pool.map(_encode_block, blocks)])


def decode(content: bytes) -> Array:
    """What `encode` was given.

    :raises ValueError: if it is something else, or damaged.
    """
    try:
        head, *blocks = _parts(content)
        count, *shape = json.loads(head)
        images = np.empty((count, *shape), np.uint8)
        size = max(1, BLOCK_BYTES // max(1, int(np.prod(shape))))
        places = [images[i : i + size] for i in range(0, count, size)]
        if len(blocks) != len(places):
            raise ValueError(f"{len(blocks)} blocks instead of {len(places)}")
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(_decode_block, blocks, places))
    except (zlib.error, TypeError, ValueError, IndexError, struct.error) as error:
        raise ValueError(f"packed pictures are damaged: {error}") from None
    return images


def _encode_block(images: Array) -> bytes:
    """Each channel in turn: the bounds between contexts, and the streams."""
    planes = np.ascontiguousarray(images.transpose(3, 1, 2, 0)).astype(np.int16)  # channel, row, column, picture
    order = _order(len(planes))
    parts: list[bytes] = []
    before = None  # the errors of the channel before
    for channel in order:
        values = planes[channel] - planes[order[0]] if channel != order[0] else planes[channel]
        errors, activity = _errors(values, before)
        bounds = _bounds(activity)
        context = _table(bounds)[activity]
        parts.append(bounds.tobytes())
        parts += [_huffman(errors[context == i]) for i in range(CONTEXTS)]
        before = np.abs(errors.view(np.int8).astype(np.int16))
    return _joined(parts)


def _decode_block(content: bytes, images: Array) -> None:
    """Fill in the pictures."""
    count, height, width, channels = images.shape
    found = _parts(content)
    if len(found) != channels * (1 + CONTEXTS):
        raise ValueError("a block is cut off")
    parts, order = iter(found), _order(channels)
    first = before = None
    for channel in order:
        table = _table(np.frombuffer(next(parts), np.int16))
        streams = [zlib.decompress(part, -15) for part in islice(parts, CONTEXTS)]
        source = _Streams(streams, count)
        plane, errors = _decode_channel(source, table, (height, width, count), first, before)
        if first is None:
            first = plane
        images[..., channel] = plane.transpose(2, 0, 1)
        before = errors


def _errors(values: Array, before: Array | None) -> tuple[Array, Array]:
    """A channel's errors, uint8, and how busy the surroundings are; both (height, width, count).

    :param values: int16, (height, width, count).
    :param before: the absolute errors of the channel before.
    """
    height, width, count = values.shape
    errors = np.empty(values.shape, np.uint8)
    activity = np.empty(values.shape, np.int16)
    above, above_error = _row(width, count), _row(width, count)
    for y in range(height):
        row, error = _row(width, count), _row(width, count)
        row[0] = above[1] if y else 0
        row[1:-1], row[-1] = values[y], values[y, -1]
        around = _around(row, above, slice(0, width), slice(1, width + 1), slice(2, width + 2), y)
        errors[y] = row[1:-1] - _predicted(around)
        error[1:-1] = np.abs(errors[y].view(np.int8).astype(np.int16))
        spread = Around(error[:-2], above_error[1:-1], above_error[:-2], above_error[2:])
        activity[y] = _activity(around, spread, None if before is None else before[y])
        above, above_error = row, error
    return errors, activity


def _decode_channel(
    source: _Streams, table: Array, shape: tuple[int, int, int], first: Array | None, before: Array | None
) -> tuple[Array, Array]:
    """The inverse of `_errors`: the channel itself, uint8, and its absolute errors."""
    height, width, count = shape
    plane, errors = np.empty(shape, np.uint8), np.empty(shape, np.int16)
    above, above_error = _row(width, count), _row(width, count)
    for y in range(height):
        row, error = _row(width, count), _row(width, count)
        row[0] = above[1] if y else 0
        for x in range(width):
            around = _around(row, above, x, x + 1, x + 2, y)
            spread = Around(error[x], above_error[x + 1], above_error[x], above_error[x + 2])
            found = source.take(table[_activity(around, spread, None if before is None else before[y, x])])
            value = found + _predicted(around)
            if first is not None:
                value += first[y, x]
            value &= 255
            plane[y, x] = value
            row[x + 1] = value if first is None else value - first[y, x]
            error[x + 1] = errors[y, x] = np.abs(found)
        row[-1] = row[-2]
        above, above_error = row, error
    return plane, errors


def _row(width: int, count: int) -> Array:
    """A row of all pictures, with a pixel more at each end."""
    return np.zeros((width + 2, count), np.int16)


def _around(row: Array, above: Array, left: Any, here: Any, right: Any, y: int) -> Around:
    w = row[left]
    return Around(w, above[here], above[left], above[right]) if y else Around(w, w, w, w)


def _predicted(a: Around) -> Array:
    """The mean of LOCO-I's median and a plane."""
    median = np.clip(a.w + a.n - a.nw, np.minimum(a.w, a.n), np.maximum(a.w, a.n))
    plane = ((a.w + a.n) * 6 - a.nw * 5 + a.ne + 4) >> 3
    result: Array = (median + plane + 1) >> 1
    return result


def _activity(a: Around, error: Around, before: Array | None) -> Array:
    busy: Array = (error.w + error.n) * 2 + error.nw + error.ne
    busy += np.abs(a.w - a.nw)
    busy += np.abs(a.n - a.nw)
    busy += np.abs(a.n - a.ne)
    if before is not None:
        busy += before * 3
    return busy


def _bounds(activity: Array) -> Array:
    """Activities that part the pixels into CONTEXTS sets of about the same size."""
    below = np.cumsum(np.bincount(activity.ravel(), minlength=BUSIEST + 1))
    shares = np.arange(1, CONTEXTS) * int(below[-1]) // CONTEXTS
    return np.searchsorted(below, shares).astype(np.int16)


def _table(bounds: Array) -> Array:
    """The context by activity."""
    return np.searchsorted(bounds, np.arange(BUSIEST + 1), side="left").astype(np.uint8)


class _Streams:
    """Errors by context, taken one for each picture at a time."""

    def __init__(self, streams: Sequence[bytes], count: int) -> None:
        self.errors = np.frombuffer(b"".join(streams), np.int8).astype(np.int16)
        self.next = np.cumsum([0, *map(len, streams[:-1])])
        self.steps = np.arange(count)

    def take(self, context: Array) -> Array:
        order = np.argsort(context, kind="stable")
        counts = np.bincount(context, minlength=CONTEXTS)
        places = np.repeat(self.next - np.cumsum(counts) + counts, counts)
        places += self.steps
        found = np.empty(len(context), np.int16)
        found[order] = self.errors[places]
        self.next += counts
        return found


def _order(channels: int) -> list[int]:
    """Green first: the others are kept as differences from it."""
    return [1, 0, *range(2, channels)] if channels > 2 else list(range(channels))


def _huffman(errors: Array) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)
    return compressor.compress(errors.tobytes()) + compressor.flush()


def _joined(parts: Iterable[bytes]) -> bytes:
    return b"".join(SIZE.pack(len(part)) + part for part in parts)


def _parts(content: bytes) -> list[bytes]:
    parts, place = [], 0
    while place < len(content):
        (size,) = SIZE.unpack_from(content, place)
        place += SIZE.size
        if size > len(content) - place:
            raise ValueError("a part is cut off")
        parts.append(content[place : place + size])
        place += size
    return parts


# The dataset


def pack(folder: Path, into: Path) -> None:
    """Pack a prepared dataset's folder. Every file of records becomes one with `.pack` after its name; the others,
    which are small, are copied.

    :raises ValueError: if its pictures are not of one size and 8 bits, its files are damaged, or in another format
        than tfrecord and array_record; or if what was packed does not come back the same.
    """
    into.mkdir(parents=True)
    info = json.loads((folder / "dataset_info.json").read_bytes())
    channels = _channels(folder)
    shards = [shard for split in info["splits"] for shard in prepared.shards(folder, info, split["name"])]
    packed = {shard.path.name for shard in shards}
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.name not in packed:
            shutil.copyfile(file, into / file.name)
    for shard in shards:
        content = _packed(list(prepared.contents_of(shard, info)), channels)
        (into / f"{shard.path.name}{SUFFIX}").write_bytes(MAGIC + content)


def unpack(folder: Path, into: Path) -> None:
    """Put a packed dataset back: the same files, records, order and features; the pictures are PNG.

    :raises ValueError: if a file is damaged.
    """
    into.mkdir(parents=True)
    info = json.loads((folder / "dataset_info.json").read_bytes())
    for file in sorted(folder.iterdir()):
        if file.suffix != SUFFIX:
            shutil.copyfile(file, into / file.name)
            continue
        content = file.read_bytes()
        if not content.startswith(MAGIC):
            raise ValueError(f"{file.name} is no packed file of records")
        pictures, rest = _parts(content[len(MAGIC) :])
        rows = zip(_parts(lzma.decompress(rest)), _pngs(decode(pictures)), strict=True)
        _writer(info)(into / file.name.removesuffix(SUFFIX), (records.put(r, b"image", png) for r, png in rows))


def _packed(rows: Sequence[bytes], channels: int | None) -> bytes:
    """Pictures and, compressed together, what else the records hold."""
    pairs = [records.take(row, b"image") for row in rows]
    with ThreadPoolExecutor() as pool:
        images = list(pool.map(lambda pair: prepared.decoded(pair[0], channels), pairs))
    if len({image.shape for image in images}) > 1:
        raise ValueError("its pictures differ in size; only those of one size can be packed")
    stacked = np.stack(images) if images else np.empty((0, 0, 0, 0), np.uint8)
    content = encode(stacked)
    if not np.array_equal(decode(content), stacked):
        raise ValueError("what was packed does not come back the same")
    return _joined([content, lzma.compress(_joined(rest for _, rest in pairs), preset=9)])


def _channels(folder: Path) -> int | None:
    features = json.loads((folder / "features.json").read_bytes())
    kind, shape = prepared.declared(features)
    if kind != "uint8":
        raise ValueError(f"its pictures are {kind}; only 8 bits a channel can be packed")
    return shape[-1]


def _writer(info: dict[str, Any]) -> Callable[[Path, Iterable[bytes]], None]:
    return _write_array_record if info.get("fileFormat") == "array_record" else records.write


def _write_array_record(path: Path, rows: Iterable[bytes]) -> None:
    from array_record.python.array_record_module import ArrayRecordWriter

    writer = ArrayRecordWriter(str(path), "group_size:1")  # as TFDS writes them
    for row in rows:
        writer.write(row)
    writer.close()


def _pngs(images: Array) -> Iterator[bytes]:
    """Each picture as a PNG file. Pillow holds Python's lock meanwhile, hence processes."""
    pieces = [images[i : i + PIECE] for i in range(0, len(images), PIECE)]
    if len(pieces) < 2:
        yield from (png for piece in pieces for png in _piece(piece))
        return
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for some in pool.map(_piece, pieces):
            yield from some


def _piece(images: Array) -> list[bytes]:
    return [_png(image) for image in images]


def _png(image: Array) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(file, "PNG", compress_level=PNG_LEVEL)
    return file.getvalue()


def main(arguments: Sequence[str]) -> int:
    """`unpack FOLDER INTO`. One line and 3 if it can't be done."""
    _, folder, into = arguments
    try:
        unpack(Path(folder), Path(into))
    except (OSError, ValueError, lzma.LZMAError) as error:
        print(f"pack: can't put the dataset back: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
