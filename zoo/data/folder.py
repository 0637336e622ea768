"""A folder of images as a dataset: its classes, and which images are in which split. Nothing is decoded here.

The layout is `SPLIT/CLASS/image.png`, as of `tfds.ImageFolder`, or `CLASS/image.png`.
"""

from __future__ import annotations

import os
import random
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from zoo.data.decode import DamagedError, read_file
from zoo.data.divide import INSTEAD_OF_TEST, RULE, TEST, TRAIN, divide
from zoo.data.folder_tree import SPLITS, Listing, Tree, count, grow
from zoo.errors import DataError, UsageError
from zoo.paths import reason
from zoo.text import printable

CHANNELS = 3  # grey images are read as colour: one dataset has one shape
EXPECTED = "it needs PATH/train/CLASS/*.png (or .jpg, …) and PATH/test/CLASS/… (or val), or PATH/CLASS/*.png"
SKIP = "--skip-damaged leaves such files out"
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """What lies in the folder.

    Attributes:
        classes: names, in Unicode's composed form (NFC), sorted; those that have an image.
        splits: by split, each image's path and its number among the classes, in a fixed order.
        damaged: how many files that end as images do are none, such as FIFOs, and were passed over.
        left_out: how many other files are not used; none that is hidden or the system's.
        divided: the rule that chose the test split, where there is none in the folder.
        notes: what there is to say about the folder, a line each.
    """

    classes: list[str]
    splits: dict[str, list[tuple[str, int]]]
    damaged: int = 0
    left_out: int = 0
    divided: str | None = None
    notes: tuple[str, ...] = field(default=())


def scan(path: Path, *, skip_damaged: bool = False) -> ImageFolder:
    """List the images, in the order in which `tfds.ImageFolder` has them: shuffled, each split always the same.

    Where there is no `test`, `val`, `valid` or `validation` is taken for it. Where there is none of these, a part of
    the images is (`zoo.data.divide`).

    :param skip_damaged: pass over what ends as images do and is no file.
    :raises UsageError: if it is no such folder, or two folders make one class.
    :raises DataError: for a FIFO, a device or a link to nowhere, unless they are to be passed over.
    """
    try:
        tree = grow(path)
    except OSError as error:
        raise UsageError(f"can't read the image folder {path}: {reason(error)}") from None
    damaged = _damaged(tree, skip_damaged)
    folders = {split: _by_class(path / split, found) for split, found in _named(path, tree).items()}
    names = sorted({name for found in folders.values() for name, folder in found.items() if folder.images})
    if not names:
        raise UsageError(f"no images are in {path}: {EXPECTED}")
    number = {name: i for i, name in enumerate(names)}
    splits = {split: _examples(found, number) for split, found in folders.items()}
    splits, divided = _with_test({split: examples for split, examples in splits.items() if examples})
    for split, examples in splits.items():
        random.Random(split).shuffle(examples)  # noqa: S311 - an order, not a secret
    if not divided:
        splits = _test_for_validation(splits)
    left_out, lines = tree.left_out(path)
    notes = [f"left out: {', '.join(lines)}"] if lines else []
    if damaged:
        notes.append(f"left out as damaged: {count(damaged, 'file')} ({os.path.relpath(damaged[0], path)})")
    notes += _empty_classes(folders, splits, names)
    if divided:
        notes.append(f"there is no test split: the zoo tests on {RULE}")
    return ImageFolder(names, splits, len(damaged), left_out, RULE if divided else None, tuple(map(printable, notes)))


def _named(path: Path, tree: Tree) -> dict[str, dict[str, Listing]]:
    """The splits by the names that the zoo has for them, in the order in which they are shown."""
    named: dict[str, dict[str, Listing]] = {}
    for folder, found in tree.splits.items():
        name = SPLITS.get(folder.lower(), folder) if folder else TRAIN
        if name in named:
            raise UsageError(f"{path} has two folders for the split '{name}'; make one of them")
        named[name] = found
    order = [TRAIN, *INSTEAD_OF_TEST, TEST]
    return dict(sorted(named.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order)))


def _by_class(path: Path, found: Mapping[str, Listing]) -> dict[str, Listing]:
    """The class folders by their names in composed form: file systems differ in the form that they keep.

    :raises UsageError: if two are of one name, or a name can't be printed on a line.
    """
    named: dict[str, Listing] = {}
    for folder, files in found.items():
        name = unicodedata.normalize("NFC", folder)
        if not name.isprintable():
            raise UsageError(f"the class folder {folder!a} in {path} has a name that can't be printed; rename it")
        if name in named:
            raise UsageError(
                f"two class folders in {path} are called '{name}', by different code points; make one of them"
            )
        named[name] = files
    return named


def _examples(found: Mapping[str, Listing], number: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(file, number[name]) for name in sorted(found) if name in number for file in sorted(found[name].images)]


def _with_test(splits: dict[str, list[tuple[str, int]]]) -> tuple[dict[str, list[tuple[str, int]]], bool]:
    """The splits, the training split divided where there is nothing to test on, and whether it was."""
    if TRAIN not in splits or any(name in splits for name in (TEST, *INSTEAD_OF_TEST)):
        return splits, False
    images = splits[TRAIN]
    train, test = divide([("/".join(Path(file).parts[-2:]), label) for file, label in images])
    if not test:
        return splits, False
    parts = {TRAIN: [images[i] for i in train], TEST: [images[i] for i in test]}
    return {**parts, **{name: found for name, found in splits.items() if name != TRAIN}}, True


def _test_for_validation(splits: dict[str, list[tuple[str, int]]]) -> dict[str, list[tuple[str, int]]]:
    if TEST not in splits:
        for split in INSTEAD_OF_TEST:
            if split in splits:
                splits[TEST] = splits.pop(split)
                break
    return splits


def _damaged(tree: Tree, skip: bool) -> list[str]:
    """What ends as an image does and is no file.

    :raises DataError: for the first, unless they are to be passed over.
    """
    odd = sorted(file for found in tree.splits.values() for folder in found.values() for file in folder.odd)
    if odd and not skip:
        try:
            read_file(odd[0])
        except DamagedError as error:
            raise DataError(f"can't read {odd[0]}: {error}; {SKIP}") from None
    return odd


def _empty_classes(
    folders: Mapping[str, Mapping[str, Listing]], splits: Mapping[str, list[tuple[str, int]]], names: list[str]
) -> list[str]:
    """Folders of no image, which are no classes, and classes of which a split has none."""
    lines = []
    if empty := sorted({name for found in folders.values() for name in found} - set(names)):
        lines.append(f"no class, for want of images: {_some(empty)}")
    for split in (TRAIN, TEST):
        seen = {label for _, label in splits.get(split, [])}
        if seen and len(seen) < len(names):
            lines.append(f"'{split}' has no images of {_some([n for i, n in enumerate(names) if i not in seen])}")
    return lines


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"
