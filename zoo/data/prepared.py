"""What TFDS has prepared, read without TensorFlow: a split's images and labels, in the order in which TFDS gives them.

Nothing that a file names is imported. Images are decoded by Pillow.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from zoo.data import records
from zoo.data.catalog import INFO, Dataset
from zoo.data.decode import DamagedError
from zoo.data.decode import pixels as of_any_size
from zoo.data.divide import RULE_IN_ORDER, TEST, TRAIN, is_tested, stored_name
from zoo.data.fit import Fit
from zoo.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    Array = np.ndarray[Any, Any]

T = TypeVar("T")

TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
LONGEST = 255  # characters, of a file's name on most file systems
ENCODINGS = ("PNG", "JPEG", "BMP")
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}  # Pillow's, by number of channels
GREY = ("1", "L", "LA")
CYCLE, BLOCK = 16, 16  # TFDS reads so many files in turn, and so many records of each
PIECE = 64  # images that a thread decodes at a time


@dataclass(frozen=True, slots=True)
class Shard:
    """A file of records."""

    path: Path
    records: int


def read(dataset: Dataset, split: str, size: int) -> Iterator[tuple[Array, Array]]:
    """Decode a split, batch by batch. The images of a batch are of one size: the dataset's, that of `dataset.fit`, or,
    where they differ and there is no fit, that of the next image; such batches may be short.

    :param size: images in a batch, at most.
    :return: images, uint8, (count, height, width, channels), and labels, int64, (count,).
    :raises DataError: if the dataset declares another type than 8 bits.
    :raises ValueError: if the files are damaged, or hold something else than they declare.
    :raises OSError: if they can't be read.
    """
    import numpy as np

    folder = Path(dataset.folder)
    kind, shape = declared(json.loads((folder / "features.json").read_bytes()))
    if kind != "uint8":
        raise DataError(f"the images of {dataset.name} are {kind}; the zoo takes 8 bits a channel")
    info = json.loads((folder / INFO).read_bytes())
    rows = _in_order(shards(folder, info, stored_name(split, [one["name"] for one in info["splits"]])), info)
    if dataset.divided == RULE_IN_ORDER and split in (TRAIN, TEST):
        rows = (row for index, row in enumerate(rows) if is_tested(index) is (split == TEST))

    def decode(piece: Sequence[bytes]) -> list[tuple[Array, int]]:
        return [_row(record, shape, dataset.fit) for record in piece]

    with ThreadPoolExecutor() as pool:
        while batch := list(islice(rows, size)):
            pieces = [batch[i : i + PIECE] for i in range(0, len(batch), PIECE)]
            decoded_rows = chain.from_iterable(pool.map(decode, pieces))
            for _, alike in groupby(decoded_rows, key=lambda row: row[0].shape):
                images, labels = zip(*alike, strict=True)
                yield np.stack(images), np.asarray(labels, np.int64)


def shards(folder: Path, info: Mapping[str, Any], split: str) -> list[Shard]:
    """The files of a split.

    :param info: what `dataset_info.json` holds.
    """
    (found,) = [one for one in info["splits"] if one["name"] == split]
    lengths = [int(length) for length in found["shardLengths"]]
    template = str(found.get("filepathTemplate") or TEMPLATE)
    width = max(5, len(str(len(lengths))))
    files = []
    for index, length in enumerate(lengths):
        number, count = f"{index:0{width}}", f"{len(lengths):0{width}}"
        values = {
            "DATASET": str(info["name"]),
            "SPLIT": split,
            "FILEFORMAT": _format(info),
            "SHARD_INDEX": number,
            "NUM_SHARDS": count,
            "SHARD_X_OF_Y": f"{number}-of-{count}",
        }
        name = _filled(template, values)
        if Path(name).name != name:
            raise ValueError(f"{INFO} names a file in another folder, {name}")
        files.append(Shard(folder / name, length))
    return files


def _filled(template: str, values: Mapping[str, str]) -> str:
    """A template with its names in braces replaced. `str.format` would do whatever else a file asks of it."""
    if max(map(len, (template, *values.values()))) > LONGEST:
        raise ValueError(f"{INFO} names a file by more than {LONGEST} characters")
    parts = re.split(r"\{(\w+)\}", template)
    if any(brace in part for part in parts[::2] for brace in "{}") or not values.keys() >= set(parts[1::2]):
        raise ValueError(f"{INFO} has a template of another kind, {template[:80]!a}")
    return "".join(values[part] if number % 2 else part for number, part in enumerate(parts))


def _format(info: Mapping[str, Any]) -> str:
    return str(info.get("fileFormat") or "tfrecord")


def declared(features: Mapping[str, Any]) -> tuple[str, tuple[int | None, ...]]:
    """Type and shape of the images, as `features.json` declares them; None where they differ in size."""
    image = features["featuresDict"]["features"]["image"]["image"]
    sizes = [int(size) for size in image["shape"]["dimensions"]]
    return str(image.get("dtype") or "uint8"), tuple(size if size > 0 else None for size in sizes)


def _in_order(files: Sequence[Shard], info: Mapping[str, Any]) -> Iterator[bytes]:
    """The records of all files. Several TFRecord files are read in turn, as `as_dataset` does, unless their order is
    declared to matter."""
    contents = [contents_of(file, info) for file in files]
    if _format(info) == "array_record":
        return chain.from_iterable(contents)
    cycle = 1 if info.get("disableShuffling") else CYCLE
    return interleaved(contents, cycle, BLOCK)


def contents_of(shard: Shard, info: Mapping[str, Any]) -> Iterator[bytes]:
    """The records of a file, in its own order.

    :param info: what `dataset_info.json` holds.
    :raises ValueError: if the format is none that the zoo reads; when they are read, if the file is damaged.
    """
    readers = {"tfrecord": _records, "array_record": _array_records}
    if _format(info) not in readers:
        raise ValueError(f"its files are in the format {_format(info)}; the zoo reads {' and '.join(readers)}")
    return readers[_format(info)](shard)


def interleaved(sources: Sequence[Iterator[T]], cycle: int, block: int) -> Iterator[T]:
    """What `tf.data.Dataset.interleave` gives: `block` items of each of `cycle` sources in turn; in the place of one
    that has ended comes the next, when it is that place's turn again."""
    waiting = iter(sources)
    places: list[Iterator[T] | None] = [None] * cycle
    left = True
    while left or any(place is not None for place in places):
        for i in range(cycle):
            if places[i] is None and left:
                places[i] = next(waiting, None)
                left = places[i] is not None
            source = places[i]
            if source is None:
                continue
            count = 0
            for item in islice(source, block):
                yield item
                count += 1
            if count < block:
                places[i] = None


def _records(shard: Shard) -> Iterator[bytes]:
    count = 0
    for record in records.read(shard.path):
        yield record
        count += 1
    if count != shard.records:
        raise ValueError(f"{shard.path.name} holds {count:,} records and should hold {shard.records:,}")


def _array_records(shard: Shard) -> Iterator[bytes]:
    from array_record.python.array_record_module import ArrayRecordReader

    reader = ArrayRecordReader(str(shard.path))
    if (count := reader.num_records()) != shard.records:
        raise ValueError(f"{shard.path.name} holds {count:,} records and should hold {shard.records:,}")
    for first in range(0, count, PIECE):
        yield from reader.read(first, min(first + PIECE, count))


def _row(record: bytes, shape: tuple[int | None, ...], fit: Fit | None) -> tuple[Array, int]:
    found = records.features(record)
    image, label = found.get(b"image"), found.get(b"label")
    if not isinstance(image, bytes) or not isinstance(label, int):
        raise ValueError("a record has no image or no label")
    if None in shape[:2]:
        try:
            return of_any_size(image, 1 if shape[-1] == 1 else 3, fit), label
        except DamagedError as error:
            raise ValueError(f"an image can't be decoded: {error}") from None
    pixels = decoded(image, shape[-1])
    if any(declared not in (None, actual) for declared, actual in zip(shape, pixels.shape, strict=True)):
        raise ValueError(f"an image is of the shape {pixels.shape}, and {shape} is declared")
    return pixels, label


def decoded(content: bytes, channels: int | None) -> Array:
    """The pixels of an encoded image, uint8, (height, width, channels).

    :param channels: as declared; grey becomes colour, and what is not to be transparent isn't. None leaves them.
    """
    import numpy as np
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=ENCODINGS) as image:
            pixels = np.asarray(image.convert(_mode(image, channels)))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:  # what Pillow raises
        raise ValueError(f"an image can't be decoded: {error}") from None
    return pixels if pixels.ndim == 3 else pixels[..., np.newaxis]


def _mode(image: Image.Image, channels: int | None) -> str:
    """Pillow's name of the form to bring an image to.

    :raises ValueError: for one that decoders disagree about.
    """
    if image.mode not in (*MODES.values(), "1", "P"):
        raise ValueError(f"an image is of Pillow's mode {image.mode}; the zoo takes 8 bits a channel, grey or RGB")
    wanted = MODES[channels] if channels else image.mode if image.mode in MODES.values() else "RGB"
    if wanted in GREY and image.mode not in GREY:
        raise ValueError(f"an image has colours, and {channels} channels are declared")
    return wanted
