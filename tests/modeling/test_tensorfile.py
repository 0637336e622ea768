"""Safetensors files, read strictly: whatever the bytes are, it is whole tensors or one clear line."""

from __future__ import annotations

import json
import os
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from zoo.errors import WeightsError
from zoo.modeling import tensorfile

QUICK = settings(max_examples=150, deadline=None, database=None, derandomize=True)

TENSORS = {"a/kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "a/bias": np.ones(3, np.float32)}
WHOLE = save(TENSORS, {"who": "me"})
ONE_LINE = r"\A[^\x00-\x1f]+\Z"
FOUR = bytes(4 * 4)  # the data of four floats


def made(header: object, data: bytes = FOUR, length: int | None = None) -> bytes:
    """A file with that header: JSON values, or the text itself."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(begin: int, end: int, shape: list[Any] | None = None, dtype: object = "F32") -> dict[str, Any]:
    """A header's entry."""
    shape = [(end - begin) // 4] if shape is None else shape
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def refusal(content: bytes) -> str:
    """What is said of a file; it must be one printable line."""
    with pytest.raises(ValueError, match=ONE_LINE) as refused:
        tensorfile.decode(content)
    return str(refused.value)


def test_a_whole_file_is_read() -> None:
    found = tensorfile.decode(WHOLE)
    assert found.keys() == TENSORS.keys()
    assert all(np.array_equal(found[name], array) for name, array in TENSORS.items())
    assert tensorfile.decode(made({"a": tensor(0, 16)}))["a"].tolist() == [0] * 4


def test_a_file_cut_off_anywhere_is_refused() -> None:
    for length in range(len(WHOLE)):
        refusal(WHOLE[:length])


@pytest.mark.parametrize("more", [b"\0", bytes(4), bytes(4096)])
def test_a_padded_file_is_refused(more: bytes) -> None:
    refusal(WHOLE + more)


A = json.dumps(tensor(0, 16)).encode()
TWICE = b'{"a": %b, "a": %b}' % (A, A)
TWICE_WITHIN = b'{"a": {"dtype": "F32", "shape": [4], "shape": [4], "data_offsets": [0, 16]}}'

LIES = {
    "its length is more than the file": made({"a": tensor(0, 16)}, length=10_000),
    "its length is less than the header": made({"a": tensor(0, 16)}, length=10),
    "its length is huge": made({"a": tensor(0, 16)}, length=2**63),
    "its length is the limit and one": made({"a": tensor(0, 16)}, length=tensorfile.MAX_HEADER_BYTES + 1),
    "offsets overlap": made({"a": tensor(0, 8), "b": tensor(4, 16)}),
    "offsets are the same": made({"a": tensor(0, 16), "b": tensor(0, 16)}),
    "offsets leave a gap": made({"a": tensor(0, 4), "b": tensor(8, 16)}),
    "offsets go beyond the end": made({"a": tensor(0, 20)}),
    "offsets end early": made({"a": tensor(0, 12)}),
    "offsets begin late": made({"a": tensor(4, 16)}),
    "offsets are reversed": made({"a": tensor(16, 0, [4])}),
    "offsets are negative": made({"a": tensor(-16, 0, [4])}),
    "offsets are huge": made({"a": tensor(0, 2**64 + 16, [4])}),
    "the shape is larger than the data": made({"a": tensor(0, 16, [5])}),
    "the shape is smaller than the data": made({"a": tensor(0, 16, [3])}),
    "the shape overflows": made({"a": tensor(0, 16, [2**33, 2**31])}),
    "the shape is negative": made({"a": tensor(0, 16, [-4])}),
    "the shape is a text": made({"a": tensor(0, 16, ["4"])}),
    "a name occurs twice": made(TWICE),
    "a field occurs twice": made(TWICE_WITHIN),
    "the type is unknown": made({"a": tensor(0, 16, dtype="F31")}),
    "the type is no text": made({"a": tensor(0, 16, dtype=None)}),
    "a tensor has no type": made({"a": {"shape": [4], "data_offsets": [0, 16]}}),
    "a tensor is no object": made({"a": [0, 16]}),
    "the header is no object": made([1, 2]),
    "the header is no JSON": made(b"{'a': 1}"),
    "the header is empty": made(b""),
    "the header is UTF-16": made(json.dumps({"a": tensor(0, 16)}).encode("utf-16")),
    "the header is not UTF-8": made(b'{"\xff": 1}'),
    "the header is nested deeply": made(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
    "a number is very long": made(b'{"a": ' + b"9" * 10_000 + b"}"),
    "the metadata are no object": made({"__metadata__": [], "a": tensor(0, 16)}),
    "the metadata are no text": made({"__metadata__": {"a": 1}, "a": tensor(0, 16)}),
    "the metadata are there twice": made(b'{"__metadata__": {"a": "1"}, "__metadata__": {"a": "2"}, "a": %b}' % A),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_header_is_refused(lie: str) -> None:
    refusal(LIES[lie])


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "it ends before its header"),
        (LIES["its length is more than the file"], "it ends within its header"),
        (LIES["its length is huge"], "it claims a header of 9,223,372,036,854,775,808 bytes"),
        (LIES["a name occurs twice"], "its header has a twice"),
        (LIES["the header is nested deeply"], "its header is not JSON"),
        (made({"a": tensor(0, 16, [8], "F16")}), "a has type F16, not F32"),
        (made({"a\x1b[31m\n": tensor(0, 16, [8], "F16")}), "a?[31m? has type F16, not F32"),
    ],
)
def test_it_is_said_what_is_wrong(content: bytes, line: str) -> None:
    assert refusal(content) == line


@QUICK
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["set", "insert", "delete", "repeat"]),
            st.integers(0, len(WHOLE) - 1),
            st.binary(min_size=1, max_size=9),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_damaged_bytes_are_refused_or_whole_tensors(edits: list[tuple[str, int, bytes]]) -> None:
    content = WHOLE
    for how, at, what in edits:
        before, after = content[:at], content[at:]
        content = {
            "set": before + what + after[len(what) :],
            "insert": before + what + after,
            "delete": before + after[len(what) :],
            "repeat": before + after[: len(what)] + after,
        }[how]
    _refused_or_whole(content)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 40)
    | st.floats()
    | st.sampled_from(["F32", "F16", "a", ""])
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
entries = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32"] * 5 + ["F16"]),
        "shape": st.lists(st.integers(0, 4), max_size=2),
        "data_offsets": st.lists(st.integers(-1, 6).map(lambda n: 4 * n), min_size=2, max_size=2),
    },
    optional={"more": json_values},
)
headers = st.dictionaries(st.sampled_from(["a", "b", "c", "__metadata__"]), entries | json_values, max_size=3)


@QUICK
@given(headers | json_values, st.integers(0, 6))
def test_any_header_is_refused_or_whole_tensors(header: object, floats: int) -> None:
    _refused_or_whole(made(header, bytes(4 * floats)))


def _refused_or_whole(content: bytes) -> None:
    try:
        found = tensorfile.decode(content)
    except ValueError as error:
        said = str(error)
    else:
        said = "it was read"
        (length,) = struct.unpack("<Q", content[:8])
        assert all(array.dtype == np.float32 for array in found.values())
        assert sum(array.nbytes for array in found.values()) == len(content) - 8 - length
    assert re.match(ONE_LINE, said)


@QUICK
@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")), max_size=4))
def test_other_metadata_leave_the_tensors_as_they_are(tmp_path_factory: pytest.TempPathFactory, metadata: Any) -> None:
    content = tensorfile.with_metadata(WHOLE, metadata)
    again = load(content)
    assert all(np.array_equal(again[name], array) for name, array in TENSORS.items())
    (length,) = struct.unpack("<Q", content[:8])
    assert length % 8 == 0
    path = tmp_path_factory.getbasetemp() / "metadata.safetensors"
    path.write_bytes(content)
    assert tensorfile.read_metadata(path) == metadata


def test_a_file_larger_than_it_may_be_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.safetensors"
    with path.open("wb") as file:
        file.truncate(2**40)  # sparse: it takes no room, and would take all memory
    with pytest.raises(WeightsError, match="larger than 1,000 bytes"):
        tensorfile.read(path, most_bytes=1000)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.safetensors"
    os.mkfifo(pipe)
    for function in (tensorfile.read, tensorfile.read_metadata):
        with pytest.raises(WeightsError, match="is not a file"):
            function(pipe)


@pytest.mark.parametrize("path", ["/dev/zero", "nothing.safetensors", "."])
def test_what_is_no_file_is_one_line(path: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"is not a file|can't read weights"):
        tensorfile.read(tmp_path / path)


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": 1e999}', '{"a": "\\ud800"}', '{"a": 1, "a": 1}', "[1]", "{", ""])
def test_a_record_is_plain_json(text: str) -> None:
    with pytest.raises(ValueError, match="its record"):
        tensorfile.parse_object(text.encode(), "record")
