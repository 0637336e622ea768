"""Safetensors files, read strictly: what two readers could understand differently is refused.

A file is the length of its header (8 bytes), the header (JSON: type, shape and place of each tensor, and metadata) and
the tensors. The library checks that tensors fill the file, without a gap or an overlap.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from zoo.errors import WeightsError
from zoo.paths import reason
from zoo.text import printable

if TYPE_CHECKING:
    import numpy as np

    Arrays = dict[str, np.ndarray[Any, Any]]

METADATA = "__metadata__"
MAX_HEADER_BYTES = 16 * 2**20
MAX_FILE_BYTES = 4 * 2**30
FLOAT32 = "F32"
# By the names of the format, as NumPy has them; bfloat16 as its bits.
_TYPES = {
    "F32": "<f4",
    "F16": "<f2",
    "F64": "<f8",
    "BF16": "<u2",
    "BOOL": "?",
    **{f"{kind}{8 * size}": f"<{kind.lower()}{size}" for kind in "IU" for size in (1, 2, 4, 8)},
}
_WHOLE_NUMBERS = tuple(name for name in _TYPES if name == "BOOL" or name[0] in "IU")  # such as tables of indices


def read(path: Path, *, most_bytes: int = MAX_FILE_BYTES, what: str = "weights") -> bytes:
    """The content of a file that may not be larger than that.

    :param what: to call it in an error.
    :raises WeightsError: if it is, or can't be read.
    """
    with _opened(path, what) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise WeightsError(f"can't read {what} {path}: larger than {most_bytes:,} bytes, the most it could take")
    return content


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of a file, of which nothing but the header is read.

    :raises WeightsError: if it is not a safetensors file.
    """
    try:
        with _opened(path) as file:
            metadata: dict[str, str] = _header(file).get(METADATA, {})
    except ValueError as error:
        raise WeightsError(f"{path} is not a whole safetensors file: {error}") from None
    return metadata


def names(content: bytes) -> list[str]:
    """The names of a file's tensors, in the file's order.

    :param content: a whole file's.
    """
    return [name for name in _header(io.BytesIO(content)) if name != METADATA]


def with_metadata(content: bytes, metadata: Mapping[str, str]) -> bytes:
    """The same tensors, byte for byte, under other metadata.

    :param content: a whole file's.
    """
    file = io.BytesIO(content)
    text = json.dumps({**_header(file), METADATA: metadata}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of 8
    return struct.pack("<Q", len(text)) + text + file.read()


def decode(content: bytes) -> Arrays:
    """The tensors of a file, of float32 or whole numbers.

    :param content: anything at all.
    :raises ValueError: what is wrong with it, in one line.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    tensors = _header(io.BytesIO(content))
    tensors.pop(METADATA, None)
    for name, tensor in tensors.items():
        if tensor.get("dtype") not in (FLOAT32, *_WHOLE_NUMBERS):
            raise ValueError(f"{short(name)} has type {short(tensor.get('dtype'))}, not {FLOAT32}")
    try:
        return load(content)
    except (SafetensorError, ValueError) as error:
        raise ValueError(short(error)) from None


def decode_any(content: bytes) -> Arrays:
    """The tensors of a file of whatever types: those of 16 bits as float32, which is exact; the others as they are.

    :param content: anything at all.
    :raises ValueError: what is wrong with it, in one line.
    """
    import numpy as np
    from safetensors import SafetensorError, deserialize

    _header(io.BytesIO(content))
    try:
        tensors = deserialize(content)  # type: ignore[no-untyped-call]
    except (SafetensorError, ValueError) as error:
        raise ValueError(short(error)) from None
    arrays: Arrays = {}
    for name, tensor in tensors:
        kind = tensor["dtype"]
        if kind not in _TYPES:
            raise ValueError(f"{short(name)} has type {short(kind)}, not {FLOAT32}")
        array = np.frombuffer(tensor["data"], _TYPES[kind]).reshape(tensor["shape"])
        if kind == "BF16":
            array = widened(array)
        arrays[name] = array.astype(np.float32) if kind == "F16" else array
    return arrays


def widened(bits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """bfloat16 numbers as float32, of which they are the upper half.

    :param bits: theirs, as uint16.
    """
    import numpy as np

    return (bits.astype(np.uint32) << 16).view(np.float32)


def parse_object(text: bytes, what: str) -> dict[str, Any]:
    """A JSON object in which no name occurs twice and every value is plain: no NaN, no half of a character.

    :raises ValueError: if it is none.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(found := dict(pairs)) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in found if names.count(name) > 1)
            raise _TwiceError(f"its {what} has {short(twice)} twice")
        return found

    try:
        found = json.loads(text.decode(), object_pairs_hook=unique)
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except _TwiceError:
        raise
    except (ValueError, RecursionError):
        raise ValueError(f"its {what} is not JSON") from None
    if not isinstance(found, dict):
        raise ValueError(f"its {what} is not a JSON object")
    return found


def short(value: object) -> str:
    """What a file from elsewhere says, fit to stand in one line."""
    text = printable(str(value))
    return text if len(text) <= 80 else f"{text[:79]}…"


class _TwiceError(ValueError):
    pass


def _opened(path: Path, what: str = "weights") -> BinaryIO:
    try:
        if path.exists() and not path.is_file():  # a device or a pipe would be read for ever
            raise WeightsError(f"{path} is not a file")
        return path.open("rb")
    except OSError as error:
        raise WeightsError(f"can't read {what} {path}: {reason(error)}") from None


def _header(file: BinaryIO) -> dict[str, Any]:
    """The header at the beginning of a file, which is then at the first tensor.

    :raises ValueError: if there is none.
    """
    prefix = file.read(8)
    if len(prefix) < 8:
        raise ValueError("it ends before its header")
    (length,) = struct.unpack("<Q", prefix)
    if length > MAX_HEADER_BYTES:
        raise ValueError(f"it claims a header of {length:,} bytes")
    text = file.read(length)
    if len(text) < length:
        raise ValueError("it ends within its header")
    header = parse_object(text, "header")
    if not all(isinstance(value, dict) for value in header.values()):
        raise ValueError("its header describes something else than tensors")
    if not all(isinstance(value, str) for value in header.get(METADATA, {}).values()):
        raise ValueError("its metadata are not text")
    return header
