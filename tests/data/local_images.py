"""A dataset that is downloaded: a real TFDS builder, and the plugin that declares it."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Any

import zoo

SIDE, CLASSES = 6, 3
SPLITS = {"train": 30, "test": 12}
URL_VARIABLE = "LOCAL_IMAGES_URL"


@zoo.hookimpl
def zoo_datasets() -> list[zoo.DatasetSpec]:
    return [
        zoo.DatasetSpec(
            name="local_images",
            summary="random pixels, downloaded from this machine",
            builder="local_images:builder",
            version="1.0.0",
            classes=CLASSES,
            image_shape=(SIDE, SIDE, 3),
            splits=SPLITS,
            download=True,
            digests={"train": "0" * 64},
        )
    ]


def content() -> bytes:
    """The file to download: images and labels by split, in NumPy's format."""
    import numpy as np

    random = np.random.default_rng(0)
    arrays = {}
    for split, count in SPLITS.items():
        arrays[f"{split}_images"] = random.integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)
        arrays[f"{split}_labels"] = np.arange(count) % CLASSES
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def builder(data_dir: Any) -> Any:
    """The builder; made here, so that importing the plugin imports no TFDS."""
    import tensorflow_datasets as tfds

    class LocalImages(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self) -> Any:
            features = {
                "image": tfds.features.Image(shape=(SIDE, SIDE, 3)),
                "label": tfds.features.ClassLabel(names=["red", "green", "blue"]),
            }
            return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

        def _split_generators(self, downloads: Any) -> dict[str, Any]:
            path = downloads.download(os.environ[URL_VARIABLE])
            return {split: self._generate_examples(path, split) for split in SPLITS}

        def _generate_examples(self, path: Any, split: str) -> Iterator[Any]:
            import numpy as np

            with path.open("rb") as file:
                arrays = np.load(file)
                images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
            for i, (image, label) in enumerate(zip(images, labels, strict=True)):
                yield i, {"image": image, "label": int(label)}

    return LocalImages(data_dir=data_dir)
