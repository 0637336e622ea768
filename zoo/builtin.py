"""What the core itself brings, as a plugin like any other: a dataset and a runtime, and no model."""

from __future__ import annotations

from zoo.hookspecs import hookimpl
from zoo.specs import DatasetSpec, RuntimeSpec


@hookimpl
def zoo_datasets() -> list[DatasetSpec]:
    return [
        DatasetSpec(
            name="digits",
            summary="1,797 handwritten digits, 8×8 grey: scikit-learn's, no download",
            builder="zoo.data.digits:Digits",
            version="1.0.0",
            classes=10,
            image_shape=(8, 8, 1),
            splits={"train": 1197, "test": 600},
            digests={
                "train": "0ee6c31a45964a8e4483c03864b45122bcda24e07a9a92d3bd25623cdca3f337",
                "test": "e18f68bf48473c7d8594977d1698a43c0c32a1094215cfc22152d6565f5064e4",
            },
            licence="CC-BY-4.0",
            source="E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits, UCI, 1998",
        )
    ]


@hookimpl
def zoo_runtimes() -> list[RuntimeSpec]:
    return [
        RuntimeSpec(
            name="tensorflow",
            summary="TensorFlow graph function (tf.function), static batch",
            runtime="zoo.runtimes.tensorflow:TensorFlow",
            keras_backend="tensorflow",
            devices=("cpu", "gpu"),
            requires=("tensorflow",),
            install="pip install 'zoobench[tensorflow]'",
        )
    ]
