"""Which code is measured: a digest of its Python files, since two branches often share one version number."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path


@functools.lru_cache(maxsize=64)
def code_digest(*references: str) -> str:
    """The sha256 of the packages that these names lie in, and of the zoo's own, in 16 digits. Nothing is imported.

    A package that isn't found has no part in it.

    :param references: such as `"package.module:function"`.
    """
    names = {"zoo", *(reference.partition(":")[0].partition(".")[0] for reference in references)}
    found = hashlib.sha256()
    for name in sorted(names):
        for place, file in _files(name):
            found.update(f"{place}\0{file.stat().st_size}\0".encode())
            found.update(file.read_bytes())
    return found.hexdigest()[:16]


def _files(name: str) -> Iterator[tuple[str, Path]]:
    """The Python files of a package or module, each with its place in it, in a fixed order."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return
    if spec is None:
        return
    folders = list(spec.submodule_search_locations or ())
    if not folders and spec.origin and os.path.isfile(spec.origin):
        yield name, Path(spec.origin)
    for folder in folders:
        for file in sorted(Path(folder).rglob("*.py")):
            yield f"{name}/{file.relative_to(folder).as_posix()}", file
