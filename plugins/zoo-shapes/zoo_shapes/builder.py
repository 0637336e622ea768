"""The dataset as TFDS prepares it."""

from collections.abc import Iterator
from typing import Any

import tensorflow_datasets as tfds

from zoo.data.embedded import EmbeddedBuilder, png
from zoo_shapes.drawing import SHAPES, SIZE, draw

SPLITS = {"train": 4000, "test": 1000}


class Shapes(EmbeddedBuilder):
    """Ten shapes, from the circle to the cross, each in any place, size, turn and pair of colours, with noise.

    Nothing but the shape tells the class. Classes are equally frequent.
    """

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            description=self.__doc__,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(SIZE, SIZE, 3)),
                    "label": tfds.features.ClassLabel(names=list(SHAPES)),
                }
            ),
            supervised_keys=("image", "label"),
        )

    def _split_generators(self, _: Any) -> dict[str, Any]:
        return {split: self._examples(split, count) for split, count in SPLITS.items()}

    def _examples(self, split: str, count: int) -> Iterator[tuple[int, dict[str, Any]]]:
        for number in range(count):
            image, label = draw(split, number)
            yield number, {"image": png(image), "label": label}
