"""The builders of the datasets, made by name; written without TensorFlow."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from zoo.data.embedded import RecordWriter


@functools.cache
def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    fault = name.replace("_", "-")
    own = {"name": "other" if fault == "dataset-fails-name" else name, "fault": fault, "__module__": __name__}
    return type("Builder", (Builder,), own, skip_registration=True)


class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Two by two pixels, dark or light."""

    VERSION = tfds.core.Version("1.0.0")
    fault = ""

    def _info(self) -> Any:
        features = {"image": tfds.features.Image(shape=(2, 2, 1)), "label": tfds.features.ClassLabel(num_classes=2)}
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, _: Any) -> dict[str, Any]:
        if self.fault == "dataset-fails":
            raise RuntimeError("the server is on holiday")
        splits = ("train",) if self.fault == "dataset-wrong-split" else ("train", "test")
        return {split: self._generate_examples() for split in splits}

    def _generate_examples(self) -> Any:
        draw = np.random.default_rng(None if self.fault == "dataset-digest-random" else 0)
        for number in range(40):
            label = 0 if self.fault == "dataset-wrong-empty" else number % 2
            yield number, {"image": draw.integers(0, 100, (2, 2, 1), np.uint8) + np.uint8(100 * label), "label": label}

    def _example_writer(self) -> Any:
        return RecordWriter(self.info.file_format)
