"""What lies in a folder of images: which of its folders are splits, which are classes, and what is left out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zoo.data.decode import SUFFIXES
from zoo.data.divide import INSTEAD_OF_TEST, TEST, TRAIN

# What people call their splits, in lower case. Any other folder of class folders is a split of its own name.
SPLITS = {"train": TRAIN, "training": TRAIN, "test": TEST, "testing": TEST} | {name: name for name in INSTEAD_OF_TEST}
SYSTEM = ("__macosx", "thumbs.db", "desktop.ini", "icon\r", "@eadir", "$recycle.bin", "system volume information")
MOST_ENDINGS = 5


@dataclass(slots=True)
class Listing:
    """One folder. What the system keeps there, and what is hidden, is in none of these.

    Attributes:
        folders: names.
        images: paths of the files that end as images do.
        odd: paths that end so and are no files: FIFOs, devices, links to nowhere.
        others: names of other files.
    """

    folders: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Tree:
    """The layout of a folder of images.

    Attributes:
        splits: by the name of a split, the folders of its classes by name; one split, `""`, where only classes are.
        outside: images that lie in no class folder, as paths.
        deeper: images in folders within class folders, as paths.
        others: names of files that are no images.
    """

    splits: dict[str, dict[str, Listing]] = field(default_factory=dict)
    outside: list[str] = field(default_factory=list)
    deeper: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def left_out(self, root: Path) -> tuple[int, list[str]]:
        """How many files of whoever made the folder are not used, and lines that say which."""
        lines = []
        for paths, where in ((self.outside, "in no class folder"), (self.deeper, "in a folder within a class folder")):
            if paths:
                lines.append(f"{count(paths, 'image')} {where} ({os.path.relpath(min(paths), root)})")
        if self.others:
            ends = Counter(os.path.splitext(name)[1].lower() or "none" for name in self.others)
            shown = ", ".join(sorted(ends, key=lambda end: (-ends[end], end))[:MOST_ENDINGS])
            lines.append(f"{count(self.others, 'file')} with other endings ({shown})")
        return len(self.outside) + len(self.deeper) + len(self.others), lines


def grow(root: Path) -> Tree:
    """Look through a folder. Folders of class folders are splits, unless only class folders are there.

    :raises OSError: if a folder can't be read.
    """
    top = listing(root)
    below = {name: listing(root / name) for name in top.folders}
    within = {name: {inner: listing(root / name / inner) for inner in below[name].folders} for name in below}
    splits = [name for name, folders in within.items() if any(map(_has_images, folders.values()))]
    classes = [name for name, folder in below.items() if _has_images(folder)]
    tree = Tree(outside=[*top.images, *top.odd], others=[*top.others])
    if classes and not any(name.lower() in SPLITS for name in splits):
        tree.splits[""] = below
        deeper = {root / name / inner: found for name, folders in within.items() for inner, found in folders.items()}
    else:
        tree.splits = {name: within[name] for name in splits}
        for folder in below.values():
            tree.outside += [*folder.images, *folder.odd]
            tree.others += folder.others
        deeper = {
            root / name / inner / deep: listing(root / name / inner / deep)
            for name, folders in within.items()
            for inner, found in folders.items()
            for deep in found.folders
        }
        tree.others += [
            file for name in within if name not in splits for found in within[name].values() for file in found.others
        ]
    for folders in tree.splits.values():
        for folder in folders.values():
            tree.others += folder.others
    for path, found in deeper.items():
        _all_below(path, found, tree)
    return tree


def listing(path: Path) -> Listing:
    """One folder, its names sorted.

    :raises OSError: if it can't be read.
    """
    found = Listing()
    with os.scandir(path) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith(".") or name.lower() in SYSTEM:
                continue
            if _is_folder(entry):
                found.folders.append(name)
            elif not name.lower().endswith(SUFFIXES):
                found.others.append(name)
            elif entry.is_file(follow_symlinks=False) or os.path.isfile(entry.path):
                found.images.append(entry.path)
            else:
                found.odd.append(entry.path)
    found.folders.sort()
    return found


def count(things: Sequence[object], name: str) -> str:
    """Their number with their name: `1 image`, `2 images`."""
    return f"{len(things):,} {name}{'' if len(things) == 1 else 's'}"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    # entry.is_dir() raises at a link that leads to itself
    return entry.is_dir(follow_symlinks=False) or (entry.is_symlink() and os.path.isdir(entry.path))


def _has_images(folder: Listing) -> bool:
    return bool(folder.images or folder.odd)


def _all_below(path: Path, found: Listing, tree: Tree) -> None:
    """Note a folder within a class folder, and all that is below it; links to folders are not followed."""
    tree.deeper += [*found.images, *found.odd]
    tree.others += found.others
    for folder in _real_folders(path, found):
        _all_below(folder, listing(folder), tree)


def _real_folders(path: Path, found: Listing) -> Iterator[Path]:
    return (path / name for name in found.folders if not (path / name).is_symlink())
