"""Which code of others decides a run: the functions that its recipe and its dataset name, by version and digest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from zoo.benchmarking.computing import files_digest
from zoo.data.catalog import Dataset
from zoo.errors import UsageError
from zoo.hookspecs import PROJECT
from zoo.installed import entry_points
from zoo.references import find, top_package
from zoo.specs import Plain, Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Code(Plain):
    """Where a function comes from.

    Attributes:
        distribution, version: that hold it; None where it is not installed.
        sha256: of the Python files of its package, in 16 digits.
    """

    distribution: str | None
    version: str | None
    sha256: str


def code_of(recipe: Recipe, dataset: Dataset) -> dict[str, Code]:
    """The code of others, by reference. Nothing is imported.

    :raises UsageError: for a module that isn't there.
    """
    for field, reference in recipe.references.items():
        if find(reference.partition(":")[0]) is None:
            raise UsageError(
                f"the recipe's {field}, {reference}, is not there: install what has it, or correct its name"
            )
    return {reference: _code(reference) for reference in sorted(_named(recipe, dataset))}


def _named(recipe: Recipe, dataset: Dataset) -> Iterable[str]:
    """Of a dataset of the zoo's own the digests decide, and no change of the zoo is to end a run."""
    arrays = [dataset.arrays] if dataset.arrays and top_package(dataset.arrays) != "zoo" else []
    return {*recipe.references.values(), *arrays}


def _code(reference: str) -> Code:
    package = top_package(reference)
    distribution, version = _holder(package)
    return Code(distribution=distribution, version=version, sha256=files_digest({package}))


def _holder(package: str) -> tuple[str | None, str | None]:
    """The distribution that has a package, and its version: that of a plugin, even where a source tree is installed."""
    for plugin in entry_points(PROJECT):
        if top_package(plugin.reference) == package:
            return plugin.distribution, plugin.version
    from importlib.metadata import packages_distributions, version

    names = packages_distributions().get(package, ())
    return (names[0], version(names[0])) if names else (None, None)
