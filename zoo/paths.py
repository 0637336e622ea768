"""Where the zoo keeps what it makes: the user's data directory, unless told otherwise."""

from __future__ import annotations

import os
from pathlib import Path

from zoo.errors import UsageError
from zoo.index import HOME_VARIABLE

IMAGE_FOLDER = "folder:"  # and its path: a dataset that is a folder of images

DATA_VARIABLE = "ZOO_DATA_DIR"


def home() -> Path:
    """The zoo's own folder: `ZOO_HOME`, else the platform's place for a user's data."""
    if path := os.environ.get(HOME_VARIABLE):
        return Path(path).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("zoo", appauthor=False))


def logs() -> Path:
    """Where what a worker printed is kept if it failed."""
    return home() / "logs"


def trained_weights(model: str, dataset: str) -> Path:
    """Where `zoo train` puts weights and `zoo bench` finds them."""
    name = dataset.replace("/", "@")
    if dataset.startswith(IMAGE_FOLDER):  # a path of any length, with any characters
        import hashlib

        name = f"folder-{hashlib.sha256(dataset.encode()).hexdigest()[:16]}"
    return home() / "weights" / model / f"{name}.safetensors"


def writable_folder(path: Path) -> Path:
    """The folder, made if need be; UsageError in one line if it can't be written to."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not path.is_dir() or not os.access(path, os.W_OK):
            raise PermissionError("permission denied")
    except OSError as error:
        raise UsageError(f"can't write to {path}: {reason(error)}") from None
    return path


def reason(error: OSError) -> str:
    """What went wrong, without the number and the path that `str(error)` adds."""
    return (error.strerror or str(error)).lower()
