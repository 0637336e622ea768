"""The digits as TFDS prepares them, called `letters`: for tests of what is prepared on first use, streamed or damaged.

As a script it prepares them in the folder that it is given.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from zoo.data.catalog import declared
from zoo.data.digits import arrays
from zoo.data.embedded import EmbeddedBuilder, png
from zoo.data.load import ensure_prepared
from zoo.specs import DatasetSpec

SPLITS = {"train": 1197, "test": 600}
LETTERS = DatasetSpec(
    name="letters",
    summary="the digits, by another name",
    builder="letters:Letters",
    classes=10,
    image_shape=(8, 8, 1),
    splits=SPLITS,
)


class Letters(EmbeddedBuilder, skip_registration=True):
    """The digits."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> Any:
        image, label = tfds.features.Image(shape=(8, 8, 1)), tfds.features.ClassLabel(num_classes=10)
        features = tfds.features.FeaturesDict({"image": image, "label": label})
        return tfds.core.DatasetInfo(builder=self, features=features)

    def _split_generators(self, _: Any) -> dict[str, Any]:
        return {split: self._examples(split) for split in SPLITS}

    def _examples(self, split: str) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, (image, label) in enumerate(zip(*arrays(split), strict=True)):
            yield number, {"image": png(image[..., 0]), "label": int(label)}


if __name__ == "__main__":
    ensure_prepared(declared(LETTERS, Path(sys.argv[1])))
