"""Code named by `"package.module:name"`: found without being run, and imported where it is needed."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

from zoo.errors import ModelError


def find(module: str, path: Sequence[str] | None = None) -> ModuleSpec | None:
    """Where a module lies, or None. Neither its code nor that of the packages around it is run.

    `importlib.util.find_spec("package.module")` imports the package.

    :param path: the folders to look in, as on `sys.path`; by default wherever this process imports from.
    """
    top, *below = module.split(".")
    try:
        found = importlib.util.find_spec(top) if path is None else PathFinder.find_spec(top, path)
        for name in below:
            inside = found.submodule_search_locations if found else None
            found = PathFinder.find_spec(name, [*inside]) if inside else None
    except (ImportError, AttributeError, KeyError, ValueError, OSError):
        return None
    return found


def below(folders: Iterable[str]) -> Iterator[str]:
    """The folders, and all files and folders in them, without what Python has compiled."""
    for top in folders:
        for folder, names, here in os.walk(top):
            names[:] = sorted(name for name in names if name != "__pycache__")
            yield folder
            yield from (os.path.join(folder, name) for name in sorted(here))


def top_package(reference: str) -> str:
    """The package or module at the top of `"package.module:name"`."""
    return reference.partition(":")[0].partition(".")[0]


def resolve(reference: str) -> Callable[..., Any]:
    """The object that `"package.module:name"` names, imported now.

    :raises ModelError: if the module can't be imported or has no such name.
    """
    module_name, _, name = reference.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ModelError(f"can't import {reference}: {error}") from error
    try:
        return getattr(module, name)  # type: ignore[no-any-return]  # its caller calls it
    except AttributeError:
        raise ModelError(f"{module_name} has no {name}") from None
