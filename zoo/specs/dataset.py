"""A dataset."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from zoo.plain import Plain
from zoo.specs.checks import REFERENCE, SHA256, as_tuple, check, check_match, check_name, check_text, is_count


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetSpec(Plain):
    """A dataset that a plugin brings: as arrays that a function returns, or as a builder of TFDS.

    Attributes:
        name: unique in the zoo.
        summary: one line.
        arrays: `"package.module:function"`, called as `function(split: str) -> (images, labels)` in the process that
            reads the dataset. Images are uint8 (count, height, width, channels), labels whole numbers (count,) from 0,
            as NumPy arrays or anything that `numpy.asarray` takes. Give this or `builder`.
        builder: `"package.module:Class"`, a `tfds.core.DatasetBuilder`.
        version: of the data; that of a builder stands in the prepared folder's path.
        classes: number of labels.
        class_names: of a dataset of arrays, in the order of their labels; without them classes are called by their
            numbers. A builder has its own.
        image_shape: (height, width, channels).
        splits: number of images by split; `"train"` and `"test"` are what the zoo uses.
        download: whether the builder downloads. If so, `zoo data fetch` prepares the dataset; else its first use does.
        digests: sha256 by split, as `zoo data verify` prints it and then checks it; a split may be left out. Arrays
            are also checked whenever a whole split is read.
        licence: SPDX expression.
        source: where the data come from.
    """

    name: str
    summary: str
    arrays: str | None = None
    builder: str | None = None
    version: str = "1.0.0"
    classes: int
    class_names: tuple[str, ...] = ()
    image_shape: tuple[int, int, int]
    splits: Mapping[str, int]
    download: bool = False
    digests: Mapping[str, str] = field(default_factory=dict)
    licence: str | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        check_text(self.summary, "summary")
        check((self.arrays is None) != (self.builder is None), "give either arrays or builder")
        if self.arrays is not None:
            check_match(REFERENCE, self.arrays, "arrays", '"package.module:function"')
        else:
            check_match(REFERENCE, self.builder, "builder", '"package.module:Class"')
        check_match(re.compile(r"\d+\.\d+\.\d+"), self.version, "version", '"1.0.0"')
        check(is_count(self.classes), "classes must be a whole number of at least 1")
        object.__setattr__(self, "class_names", self._checked_class_names())
        shape = as_tuple(self.image_shape, "image_shape")
        check(
            len(shape) == 3 and all(is_count(size) for size in shape),
            "image_shape must be (height, width, channels)",
        )
        object.__setattr__(self, "image_shape", shape)
        splits = self.splits
        check(
            isinstance(splits, Mapping)
            and len(splits) > 0
            and all(isinstance(name, str) and is_count(count) for name, count in splits.items()),
            "splits must be a mapping from names to numbers of images",
        )
        object.__setattr__(self, "splits", MappingProxyType(dict(splits)))
        check(isinstance(self.download, bool), "download must be True or False")
        check(not (self.download and self.arrays), "download is for a builder; arrays are made where they are read")
        check(
            isinstance(self.digests, Mapping) and set(self.digests) <= set(splits),
            "digests must be a mapping from names of splits to sha256",
        )
        for digest in self.digests.values():
            check_match(SHA256, digest, "digests", "64 hexadecimal digits")
        object.__setattr__(self, "digests", MappingProxyType(dict(self.digests)))
        for name in ("licence", "source"):
            if getattr(self, name) is not None:
                check_text(getattr(self, name), name)

    def _checked_class_names(self) -> tuple[str, ...]:
        names = self.class_names
        check(isinstance(names, (tuple, list)), "class_names must be a tuple")
        for name in names:
            check_text(name, "class_names")
        check(not names or self.arrays is not None, "class_names are for arrays; a builder has its own")
        check(
            not names or len(set(names)) == len(names) == self.classes,
            "class_names must be as many as classes, and differ",
        )
        return tuple(names)
