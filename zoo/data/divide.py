"""Which images are tested on, where nobody has said so. Pure: the same on every machine."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

ONE_IN = 5
RULE = f"one image in {ONE_IN} of each class, by the sha256 of CLASS/FILE"
RULE_IN_ORDER = f"every {ONE_IN}th image in the stored order"
TRAIN, TEST = "train", "test"
INSTEAD_OF_TEST = ("val", "valid", "validation")


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


def with_test(stored: Mapping[str, int]) -> tuple[dict[str, int], str | None]:
    """The splits of records that TFDS keeps in a fixed order: a validation split stands for a missing test split.
    Where there is none either, a part of the training split does, so that nothing need be read to know it.

    :param stored: number of images by split.
    :return: the same with a test split, and the rule that chose it, if one did.
    """
    splits = dict(stored)
    if TEST in splits:
        return splits, None
    for name in INSTEAD_OF_TEST:
        if name in splits:
            return {TEST if split == name else split: count for split, count in splits.items()}, None
    test = splits.get(TRAIN, 0) // ONE_IN
    if not test:
        return splits, None
    return {TRAIN: splits.pop(TRAIN) - test, TEST: test, **splits}, RULE_IN_ORDER


def stored_name(split: str, stored: Collection[str]) -> str:
    """The name under which TFDS keeps a split that `with_test` gives."""
    if split in stored:
        return split
    return next((name for name in INSTEAD_OF_TEST if name in stored), TRAIN)


def is_tested(index: int) -> bool:
    """Whether the image at that place, from 0, is in the test split by `RULE_IN_ORDER`."""
    return index % ONE_IN == ONE_IN - 1


def _key(name: str) -> bytes:
    return hashlib.sha256(unicodedata.normalize("NFC", name).encode("utf-8", "surrogateescape")).digest()
