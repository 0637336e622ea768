"""Classes of weights and of a dataset, by name."""

from __future__ import annotations

import pytest

from zoo.data.class_names import match, shown_names, trained_names


@pytest.mark.parametrize(
    ("trained", "scored"),
    [(None, None), (None, ["a"]), (["a"], None), (["a", "b"], ["a", "b"]), (["a", "a"], ["a", "a"])],
)
def test_the_same_names_or_none_at_all_are_scored_as_they_are(
    trained: list[str] | None, scored: list[str] | None
) -> None:
    found = match(trained, scored)
    assert (found.refused, found.order, found.note()) == (None, None, None)


def test_another_order_is_matched_by_name_and_said() -> None:
    trained, scored = ["cat", "dog", "emu"], ["dog", "emu", "cat"]
    found = match(trained, scored)
    assert found.refused is None
    assert found.order is not None
    assert [scored[number] for number in found.order] == trained
    assert "another order" in str(found.note())


@pytest.mark.parametrize(
    ("trained", "scored", "words"),
    [
        (["cat", "dog"], ["dog", "zebra"], "they have 'cat', and the dataset has 'zebra'"),
        (["cat", "dog", "emu"], ["cat", "dog"], "they have 'emu', and the dataset has no others"),
        (["a", "a", "b"], ["a", "b", "b"], "trained on other classes"),
        (["a\x1b"], ["b"], "they have 'a?'"),
    ],
)
def test_other_names_are_refused_in_a_line(trained: list[str], scored: list[str], words: str) -> None:
    refused = match(trained, scored).refused
    assert refused is not None
    assert words in refused
    assert refused.isprintable()


@pytest.mark.parametrize("dataset", [None, "x", {}, {"class_names": "ab"}, {"class_names": [1]}])
def test_a_record_without_names_has_none(dataset: object) -> None:
    assert trained_names({"dataset": dataset}) is None


def test_the_names_of_a_record() -> None:
    assert trained_names({"dataset": {"class_names": ["a", "b"]}}) == ["a", "b"]


@pytest.mark.parametrize(
    ("dataset", "shown"),
    [
        ({"class_names": ["n01", "n02"], "class_titles": ["crane", "crane"]}, ["crane (n01)", "crane (n02)"]),
        ({"class_names": ["n01", "n02"], "class_titles": ["crane"]}, ["n01", "n02"]),
        ({"class_names": ["n01", "n02"], "class_titles": [1, 2]}, ["n01", "n02"]),
        ({"class_names": ["cat", "dog"]}, ["cat", "dog"]),
        ({"class_titles": ["cat"]}, None),
    ],
)
def test_ids_are_shown_with_their_titles(dataset: object, shown: list[str] | None) -> None:
    assert shown_names({"dataset": dataset}) == shown
