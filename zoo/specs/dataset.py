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
    """A dataset that a plugin brings.

    Attributes:
        name: unique in the zoo.
        summary: one line.
        builder: `"package.module:Class"`, a `tfds.core.DatasetBuilder`.
        version: of the builder, as it stands in the prepared folder's path.
        classes: number of labels.
        image_shape: (height, width, channels).
        splits: number of images by split; `"train"` and `"test"` are what the zoo uses.
        download: whether the builder downloads. If so, `zoo data fetch` prepares the dataset; else its first use does.
        digests: sha256 by split, as `zoo data verify` prints it and then checks it; a split may be left out.
        licence: SPDX expression.
        source: where the data come from.
    """

    name: str
    summary: str
    builder: str
    version: str
    classes: int
    image_shape: tuple[int, int, int]
    splits: Mapping[str, int]
    download: bool = False
    digests: Mapping[str, str] = field(default_factory=dict)
    licence: str | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        check_text(self.summary, "summary")
        check_match(REFERENCE, self.builder, "builder", '"package.module:Class"')
        check_match(re.compile(r"\d+\.\d+\.\d+"), self.version, "version", '"1.0.0"')
        check(is_count(self.classes), "classes must be a whole number of at least 1")
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
