"""Where the code of a plugin lies, found without running any of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from zoo.references import find

MAX_FILES = 500


def files(reference: str, path: Sequence[str]) -> list[str]:
    """The files of a plugin's package, and the folders in it; of a plugin that could not say what it has loaded.

    :param reference: its entry point.
    :param path: the folders to look in, as on `sys.path`.
    """
    spec = find(reference.partition(":")[0].partition(".")[0], path)
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
