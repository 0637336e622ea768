"""What a dataset holds, counted over every pixel. Runs in a worker."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zoo.data.catalog import Dataset
from zoo.data.load import Digest, DigestOfAnySizes, batches
from zoo.errors import DataError

LEVELS = 256
NO_LABEL = -1  # TFDS's


def verify(job: Mapping[str, Any], report: Callable[..., None]) -> dict[str, Any]:
    """Read every image of `job["dataset"]`, a batch in memory at a time.

    :return: `image_shape`, and by split: images, images by class, mean, deviation and sha256, and the files that were
        left out because they can't be decoded (`damaged`).
    :raises DataError: if the files are damaged or are not what they declare.
    """
    dataset = Dataset.from_json(job["dataset"])
    total = sum(dataset.splits.values())
    report("step", done=0, total=total)
    splits: dict[str, Any] = {}
    seen = 0
    shapes = set()

    for split in dataset.splits:
        tally = None
        damaged: list[str] = []
        for images, labels in batches(dataset, split, on_damaged=damaged.append if dataset.skip_damaged else None):
            tally = tally or _Tally(dataset, split, images.shape[1:])
            tally.add(images, labels)
            shapes.add(images.shape[1:])
            seen += len(images)
            report("step", done=seen, total=total)
        if tally is None:
            raise DataError(f"the split '{split}' of {dataset.name} is empty")
        splits[split] = tally.facts(damaged)
    sizes = [set(values) for values in zip(*shapes, strict=True)]
    return {"image_shape": [values.pop() if len(values) == 1 else None for values in sizes], "splits": splits}


class _Tally:
    """How often each level of each channel occurs, and each class: from these follow exact means and deviations.

    :param shape: of the first image.
    """

    def __init__(self, dataset: Dataset, split: str, shape: tuple[int, ...]) -> None:
        import numpy as np

        self.what = f"'{split}' of {dataset.name}"
        self.shape = shape
        self.levels = np.zeros((shape[-1], LEVELS), np.int64)
        self.by_class = np.zeros(dataset.classes, np.int64)
        self.unlabelled = 0
        self.alike: Digest | None = Digest((dataset.splits[split], *shape))
        self.of_any = DigestOfAnySizes() if None in dataset.image_shape else None

    def add(self, images: Any, labels: Any) -> None:
        import numpy as np

        if images.shape[1:] != self.shape:
            self.alike = None
        for digest in (self.alike, self.of_any):
            if digest is not None:
                digest.add(images, labels)
        for channel, levels in enumerate(self.levels):
            levels += np.bincount(images[..., channel].ravel(), minlength=LEVELS)
        low, high, classes = labels.min(), labels.max(), len(self.by_class)
        if low < NO_LABEL or high >= classes:
            raise DataError(f"{self.what} has labels from {low} to {high}, and {classes} classes are declared")
        self.unlabelled += int((labels == NO_LABEL).sum())
        self.by_class += np.bincount(labels[labels != NO_LABEL], minlength=classes)

    def facts(self, damaged: Sequence[str]) -> dict[str, Any]:
        digest = self.of_any if damaged or self.alike is None else self.alike
        assert digest is not None  # noqa: S101 - sizes differ, and files are damaged, only where `of_any` is
        moments = [mean_and_deviation(levels.tolist()) for levels in self.levels]
        return {
            "images": int(self.by_class.sum()) + self.unlabelled,
            "images_by_class": self.by_class.tolist(),
            "unlabelled": self.unlabelled,
            "mean": [mean for mean, _ in moments],
            "std": [deviation for _, deviation in moments],
            "sha256": digest.hexdigest(),
            "damaged": sorted(damaged),
        }


def mean_and_deviation(counts: list[int]) -> tuple[float, float]:
    """Mean and population standard deviation of levels, in units of [0, 1]; exact, but for being rounded at the end.

    :param counts: how often each level from 0 up occurs; the last level is 1.
    """
    top = len(counts) - 1
    n = sum(counts)
    first = sum(level * count for level, count in enumerate(counts))
    second = sum(level**2 * count for level, count in enumerate(counts))
    return first / (n * top), math.sqrt(n * second - first**2) / (n * top)
