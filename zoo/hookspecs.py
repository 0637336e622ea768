"""The hooks a plugin can implement: the contract between the zoo and the packages that extend it.

A hook returns specs, plain data; it registers nothing and imports no framework. Arguments are only ever added.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

from zoo.specs import DatasetSpec, ExecutorSpec, ExporterSpec, ModelSpec, Recipe, RuntimeSpec, WeightsSpec

if TYPE_CHECKING:
    from zoo.record.result import Result

PROJECT = "zoo"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def zoo_models() -> Sequence[ModelSpec]:  # type: ignore[empty-body]  # only a signature
    """The models that this plugin brings.

    :return: one spec for each model, in the order in which `zoo list` should show them.
    """


@hookspec
def zoo_datasets() -> Sequence[DatasetSpec]:  # type: ignore[empty-body]  # only a signature
    """The datasets that this plugin brings.

    :return: one spec for each dataset.
    """


@hookspec
def zoo_runtimes() -> Sequence[RuntimeSpec]:  # type: ignore[empty-body]  # only a signature
    """The runtimes that this plugin brings.

    :return: one spec for each runtime.
    """


@hookspec
def zoo_recipes() -> Sequence[Recipe]:  # type: ignore[empty-body]  # only a signature
    """Recipes for models of other plugins: a plugin that brings a dataset can say how to train on it.

    Of two recipes of one name for one model and dataset, the one of the model's own plugin is used. A recipe that names
    the model is used before one whose `model` is a pattern.

    :return: one spec for each recipe, with its `model`.
    """


@hookspec
def zoo_weights() -> Sequence[WeightsSpec]:  # type: ignore[empty-body]  # only a signature
    """Trained weights for models of other plugins.

    :return: one spec for each file, with its `model`.
    """


@hookspec
def zoo_exporters() -> Sequence[ExporterSpec]:  # type: ignore[empty-body]  # only a signature
    """Formats in which this plugin writes Results, for `zoo results export`.

    :return: one spec for each format.
    """


@hookspec
def zoo_executors() -> Sequence[ExecutorSpec]:  # type: ignore[empty-body]  # only a signature
    """Where this plugin can have scenarios measured, other than on this machine.

    :return: one spec for each executor.
    """


@hookspec
def zoo_result_recorded(result: Result) -> None:
    """Called for each Result that this machine has measured and stored, in a separate process with a limit of 30 s.

    The call runs between scenarios, never during a measurement. Imported Results cause no call. If the call raises,
    exits or takes too long, the command prints a warning and goes on. After a call that took too long, the command
    leaves the plugin alone.

    :param result: as it was stored.
    """
