"""Files of records as TFDS keeps datasets in: TFRecord, and the `tf.train.Example` in each. No TensorFlow.

A TFRecord file is a row of records, each with its length before it; both are followed by a masked CRC-32C
(tensorflow.org/tutorials/load_data/tfrecord).
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import google_crc32c

LENGTH = struct.Struct("<Q")
CHECKSUM = struct.Struct("<I")
MASK = 0xA282EAD8
BUFFER = 2**20

# The parts of tf.train.Example that hold images and labels; protobuf passes over others. A map is a list of pairs.
EXAMPLE = """
name: "zoo_example.proto" package: "zoo" syntax: "proto3"
message_type { name: "Texts" field { name: "value" number: 1 label: LABEL_REPEATED type: TYPE_BYTES } }
message_type { name: "Numbers" field { name: "value" number: 1 label: LABEL_REPEATED type: TYPE_INT64 } }
message_type {
  name: "Feature"
  field { name: "bytes_list" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".zoo.Texts" }
  field { name: "int64_list" number: 3 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".zoo.Numbers" }
}
message_type {
  name: "Pair"
  field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_BYTES }
  field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".zoo.Feature" }
}
message_type {
  name: "Features"
  field { name: "feature" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".zoo.Pair" }
}
message_type {
  name: "Example"
  field { name: "features" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".zoo.Features" }
}
"""


def read(path: Path) -> Iterator[bytes]:
    """The records of a TFRecord file, each checked against its sum.

    :raises ValueError: if the file is damaged.
    :raises OSError: if it can't be read.
    """
    size = path.stat().st_size
    with path.open("rb", buffering=BUFFER) as file:
        place = 0
        while head := file.read(LENGTH.size + CHECKSUM.size):
            length = head[: LENGTH.size]
            _check(length, head[LENGTH.size :], path, place)
            (count,) = LENGTH.unpack(length)
            end = place + len(head) + count + CHECKSUM.size
            if end > size:
                raise ValueError(f"{path.name} is cut off at byte {size:,}")
            record = file.read(count)
            _check(record, file.read(CHECKSUM.size), path, place)
            yield record
            place = end


def write(path: Path, records: Iterable[bytes]) -> None:
    """Write a TFRecord file."""
    with path.open("wb", buffering=BUFFER) as file:
        for record in records:
            length = LENGTH.pack(len(record))
            file.write(length + _checksum(length) + record + _checksum(record))


def features(record: bytes) -> dict[bytes, bytes | int]:
    """The features of a `tf.train.Example` that are one byte string or one integer, by name.

    :raises ValueError: if it is no such message.
    """
    example = _parsed(record)
    found: dict[bytes, bytes | int] = {}
    for pair in example.features.feature:
        for values in (pair.value.bytes_list.value, pair.value.int64_list.value):
            if len(values) == 1:
                found[pair.key] = values[0]
    return found


def take(record: bytes, name: bytes) -> tuple[bytes, bytes]:
    """A feature that is one byte string, and the record without it; `put` is the inverse.

    :raises ValueError: if it is no `tf.train.Example` with such a feature.
    """
    return _exchanged(record, name, b"")


def put(record: bytes, name: bytes, value: bytes) -> bytes:
    """Put a feature back that `take` has taken out.

    :raises ValueError: as `take`.
    """
    return _exchanged(record, name, value)[1]


def _exchanged(record: bytes, name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """The value that a feature had, and the record with another."""
    example = _parsed(record)
    values = [pair.value.bytes_list.value for pair in example.features.feature if pair.key == name]
    if len(values) != 1 or len(values[0]) != 1:
        raise ValueError(f"a record has no feature '{name.decode(errors='replace')}' of one byte string")
    before = bytes(values[0][0])
    values[0][0] = value
    return before, example.SerializeToString(deterministic=True)


def _parsed(record: bytes) -> Any:
    from google.protobuf.message import DecodeError

    try:
        return _example().FromString(record)
    except DecodeError as error:
        raise ValueError(f"a record is no tf.train.Example: {error}") from None


@functools.cache
def _example() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

    pool = descriptor_pool.DescriptorPool()  # not the default one, where TensorFlow puts its own
    pool.AddSerializedFile(text_format.Parse(EXAMPLE, descriptor_pb2.FileDescriptorProto()).SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("zoo.Example"))


def _checksum(content: bytes) -> bytes:
    """CRC-32C, rotated and shifted, so that a sum over sums is none of the usual ones."""
    crc = google_crc32c.value(content)
    return CHECKSUM.pack(((crc >> 15 | crc << 17) + MASK) & 0xFFFFFFFF)


def _check(content: bytes, checksum: bytes, path: Path, place: int) -> None:
    if len(checksum) < CHECKSUM.size:
        raise ValueError(f"{path.name} is cut off in the record at byte {place:,}")
    if _checksum(content) != checksum:
        raise ValueError(f"{path.name} is damaged in the record at byte {place:,}: its checksum is another")
