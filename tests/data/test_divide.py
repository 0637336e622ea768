"""Images divided into two splits, by their names alone."""

from __future__ import annotations

import random
import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.divide import RULE_IN_ORDER, divide, is_tested, stored_name, with_test

names = st.lists(st.tuples(st.text(max_size=5), st.integers(0, 3)), unique_by=lambda example: example[0])


@given(names, st.randoms(use_true_random=False))
def test_the_order_of_the_names_changes_nothing(examples: list[tuple[str, int]], shuffle: random.Random) -> None:
    examples = [(unicodedata.normalize("NFC", name) + str(i), label) for i, (name, label) in enumerate(examples)]
    chosen = {examples[i] for i in divide(examples)[1]}
    shuffle.shuffle(examples)
    assert {examples[i] for i in divide(examples)[1]} == chosen


@given(st.lists(st.integers(0, 60), max_size=5))
def test_every_image_is_in_one_part_and_every_class_in_both(counts: list[int]) -> None:
    examples = [(f"{label}/{i}", label) for label, count in enumerate(counts) for i in range(count)]
    train, test = divide(examples)
    assert sorted(train + test) == list(range(len(examples)))
    tested = Counter(examples[i][1] for i in test)
    for label, count in enumerate(counts):
        assert tested[label] == (0 if count < 2 else max(1, count // 5))


def test_the_parts_are_the_same_everywhere() -> None:
    examples = [(f"cat/{i}.png", 0) for i in range(10)]
    assert divide(examples)[1] == [0, 8]
    composed, apart = ([(unicodedata.normalize(form, f"é/{i}"), 0) for i in range(20)] for form in ("NFC", "NFD"))
    assert composed != apart
    assert divide(composed) == divide(apart)


@pytest.mark.parametrize(
    ("stored", "splits", "rule"),
    [
        ({"train": 10, "test": 4}, {"train": 10, "test": 4}, None),
        ({"train": 10, "validation": 4}, {"train": 10, "test": 4}, None),
        ({"train": 10, "validation": 3, "test": 4}, {"train": 10, "validation": 3, "test": 4}, None),
        ({"train": 11}, {"train": 9, "test": 2}, RULE_IN_ORDER),
        ({"train": 11, "extra": 7}, {"train": 9, "test": 2, "extra": 7}, RULE_IN_ORDER),
        ({"train": 4}, {"train": 4}, None),
        ({"test": 4}, {"test": 4}, None),
        ({"validation": 4}, {"test": 4}, None),
    ],
)
def test_what_stands_for_a_test_split(stored: dict[str, int], splits: dict[str, int], rule: str | None) -> None:
    assert with_test(stored) == (splits, rule)
    assert list(with_test(stored)[0]) == list(splits)
    assert all(stored_name(split, stored) in stored for split in splits)


@given(st.integers(0, 1000))
def test_as_many_are_tested_on_as_are_declared(count: int) -> None:
    splits, rule = with_test({"train": count})
    assert rule is None or sum(map(is_tested, range(count))) == splits["test"]
