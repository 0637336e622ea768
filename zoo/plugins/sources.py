"""Where the code of a plugin lies, found without running any of it."""

from __future__ import annotations

import importlib.machinery
import os
from collections.abc import Iterator, Sequence

MAX_FILES = 500


def module_file(reference: str, path: Sequence[str]) -> str | None:
    """The file of the module that an entry point names.

    :param path: the folders to look in, as on `sys.path`.
    """
    folders: Sequence[str] | None = path
    file = None
    for part in reference.partition(":")[0].split("."):
        spec = _find(part, folders)
        if spec is None:
            return None
        file, folders = spec.origin, spec.submodule_search_locations
    return file


def files(reference: str, path: Sequence[str]) -> list[str]:
    """The files of a plugin's package, and the folders in it; of a plugin that could not say what it has loaded."""
    spec = _find(reference.partition(":")[0].partition(".")[0], path)
    if spec is None:
        return []
    found = [spec.origin] if spec.origin else []
    for top in spec.submodule_search_locations or ():
        found += _below(top)
    return [os.path.abspath(file) for file in found[:MAX_FILES]]


def _below(top: str) -> Iterator[str]:
    for folder, names, here in os.walk(top):
        names[:] = sorted(name for name in names if name != "__pycache__")
        yield folder
        yield from (os.path.join(folder, name) for name in sorted(here))


def _find(name: str, folders: Sequence[str] | None) -> importlib.machinery.ModuleSpec | None:
    try:
        return importlib.machinery.PathFinder.find_spec(name, folders)
    except (ImportError, ValueError, OSError):
        return None
