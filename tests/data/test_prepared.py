"""Prepared data, read without TensorFlow. That it reads what TensorFlow reads is held by test_load.py."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support import make_prepared

from zoo.data.catalog import find
from zoo.data.decode import pixels
from zoo.data.fit import Fit
from zoo.data.load import batches, load
from zoo.data.prepared import interleaved
from zoo.errors import DataError


def encoded(pixels: Any, encoding: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, encoding, **options)
    return file.getvalue()


GREY = np.arange(12, dtype=np.uint8).reshape(3, 4)
COLOUR = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)


@given(st.lists(st.integers(0, 40), max_size=24), st.integers(1, 17), st.integers(1, 17))
def test_every_record_comes_once_and_in_its_files_order(lengths: list[int], cycle: int, block: int) -> None:
    sources = [[(source, i) for i in range(length)] for source, length in enumerate(lengths)]
    given_ = list(interleaved([iter(source) for source in sources], cycle, block))
    assert sorted(given_) == list(chain.from_iterable(sources))
    for number, source in enumerate(sources):
        assert [item for item in given_ if item[0] == number] == source
    if cycle == 1:
        assert given_ == list(chain.from_iterable(sources))


@pytest.mark.parametrize(
    ("content", "shape", "expected"),
    [
        (encoded(GREY), (3, 4, 1), GREY[..., np.newaxis]),
        (encoded(GREY), (3, 4, 3), np.repeat(GREY[..., np.newaxis], 3, axis=2)),
        (encoded(COLOUR), (3, 4, 3), COLOUR),
        (encoded(COLOUR, "BMP"), (3, 4, 3), COLOUR),
        (encoded(np.dstack([COLOUR, GREY])), (3, 4, 3), COLOUR),
        (encoded(np.dstack([COLOUR, GREY])), (3, 4, 4), np.dstack([COLOUR, GREY])),
        (encoded(GREY > 5), (3, 4, 1), np.where(GREY > 5, 255, 0)[..., np.newaxis]),
        (encoded(COLOUR), (None, None, 3), COLOUR),
    ],
)
def test_images_are_decoded_to_what_is_declared(
    tmp_path: Path, content: bytes, shape: tuple[int | None, ...], expected: np.ndarray[Any, Any]
) -> None:
    dataset = make_prepared(tmp_path, [[(content, 3), (content, 0)]], shape)
    found = load(dataset, "test")
    assert found.images.dtype == np.uint8
    assert found.labels.dtype == np.int64
    assert np.array_equal(found.images, np.stack([expected, expected]))
    assert found.labels.tolist() == [3, 0]


LARGER = encoded(np.zeros((3, 5), np.uint8))
DEEP_VALUES = (np.arange(12, dtype=np.uint16) * 5000).reshape(3, 4)
DEEP = encoded(np.zeros((3, 4), np.uint16))


@pytest.mark.parametrize(
    ("rows", "shape", "changes", "line"),
    [
        ([(b"GIF89a", 0)], (3, 4, 1), {}, "an image can't be decoded"),
        ([(encoded(GREY)[:40], 0)], (3, 4, 1), {}, "an image can't be decoded"),
        ([(encoded(COLOUR), 0)], (3, 4, 1), {}, "an image has colours, and 1 channels are declared"),
        ([(DEEP, 0)], (3, 4, 1), {}, "an image is of Pillow's mode I;16"),
        ([(LARGER, 0)], (3, 4, 1), {}, r"an image is of the shape \(3, 5, 1\), and \(3, 4, 1\) is declared"),
        ([(encoded(GREY), 0), (LARGER, 0)], (None, None, 1), {}, "the images of toys differ in size"),
        ([(encoded(GREY), b"cat")], (3, 4, 1), {}, "a record has no image or no label"),
        ([(encoded(GREY), 0)], (3, 4, 1), {"dtype": "float32"}, "the images of toys are float32"),
        ([(encoded(GREY), 0)], (3, 4, 1), {"fileFormat": "riegeli"}, "its files are in the format riegeli"),
        ([(encoded(GREY), 0)], (3, 4, 1), {"filepathTemplate": "../{SPLIT}"}, "names a file in another folder"),
        ([(encoded(GREY), 0)], (3, 4, 1), {"filepathTemplate": "{SPLIT:>9}"}, "a template of another kind"),
        ([(encoded(GREY), 0)], (3, 4, 1), {"filepathTemplate": "{SPLIT.x}"}, "a template of another kind"),
        ([(encoded(GREY), 0)], (3, 4, 1), {"filepathTemplate": "{SPLIT!r}"}, "a template of another kind"),
        ([(encoded(GREY), 0)], (3, 4, 1), {"filepathTemplate": "{SHARD}"}, "a template of another kind"),
        ([(encoded(GREY), 0)], (3, 4, 1), {"filepathTemplate": "{SPLIT"}, "a template of another kind"),
        ([(encoded(GREY), 0)], (3, 4, 1), {"filepathTemplate": "{SPLIT}" * 99}, "by more than 255 characters"),
        ([(encoded(GREY), 0)], (3, 4, 1), {"shardLengths": ["2"]}, "holds 1 records and should hold 2"),
    ],
)
def test_what_is_not_as_declared_is_one_line(
    tmp_path: Path, rows: Any, shape: tuple[int | None, ...], changes: dict[str, Any], line: str
) -> None:
    dataset = make_prepared(tmp_path, [rows], shape, **changes)
    with pytest.raises(DataError, match=line) as error:
        load(dataset, "test")
    assert "\n" not in str(error.value)


def test_images_of_all_sizes_and_forms_come_to_the_size_wanted(tmp_path: Path) -> None:
    images = [encoded(COLOUR), encoded(np.zeros((30, 20), np.uint8)), encoded(GREY, "GIF"), encoded(DEEP_VALUES)]
    dataset = make_prepared(tmp_path, [[(content, i) for i, content in enumerate(images)]], (None, None, 3))
    fit = Fit(resize="pad", height=6, width=5)
    found = load(dataset.fitted((6, 5, 3), "pad"), "test")
    assert np.array_equal(found.images, np.stack([pixels(content, 3, fit) for content in images]))
    assert found.labels.tolist() == [0, 1, 2, 3]


def test_without_a_size_wanted_images_of_all_sizes_can_be_counted(tmp_path: Path) -> None:
    dataset = make_prepared(tmp_path, [[(encoded(GREY), 0), (LARGER, 1), (LARGER, 2)]], (None, None, 1))
    assert [images.shape for images, _ in batches(dataset, "test")] == [(1, 3, 4, 1), (2, 3, 5, 1)]


@pytest.mark.parametrize("size", [None, 4])
def test_a_training_split_alone_is_divided_in_its_order(tmp_path: Path, size: int | None) -> None:
    shards = [[(encoded(GREY + 10 * shard + i), i) for i in range(6)] for shard in range(2)]
    dataset = make_prepared(tmp_path, shards, (size and 3, size, 1), name="train").fitted((3, 4, 1), "crop")
    assert dataset.splits == {"train": 10, "test": 2}
    assert dataset.notes == ("there is no test split: the zoo tests on every 5th image in the stored order",)
    train, test = load(dataset, "train"), load(dataset, "test")
    whole = np.stack([GREY + 10 * shard + i for shard in range(2) for i in range(6)])[..., np.newaxis]
    assert np.array_equal(test.images, whole[4::5])
    assert np.array_equal(train.images, np.delete(whole, [4, 9], axis=0))
    assert test.labels.tolist() == [4, 3]


def test_a_validation_split_is_the_test_split_where_there_is_no_other(tmp_path: Path) -> None:
    dataset = make_prepared(tmp_path, [[(encoded(GREY), 1)]], (3, 4, 1), name="validation")
    assert dataset.splits == {"test": 1}
    info = json.loads((tmp_path / "toys/1.0.0/dataset_info.json").read_text())
    info["splits"].append({**info["splits"][0], "name": "train"})
    (tmp_path / "toys/1.0.0/dataset_info.json").write_text(json.dumps(info))
    dataset = find("toys", {}, tmp_path)
    assert dataset.splits == {"train": 1, "test": 1}
    assert load(dataset, "test").labels.tolist() == [1]


def test_array_records_are_read_in_their_order(tmp_path: Path) -> None:
    shards = [[(encoded(GREY + 10 * shard + i), i) for i in range(5)] for shard in range(2)]
    whole = load(make_prepared(tmp_path / "a", [list(chain(*shards))], (3, 4, 1)), "test")
    try:
        dataset = make_prepared(tmp_path / "b", shards, (3, 4, 1), fileFormat="array_record")
    except ImportError:
        pytest.skip("array_record is not to be had on this platform")
    assert load(dataset, "test").digest == whole.digest


WITHOUT = """
import sys
from importlib.machinery import PathFinder
class Without:
    def find_spec(self, name, *rest):
        return None if name.split(".")[0] in ("tensorflow", "keras") else PathFinder.find_spec(name, *rest)
sys.meta_path[:] = [Without() if finder is PathFinder else finder for finder in sys.meta_path]
from pathlib import Path
from zoo_shapes import zoo_datasets
from zoo.data.catalog import declared
from zoo.data.decode import pixels
from zoo.data.fit import Fit
from zoo.data.load import batches, load
dataset = declared(zoo_datasets()[0], Path(sys.argv[1]))
print(*(load(dataset, split).digest for split in dataset.splits))
assert "tensorflow_datasets" in sys.modules  # which prepared it
"""


@pytest.mark.real
def test_shapes_are_prepared_and_read_without_tensorflow(tmp_path: Path) -> None:
    from zoo_shapes import zoo_datasets

    environment = {**os.environ, "TFDS_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, tmp_path / "data"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-2:] == list(zoo_datasets()[0].digests.values())
    reading = WITHOUT.replace('("tensorflow", "keras")', '("tensorflow", "keras", "tensorflow_datasets")')
    done = subprocess.run(
        [sys.executable, "-c", reading.rpartition("assert")[0], tmp_path / "data"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-2:] == list(zoo_datasets()[0].digests.values())
