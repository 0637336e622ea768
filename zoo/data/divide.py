"""Divide images into those to train on and those to test on, where nobody else has. Pure: the same on every machine."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

ONE_IN = 5
RULE = f"one image in {ONE_IN} of each class, by the sha256 of CLASS/FILE"


def divide(examples: Sequence[tuple[str, int]]) -> tuple[list[int], list[int]]:
    """Choose a fifth of every class for the test split, rounded down, and at least one image of a class of two.

    The choice depends on names alone. They are compared after Unicode normalisation, which file systems do differently.

    :param examples: the name of each image, `CLASS/FILE`, and the number of its class.
    :return: the indices of the training images and of the test images, ascending.
    """
    by_class: dict[int, list[int]] = defaultdict(list)
    for index, (_, label) in enumerate(examples):
        by_class[label].append(index)
    test: set[int] = set()
    for members in by_class.values():
        members.sort(key=lambda index: _key(examples[index][0]))
        count = max(len(members) // ONE_IN, 1 if len(members) > 1 else 0)
        test.update(members[:count])
    return [i for i in range(len(examples)) if i not in test], sorted(test)


def _key(name: str) -> bytes:
    return hashlib.sha256(unicodedata.normalize("NFC", name).encode("utf-8", "surrogateescape")).digest()
