"""What the core itself brings, as a plugin like any other: a dataset, runtimes and formats, and no model."""

from __future__ import annotations

from typing import Any

from zoo.hookspecs import hookimpl
from zoo.specs import DatasetSpec, ExporterSpec, RuntimeSpec

ON_TENSORFLOW: dict[str, Any] = {
    "keras_backend": "tensorflow",
    "devices": ("cpu", "gpu"),
    "requires": ("tensorflow",),
    "install": "pip install 'zoobench[tensorflow]'",
}
ON_TORCH: dict[str, Any] = {
    "keras_backend": "torch",
    "devices": ("cpu", "gpu"),
    "requires": ("torch",),
    "install": "pip install 'zoobench[torch]'",
}


@hookimpl
def zoo_datasets() -> list[DatasetSpec]:
    return [
        DatasetSpec(
            name="digits",
            summary="1,797 handwritten digits, 8×8 grey: scikit-learn's, no download",
            arrays="zoo.data.digits:arrays",
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
            summary="TensorFlow graph function, static batch",
            runtime="zoo.runtimes.tensorflow:TensorFlow",
            precisions=("float32", "tf32", "bfloat16", "float16"),
            **ON_TENSORFLOW,
        ),
        RuntimeSpec(
            name="tensorflow-xla",
            summary="the same, compiled by XLA, weights constant",
            runtime="zoo.runtimes.tensorflow:TensorFlowXLA",
            precisions=("float32", "tf32", "bfloat16", "float16"),
            **ON_TENSORFLOW,
        ),
        RuntimeSpec(
            name="jax",
            summary="jax.jit, weights constant",
            runtime="zoo.runtimes.jax:Jax",
            keras_backend="jax",
            devices=("cpu", "gpu"),
            precisions=("float32", "tf32", "bfloat16", "float16"),
            requires=("jax", "jaxlib"),
            install="pip install 'zoobench[jax]'",
        ),
        RuntimeSpec(
            name="torch",
            summary="PyTorch, an operation at a time, channels last",
            runtime="zoo.runtimes.torch:Torch",
            precisions=("float32", "tf32", "bfloat16", "float16"),
            **ON_TORCH,
        ),
        RuntimeSpec(
            name="torch-compile",
            summary="the same, compiled by Inductor, weights constant",
            runtime="zoo.runtimes.torch:TorchCompile",
            precisions=("float32", "tf32", "bfloat16", "float16"),
            **ON_TORCH,
        ),
        RuntimeSpec(
            name="torch-cuda-graph",
            summary="the operations of torch as one CUDA graph",
            runtime="zoo.runtimes.torch_cuda_graph:TorchCudaGraph",
            precisions=("float32", "tf32", "bfloat16", "float16"),
            **{**ON_TORCH, "devices": ("gpu",)},
        ),
        RuntimeSpec(
            name="keras-predict",
            summary="model.predict(images), as many write it, on TensorFlow",
            runtime="zoo.runtimes.keras:Predict",
            **ON_TENSORFLOW,
        ),
        RuntimeSpec(
            name="keras-call",
            summary="model(images), as many write it, on TensorFlow",
            runtime="zoo.runtimes.keras:Call",
            **ON_TENSORFLOW,
        ),
        RuntimeSpec(
            name="keras-function",
            summary="tf.function(model)(images), as many write it",
            runtime="zoo.runtimes.keras:Function",
            **ON_TENSORFLOW,
        ),
    ]


@hookimpl
def zoo_exporters() -> list[ExporterSpec]:
    return [
        ExporterSpec(
            name="jsonl",
            summary="JSON Lines: all of each Result, which 'zoo results import' reads back",
            write="zoo.results.export:jsonl",
            suffix=".jsonl",
        ),
        ExporterSpec(
            name="csv",
            summary="a row for each Result, for spreadsheets",
            write="zoo.results.export:csv_table",
            suffix=".csv",
        ),
        ExporterSpec(
            name="pytest-benchmark",
            summary="what pytest-benchmark writes and its 'compare' reads",
            write="zoo.results.export:pytest_benchmark",
            suffix=".json",
        ),
    ]
