"""The embedded default dataset: scikit-learn's handwritten digits, as a TFDS builder that downloads nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from zoo.data.embedded import EmbeddedBuilder, png

TEST_IMAGES = 600
INK_LEVELS = 16  # scikit-learn's pixels count inked dots, 0 to 16


class Digits(EmbeddedBuilder):
    """1,797 real handwritten digits, 8×8 grey, in a fixed stratified split of 1,197 and 600.

    E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits. UCI Machine Learning Repository, 1998.
    https://doi.org/10.24432/C50P49 (the copy in scikit-learn is the test part of the original).
    """

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> Any:
        return self.dataset_info_from_configs(
            description=self.__doc__,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(8, 8, 1)),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="https://doi.org/10.24432/C50P49",
        )

    def _split_generators(self, _: Any) -> dict[str, Any]:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        digits = load_digits()
        images = np.round(digits.images * (255 / INK_LEVELS)).astype(np.uint8)
        train, test = train_test_split(
            np.arange(len(images)), test_size=TEST_IMAGES, stratify=digits.target, random_state=0
        )
        return {
            "train": self._examples(images, digits.target, np.sort(train)),
            "test": self._examples(images, digits.target, np.sort(test)),
        }

    def _examples(
        self, images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], chosen: np.ndarray[Any, Any]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        for index in chosen:
            yield int(index), {"image": png(images[index]), "label": int(labels[index])}
