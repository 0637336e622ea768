"""The hooks a plugin can implement: the contract between the zoo and the packages that extend it.

A hook returns specs, plain data; it registers nothing and imports no framework. Arguments are only ever added.
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from zoo.specs import DatasetSpec, ModelSpec, RuntimeSpec

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
