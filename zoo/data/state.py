"""Whether a dataset's files are as they were: by their state, without reading them."""

from __future__ import annotations

import hashlib
import os

from zoo.index import state


def dataset_state(folder: str) -> str | None:
    """A digest of the names, sizes, numbers and times of change of the files below a folder, or of one file.

    It says no more than that they are the same files on this machine: a copy has another. To read the images takes
    seconds, and this takes milliseconds. `zoo data verify` has the digest of the images themselves.

    The folder of a dataset of arrays is the package that makes them: its code and whatever data it carries. What Python
    has compiled has no part in it.

    :return: 16 hexadecimal digits; None if the folder isn't there.
    """
    if os.path.isfile(folder):
        return hashlib.sha256(state(folder).encode()).hexdigest()[:16]
    if not os.path.isdir(folder):
        return None
    digest = hashlib.sha256()
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            path = os.path.join(top, name)
            digest.update(f"{os.path.relpath(path, folder)}\0{state(path)}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]
