"""A prepared dataset in less space comes back the same."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from support import example, make_prepared

from zoo.data import prepared, records

SHAPES = st.tuples(st.integers(0, 5), st.integers(1, 7), st.integers(1, 7), st.integers(1, 4))


@given(SHAPES.flatmap(lambda shape: arrays(np.uint8, shape)))
@settings(deadline=None)
def test_pictures_of_any_shape_come_back(images: np.ndarray[Any, Any]) -> None:
    content = pack.encode(images)
    assert pack.encode(images) == content
    found = pack.decode(content)
    assert found.dtype == np.uint8
    assert found.shape == images.shape
    assert np.array_equal(found, images)


@pytest.mark.parametrize("levels", [1, 2, 256])
def test_extremes_and_several_blocks_come_back(levels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "BLOCK_BYTES", 10 * 12 * 11 * 3)
    steps = np.random.default_rng(0).integers(0, levels, (37, 12, 11, 3))
    images = (steps * 255 // max(1, levels - 1)).astype(np.uint8)
    assert np.array_equal(pack.decode(pack.encode(images)), images)


def test_smooth_pictures_take_less() -> None:
    y, x = np.mgrid[:32, :32]
    shift = np.arange(50)[:, None, None]
    plane = (3 * x + 2 * y + shift) % 256
    images = np.stack([plane, plane, 255 - plane], axis=-1).astype(np.uint8)
    assert len(pack.encode(images)) < images.size / 4


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_what_is_cut_off_is_found(data: st.DataObject) -> None:
    content = pack.encode(np.arange(192, dtype=np.uint8).reshape(1, 8, 8, 3))
    with pytest.raises(ValueError, match="packed pictures are damaged"):
        pack.decode(content[: data.draw(st.integers(0, len(content) - 1))])


def test_what_are_no_pictures_is_refused() -> None:
    with pytest.raises(ValueError, match="uint8 of four axes, and these are int64 of 1"):
        pack.encode(np.arange(3))


def _rows(path: Path) -> list[dict[bytes, bytes | int]]:
    return [records.features(row) for row in records.read(path)]


def _encoded(pixels: np.ndarray[Any, Any]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels).save(file, "BMP")
    return file.getvalue()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_dataset_comes_back_with_its_order_labels_and_other_features(tmp_path: Path, channels: int) -> None:
    images = np.random.default_rng(1).integers(0, 256, (9, 5, 6, channels), np.uint8)
    shards = [[(_encoded(images[i]), i % 3) for i in range(5)], [(_encoded(images[i]), i % 3) for i in range(5, 9)]]
    dataset = make_prepared(tmp_path / "data", shards, (5, 6, channels))
    folder = Path(dataset.folder)
    for path in folder.glob("*.tfrecord*"):  # as cifar10 has it, and something that the zoo does not read
        rows = [{**row, b"id": f"{path.name} {i}".encode(), b"all": [1, 2]} for i, row in enumerate(_rows(path))]
        records.write(path, [example(row) for row in rows])

    pack.pack(folder, tmp_path / "packed")
    again = tmp_path / "again" / "toys" / "1.0.0"
    assert pack.main(["unpack", str(tmp_path / "packed"), str(again)]) == 0

    assert sorted(path.name for path in again.iterdir()) == sorted(path.name for path in folder.iterdir())
    for path in folder.glob("*.tfrecord*"):
        before, after = _rows(path), _rows(again / path.name)
        assert [{**row, b"image": None} for row in after] == [{**row, b"image": None} for row in before]
        raw = next(records.read(again / path.name))
        assert example({b"all": [1, 2]})[4:] in raw
    pairs = [list(prepared.read(one, "test", 4)) for one in (dataset, _moved(dataset, again))]
    for (a, labels), (b, their_labels) in zip(*pairs, strict=True):
        assert np.array_equal(a, b)
        assert np.array_equal(labels, their_labels)


def _moved(dataset: Any, folder: Path) -> Any:
    return type(dataset)(**{**dataset.to_json(), "folder": str(folder)})


def test_pictures_of_several_sizes_are_refused(tmp_path: Path) -> None:
    some = [(_encoded(np.zeros((size, 4, 3), np.uint8)), 0) for size in (4, 5)]
    dataset = make_prepared(tmp_path, [some], (None, None, 3))
    with pytest.raises(ValueError, match="differ in size"):
        pack.pack(Path(dataset.folder), tmp_path / "packed")


def test_what_is_no_packed_dataset_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "packed"
    folder.mkdir()
    (folder / "dataset_info.json").write_text("{}")
    (folder / "a.pack").write_bytes(b"something else")
    assert pack.main(["unpack", str(folder), str(tmp_path / "into")]) == 3
    assert capsys.readouterr().err == "pack: can't put the dataset back: a.pack is no packed file of records\n"


def test_array_record_files_come_back(tmp_path: Path) -> None:
    module = pytest.importorskip("array_record.python.array_record_module", exc_type=ImportError)
    rows = [example({b"image": _encoded(np.full((2, 2, 3), i, np.uint8)), b"label": i}) for i in range(3)]
    folder = tmp_path / "toys"
    shard = prepared.Shard(folder / "a", 3)
    folder.mkdir()
    pack._writer({"fileFormat": "array_record"})(shard.path, rows)
    assert module.ArrayRecordReader(str(shard.path)).num_records() == 3
    assert list(prepared.contents_of(shard, {"fileFormat": "array_record"})) == rows
