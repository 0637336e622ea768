"""Datasets as text."""

from __future__ import annotations

from typing import Any

from zoo.report.datasets import facts, table, verified

FOUND: dict[str, Any] = {
    "name": "toys",
    "version": "1.0.0",
    "folder": "/data/toys/1.0.0",
    "arrays": None,
    "builder": None,
    "prepared": True,
    "classes": 2,
    "class_names": ["duck", "bell\x1b[31m"],
    "image_shape": [None, 32, 3],
    "splits": {"train": 1200, "test": 300},
    "summary": "toys",
    "plugin": "zoo-toys",
    "licence": None,
    "source": None,
    "notes": [],
}


def test_what_is_known_is_a_line_each_and_moves_no_cursor() -> None:
    assert facts(FOUND).splitlines() == [
        "dataset  toys 1.0.0",
        "summary  toys",
        "where    /data/toys/1.0.0",
        "images   train 1,200, test 300",
        "size     ?×32×3",
        "classes  2: duck, bell?[31m",
        "plugin   zoo-toys",
    ]


def test_of_many_classes_the_first_are_named() -> None:
    many = {**FOUND, "classes": 1000, "class_names": [f"class {i}" for i in range(1000)]}
    (line,) = (line for line in facts(many).splitlines() if line.startswith("classes"))
    assert line.startswith("classes  1,000: class 0, class 1, ")
    assert line.endswith("class 19, … and 980 more")


def test_where_a_dataset_is_that_is_not_there_yet() -> None:
    rows = [
        FOUND,
        {**FOUND, "prepared": False, "builder": "a:B"},
        {**FOUND, "prepared": False},
        {**FOUND, "arrays": "a:b"},
    ]
    places = [line.split("?×32×3")[1].strip() for line in table(rows, "simple").splitlines()[2:]]
    assert places == [
        *("/data/toys/1.0.0", "prepared on first use", "to be downloaded: zoo data fetch toys"),
        "comes with zoo-toys",
    ]


def test_what_was_verified_has_eight_places_and_says_what_differs() -> None:
    seen = {"images": 1200, "images_by_class": [500, 700], "unlabelled": 0, "mean": [0.1, 1 / 3], "std": [0.25, 0.5]}
    splits = {
        "train": {**seen, "sha256": "a" * 64, "declared_sha256": "b" * 64},
        "test": {**seen, "images_by_class": [600, 600], "sha256": "c" * 64, "declared_sha256": "c" * 64},
    }
    text = verified({**FOUND, "splits": splits}, "simple")
    train, test = (line for line in text.splitlines() if line.startswith(("train ", "test ")))
    assert train.split()[1:5] == ["1,200", "500", "to", "700"]
    assert train.endswith("0.10000000, 0.33333333  0.25000000, 0.50000000")
    assert test.split()[1:3] == ["1,200", "600"]
    assert f"train: {'a' * 64}, NOT as declared" in text
    assert f"test: {'c' * 64}, as declared" in text
