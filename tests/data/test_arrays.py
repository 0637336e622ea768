"""Datasets of arrays: what a function may return, what is refused and in which words, and the digits."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from zoo.builtin import zoo_datasets
from zoo.data.arrays import WrongArraysError, read
from zoo.data.catalog import Dataset, class_names, find, of_arrays
from zoo.data.load import batches, load
from zoo.data.state import dataset_state
from zoo.errors import DataError
from zoo.installed import Plugin
from zoo.registry import Entry
from zoo.specs import DatasetSpec

IMAGES, LABELS = np.arange(5 * 2 * 3, dtype=np.uint8).reshape(5, 2, 3, 1), np.array([0, 1, 2, 1, 0])
MODULE = ModuleType("test_arrays")
SPEC = DatasetSpec(
    name="dots", summary="dots", arrays="dots:load", classes=3, image_shape=(2, 3, 1), splits={"train": 5, "test": 5}
)
DOTS = dataclasses.replace(
    of_arrays(dataclasses.replace(SPEC, arrays="json:load"), "zoo-dots"), arrays="test_arrays:load"
)


@pytest.fixture(autouse=True)
def this_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """`test_arrays:load` is what a test sets."""
    monkeypatch.setitem(sys.modules, "test_arrays", MODULE)


def returning(monkeypatch: pytest.MonkeyPatch, result: Any) -> Dataset:
    def function(split: str) -> Any:
        assert split == "test"
        return result() if callable(result) else result

    monkeypatch.setattr(MODULE, "load", function, raising=False)
    return DOTS


@pytest.mark.parametrize("labels", [LABELS, LABELS.astype(np.uint8), LABELS.astype(np.int32), LABELS.tolist()])
def test_what_a_function_returns_comes_in_batches(monkeypatch: pytest.MonkeyPatch, labels: Any) -> None:
    dataset = returning(monkeypatch, (IMAGES[:, :, ::-1], labels))
    found = list(read(dataset, "test", 2))
    assert [len(images) for images, _ in found] == [2, 2, 1]
    assert np.array_equal(np.concatenate([images for images, _ in found]), IMAGES[:, :, ::-1])
    assert np.concatenate([some for _, some in found]).tolist() == LABELS.tolist()
    assert all((a.dtype, b.dtype) == (np.uint8, np.int64) for a, b in found)


def _fail() -> None:
    raise ValueError("out of ink\nand paper")


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (IMAGES, "must return (images, labels)"),
        (None, "must return (images, labels)"),
        ((IMAGES, LABELS, LABELS), "must return (images, labels)"),
        ((IMAGES / 255, LABELS), "returns images of type float64; they must be uint8, from 0 to 255"),
        ((IMAGES.astype(np.int64), LABELS), "returns images of type int64; they must be uint8, from 0 to 255"),
        (([[1], [1, 2]], LABELS), "returns what NumPy can't take for an array: ValueError: "),
        ((IMAGES[:4], LABELS), "returns images of the shape (4, 2, 3, 1), and (5, 2, 3, 1) is declared"),
        ((IMAGES[..., 0], LABELS), "returns images of the shape (5, 2, 3), and (5, 2, 3, 1) is declared"),
        ((IMAGES, LABELS / 1), "returns labels of type float64; they must be whole numbers"),
        ((IMAGES, LABELS == 1), "returns labels of type bool; they must be whole numbers"),
        ((IMAGES, np.full(5, np.nan)), "returns labels of type float64; they must be whole numbers"),
        ((IMAGES, LABELS[:4]), "returns labels of the shape (4,); it must be (5,)"),
        ((IMAGES, np.eye(5, dtype=int)), "returns labels of the shape (5, 5); it must be (5,)"),
        ((IMAGES, LABELS + 1), "returns labels from 1 to 3, and 3 classes are declared"),
        ((IMAGES, LABELS - 1), "returns labels from -1 to 1, and 3 classes are declared"),
        (_fail, "failed: ValueError: out of ink"),
        (sys.exit, "failed: SystemExit"),
    ],
)
def test_what_is_wrong_is_a_line_that_names_function_split_and_plugin(
    monkeypatch: pytest.MonkeyPatch, result: Any, words: str
) -> None:
    with pytest.raises(DataError) as error:
        load(returning(monkeypatch, result), "test")
    assert str(error.value).startswith(f"test_arrays:load('test') of zoo-dots {words}")
    assert str(error.value).isprintable()
    assert isinstance(error.value, WrongArraysError) == ("failed" not in words)


def test_a_function_that_is_not_there_is_a_line() -> None:
    with pytest.raises(DataError, match=r"^can't read dots of zoo-dots: test_arrays has no nothing$"):
        load(dataclasses.replace(DOTS, arrays="test_arrays:nothing"), "test")


def test_arrays_that_have_changed_are_not_taken_for_those_that_were_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = returning(monkeypatch, (IMAGES, LABELS))
    digest = load(dataset, "test").digest
    assert load(dataclasses.replace(dataset, digests={"test": digest}), "test").digest == digest
    returning(monkeypatch, (255 - IMAGES, LABELS))
    with pytest.raises(DataError, match=r"^'test' of dots is not what zoo-dots declares: sha256 [0-9a-f]{64}$"):
        load(dataclasses.replace(dataset, digests={"test": digest}), "test")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that can't be imported, with a file of data."""
    (tmp_path / "dots").mkdir()
    (tmp_path / "dots" / "__init__.py").write_text("raise SystemExit(7)\n")
    (tmp_path / "dots" / "dots.npz").write_bytes(b"1")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / "dots"


def test_it_is_found_without_an_import_and_lies_in_its_package(package: Path) -> None:
    known = {"dots": Entry(SPEC, Plugin("dots", "zoo-dots", "1.0", "dots"))}
    found = find("dots", known)
    assert (found.folder, found.plugin, found.is_prepared, found.is_folder) == (str(package), "zoo-dots", True, False)
    assert Dataset.from_json(found.to_json()) == found
    assert class_names(found) == ["0", "1", "2"]
    named = dataclasses.replace(SPEC, class_names=("ant", "bee", "cat"))
    assert class_names(of_arrays(named, "zoo-dots")) == ["ant", "bee", "cat"]


@pytest.mark.parametrize("change", ["__init__.py", "dots.npz", "more.npy"])
def test_its_state_changes_with_code_and_data(package: Path, change: str) -> None:
    before = dataset_state(of_arrays(SPEC, "zoo-dots").folder)
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "dots.pyc").write_bytes(b"")
    assert dataset_state(str(package)) == before is not None
    (package / change).write_text("other")
    assert dataset_state(str(package)) != before


def test_a_module_of_one_file_has_a_state_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dots.py").write_text("1")
    monkeypatch.syspath_prepend(str(tmp_path))
    dataset = of_arrays(SPEC, "zoo-dots")
    assert dataset.folder == str(tmp_path / "dots.py")
    before = dataset_state(dataset.folder)
    assert before is not None
    (tmp_path / "dots.py").write_text("22")
    assert dataset_state(dataset.folder) != before


def test_a_package_that_is_not_there_is_a_line() -> None:
    with pytest.raises(DataError, match=r"^the dataset dots of zoo-dots names nowhere:load, and there is no package"):
        of_arrays(dataclasses.replace(SPEC, arrays="nowhere:load"), "zoo-dots")


@pytest.mark.real
def test_the_digits_are_scikit_learns_in_its_own_stratified_split() -> None:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    (spec,) = zoo_datasets()
    digits, theirs = of_arrays(spec, "zoobench"), load_digits()
    indices = train_test_split(np.arange(1797), test_size=600, stratify=theirs.target, random_state=0)
    for split, chosen in zip(("train", "test"), indices, strict=True):
        ((images, labels),) = batches(digits, split, 2000)
        assert load(digits, split).digest == spec.digests[split]
        pixels = np.round(theirs.images[chosen] / 16 * 255).astype(np.uint8)
        expected = sorted(
            (image.tobytes(), int(label)) for image, label in zip(pixels, theirs.target[chosen], strict=True)
        )
        assert sorted((image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True)) == expected
