"""Files of records against the format's own test vectors, and against damage."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import example

from zoo.data import records

# tensorflow/core/lib/io/record_reader_writer_test and RFC 3720, B.4: the sum of 32 zero bytes is 0x8a9136aa.
ZEROS = bytes(32)
ZEROS_MASKED = ((0x8A9136AA >> 15 | 0x8A9136AA << 17) + 0xA282EAD8) & 0xFFFFFFFF

FEATURES = {b"image": b"\x89PNG", b"label": 7, b"id": b"a"}


def test_the_sum_is_the_formats_own(tmp_path: Path) -> None:
    records.write(tmp_path / "a", [ZEROS])
    content = (tmp_path / "a").read_bytes()
    assert content[:8] == (32).to_bytes(8, "little")
    assert content[12:-4] == ZEROS
    assert content[-4:] == ZEROS_MASKED.to_bytes(4, "little")


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, written: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("records") / "a"
    records.write(path, written)
    assert list(records.read(path)) == written


@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=4), st.data())
def test_every_flipped_bit_and_every_cut_is_found(
    tmp_path_factory: pytest.TempPathFactory, written: list[bytes], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("records") / "a"
    records.write(path, written)
    content = bytearray(path.read_bytes())
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"^a is (damaged|cut off)"):
        list(records.read(path))
    content[bit // 8] ^= 1 << bit % 8
    whole = [0]
    for record in written:
        whole.append(whole[-1] + len(record) + 16)
    cut = data.draw(st.integers(0, len(content) - 1).filter(lambda size: size not in whole))
    path.write_bytes(content[:cut])
    with pytest.raises(ValueError, match=r"^a is cut off"):
        list(records.read(path))


def test_a_length_that_lies_costs_no_memory(tmp_path: Path) -> None:
    records.write(tmp_path / "a", [b""])
    length = (2**60).to_bytes(8, "little")
    (tmp_path / "a").write_bytes(length + records._checksum(length) + b"some")
    with pytest.raises(ValueError, match="cut off"):
        list(records.read(tmp_path / "a"))


def test_features_are_found_by_name() -> None:
    assert records.features(example(FEATURES)) == FEATURES
    assert records.features(example({b"label": -1})) == {b"label": -1}
    assert records.features(example({b"labels": [1, 2], b"none": []})) == {}
    assert records.features(b"") == {}


@pytest.mark.parametrize("record", [b"\xff", b"\x0a\xff", example(FEATURES)[:-3]])
def test_what_is_no_example_is_said(record: bytes) -> None:
    with pytest.raises(ValueError, match=r"^a record is no tf\.train\.Example"):
        records.features(record)


def test_a_feature_is_taken_out_and_put_back() -> None:
    record = example(FEATURES)
    value, rest = records.take(record, b"image")
    assert value == b"\x89PNG"
    assert records.features(rest) == {**FEATURES, b"image": b""}
    assert records.features(records.put(rest, b"image", b"other")) == {**FEATURES, b"image": b"other"}


def test_a_feature_that_the_zoo_does_not_read_stays() -> None:
    floats = b"\x0a\x0a\x0a\x01w\x12\x05\x12\x03\x0a\x01f"  # a pair of "w" and a list that is no bytes and no numbers
    record = example({b"image": b"a"})
    whole = b"\x0a" + bytes([record[1] + len(floats)]) + record[2:] + floats
    value, rest = records.take(whole, b"image")
    assert value == b"a"
    assert floats[2:] in rest
    assert floats[2:] in records.put(rest, b"image", b"b")


@pytest.mark.parametrize("name", [b"label", b"none", b"missing"])
def test_only_one_byte_string_can_be_taken_out(name: bytes) -> None:
    with pytest.raises(ValueError, match="has no feature"):
        records.take(example({b"label": 7, b"none": []}), name)
