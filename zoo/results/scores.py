"""What a Result's predictions say: by class, confusions, and the most confident mistakes. Pure functions of Results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.benchmarking.accuracy import accuracy
from zoo.errors import UsageError
from zoo.plain import Plain
from zoo.record.measures import Accuracy, Quality
from zoo.record.result import Result, unpacked

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassScore(Plain):
    """How one class was recognised.

    Attributes:
        precision: of the images that were given this class, the share that has it; None where none was given it.
        recall: of the images that have this class, the share that was given it; None where none has it.
    """

    name: str
    precision: Accuracy | None
    recall: Accuracy | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistake(Plain):
    """An image that was given a wrong class.

    Attributes:
        index: of the image in the split.
        label, predicted: names of classes.
        confidence: the softmax probability of the class that was given.
    """

    index: int
    label: str
    predicted: str
    confidence: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores(Plain):
    """What the predictions of a Result say.

    Attributes:
        result: its id.
        top1: as in the Result.
        quality: as in the Result.
        classes: in the order of their numbers.
        confusion: numbers of images, a row for each class that they have, a column for each that they were given.
        mistakes: all of them, the most confident first.
    """

    result: str
    top1: Accuracy
    quality: Quality | None
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    mistakes: tuple[Mistake, ...]

    def confused(self, count: int) -> list[tuple[str, str, int]]:
        """The most frequent mistakes: the class, the one that it was taken for, and how many images."""
        pairs = [
            (self.classes[label].name, self.classes[predicted].name, images)
            for label, row in enumerate(self.confusion)
            for predicted, images in enumerate(row)
            if images and label != predicted
        ]
        return sorted(pairs, key=lambda pair: -pair[2])[:count]


def scores(result: Result) -> Scores:
    """Look at the predictions of a Result.

    :raises UsageError: if it has none, or is of a version that did not keep the labels.
    """
    import numpy as np

    found, top1 = result.predictions, result.measures.accuracy
    if found is None or top1 is None:
        why = result.reasons.get("accuracy", "it was not scored")
        raise UsageError(f"{result.id} has no predictions: {why}")
    if found.labels is None or found.confidence is None or found.classes is None:
        raise UsageError(f"{result.id} is of a version that did not keep the labels; measure it again")
    labels, predicted, confidence = (
        _numbers(packed, top1.images, result.id) for packed in (found.labels, found.classes, found.confidence)
    )
    count = max(int(max(labels.max(), predicted.max())) + 1, len(found.class_names or ()))
    names = [*(found.class_names or ()), *map(str, range(len(found.class_names or ()), count))]
    table = np.zeros((count, count), np.int64)
    np.add.at(table, (labels, predicted), 1)
    wrong = np.flatnonzero(labels != predicted)
    wrong = wrong[np.argsort(-confidence[wrong].astype(np.int64), kind="stable")]
    return Scores(
        result=result.id,
        top1=top1,
        quality=result.quality,
        classes=tuple(_class(name, i, table) for i, name in enumerate(names)),
        confusion=tuple(tuple(int(images) for images in row) for row in table),
        mistakes=tuple(
            Mistake(
                index=int(i),
                label=names[labels[i]],
                predicted=names[predicted[i]],
                confidence=float(confidence[i]) / 65535,
            )
            for i in wrong
        ),
    )


def _class(name: str, number: int, table: Array) -> ClassScore:
    right, given, there = int(table[number, number]), int(table[:, number].sum()), int(table[number].sum())
    return ClassScore(
        name=name,
        precision=accuracy(right, given) if given else None,
        recall=accuracy(right, there) if there else None,
    )


def _numbers(packed: str, images: int, name: str) -> Array:
    """One for each image, which is two bytes.

    :raises UsageError: if they are not.
    """
    import numpy as np

    content = unpacked(packed, 2 * images)
    if not content:
        raise UsageError(f"the predictions of {name} are damaged")
    return np.frombuffer(content, "<u2")


def shares(row: Sequence[int]) -> list[float]:
    """A row of the confusion matrix as shares of its images."""
    total = sum(row)
    return [images / total if total else 0.0 for images in row]
