"""What the predictions in a Result say."""

from __future__ import annotations

import base64
import dataclasses
from xml.etree import ElementTree

import pytest
from support import make_result, make_scored, packed

from zoo.errors import UsageError
from zoo.report import scores as report
from zoo.results.scores import scores


def test_classes_confusions_and_mistakes() -> None:
    found = scores(make_scored())
    assert found.confusion == ((1, 2, 0), (0, 1, 1), (0, 0, 1))
    assert [
        (one.name, one.recall and one.recall.value, one.precision and one.precision.value) for one in found.classes
    ] == [
        ("cat", 1 / 3, 1.0),
        ("dog", 0.5, 1 / 3),
        ("<b>", 1.0, 0.5),
    ]
    assert found.confused(9) == [("cat", "dog", 2), ("dog", "<b>", 1)]
    assert [(one.index, one.label, one.predicted) for one in found.mistakes] == [
        (4, "dog", "<b>"),
        (2, "cat", "dog"),
        (1, "cat", "dog"),
    ]
    assert found.mistakes[0].confidence == pytest.approx(0.99, abs=1e-4)


def test_classes_without_names_are_numbers_and_one_without_images_has_no_recall() -> None:
    assert [one.name for one in scores(make_scored(None)).classes] == ["0", "1", "2"]
    spare = scores(make_scored(("a", "b", "c", "d"))).classes[3]
    assert (spare.recall, spare.precision) == (None, None)


def test_the_table_and_the_picture() -> None:
    found = scores(make_scored())
    table = report.table(found, "simple")
    assert "top-1" in table
    assert "33.3 % (6.1–79.2)" in table
    picture = report.confusion(found, "toy & co")
    root = ElementTree.fromstring(picture)
    titles = [node.text for node in root.iter() if node.tag.endswith("title")]
    assert titles == [
        "toy & co",
        "cat taken for cat: 1 of 3",
        "cat taken for dog: 2 of 3",
        "dog taken for dog: 1 of 2",
        "dog taken for <b>: 1 of 2",
        "<b> taken for <b>: 1 of 1",
    ]


def test_a_result_without_predictions() -> None:
    result = dataclasses.replace(make_result(), predictions=None)
    with pytest.raises(UsageError, match=f"{result.id} has no predictions: "):
        scores(result)


@pytest.mark.parametrize("name", ["labels", "confidence", "classes"])
@pytest.mark.parametrize("content", ["", "!", packed([1, 2]), base64.b64encode(b"x").decode(), packed([0] * 1000)])
def test_damaged_predictions(name: str, content: str) -> None:
    result = make_scored()
    assert result.predictions is not None
    damaged = dataclasses.replace(result, predictions=dataclasses.replace(result.predictions, **{name: content}))
    with pytest.raises(UsageError, match=f"the predictions of {result.id} are damaged"):
        scores(damaged)


def test_an_earlier_result_kept_no_labels() -> None:
    result = make_scored()
    assert result.predictions is not None
    earlier = dataclasses.replace(result, predictions=dataclasses.replace(result.predictions, labels=None))
    with pytest.raises(UsageError, match="did not keep the labels; measure it again"):
        scores(earlier)
