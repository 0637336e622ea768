"""Which code is measured: a digest of its Python files, since two branches often share one version number."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from zoo.references import find, top_package


@functools.lru_cache(maxsize=64)
def code_digest(*references: str) -> str:
    """The sha256 of the packages that these names lie in, and of the zoo's own, in 16 digits. Nothing is imported.

    A package that isn't found has no part in it.

    :param references: such as `"package.module:function"`.
    """
    return files_digest({"zoo", *map(top_package, references)})


def files_digest(packages: set[str]) -> str:
    """The sha256 of the Python files of these packages, in 16 digits."""
    found = hashlib.sha256()
    for name in sorted(packages):
        for place, file in _files(name):
            found.update(f"{place}\0{file.stat().st_size}\0".encode())
            found.update(file.read_bytes())
    return found.hexdigest()[:16]


def _files(package: str) -> Iterator[tuple[str, Path]]:
    """The Python files of a package or module, each with its place in it, in a fixed order."""
    spec = find(package)
    if spec is None:
        return
    folders = list(spec.submodule_search_locations or ())
    if not folders and spec.origin and os.path.isfile(spec.origin):
        yield package, Path(spec.origin)
    for folder in folders:
        for file in sorted(Path(folder).rglob("*.py")):
            yield f"{package}/{file.relative_to(folder).as_posix()}", file
