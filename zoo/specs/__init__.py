"""What plugins declare: frozen dataclasses of plain data.

A spec names code as `"package.module:function"` and never imports it, so that listing a zoo of a thousand
models imports no framework. Specs travel to the worker process as JSON (`to_json`, `from_json`).
"""

from collections.abc import Mapping
from types import MappingProxyType

from zoo.paths import IMAGE_FOLDER
from zoo.plain import Plain
from zoo.specs.checks import ANY_DATASET, NAME, check_name
from zoo.specs.dataset import DatasetSpec
from zoo.specs.executor import ExecutorSpec
from zoo.specs.exporter import ExporterSpec
from zoo.specs.fetch import FetchSpec, RemoteFile
from zoo.specs.model import ModelSpec, WeightsSpec
from zoo.specs.recipe import RECIPE_CHOICES, Recipe, is_reference
from zoo.specs.runtime import RUNTIME_CHOICES, RuntimeSpec

__all__ = [
    "ANY_DATASET",
    "IMAGE_FOLDER",
    "KINDS",
    "NAME",
    "RECIPE_CHOICES",
    "RUNTIME_CHOICES",
    "DatasetSpec",
    "ExecutorSpec",
    "ExporterSpec",
    "FetchSpec",
    "ModelSpec",
    "Plain",
    "Recipe",
    "RemoteFile",
    "RuntimeSpec",
    "WeightsSpec",
    "check_name",
    "is_reference",
]

# What the hook `zoo_` and this name returns.
KINDS: Mapping[str, type[Plain]] = MappingProxyType(
    {
        "models": ModelSpec,
        "datasets": DatasetSpec,
        "runtimes": RuntimeSpec,
        "recipes": Recipe,
        "weights": WeightsSpec,
        "exporters": ExporterSpec,
        "executors": ExecutorSpec,
    }
)
