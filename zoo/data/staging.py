"""Datasets are prepared out of sight and moved to their place when they are whole."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from zoo.errors import UsageError
from zoo.executors import folders
from zoo.paths import reason, writable_folder


@contextlib.contextmanager
def staging(data_dir: Path) -> Iterator[Path]:
    """A fresh hidden folder in the data directory, which is gone at the end, with what is still in it.

    So are those that killed processes have left (`zoo.executors.folders`).

    :param data_dir: made if need be, and removed again if it stays empty.
    :raises UsageError: if it can't be written to.
    """
    made = _missing(data_dir)
    try:
        with folders.make(folders.PREPARING, writable_folder(data_dir)) as owned:
            yield owned.path
    finally:
        with contextlib.suppress(OSError):
            for path in made:
                path.rmdir()


def publish(made: Path, place: Path) -> None:
    """Move a finished folder to its place. One that another process has put there meanwhile stays.

    :raises UsageError: if something else is there.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        made.rename(place)
    except OSError as error:
        if not (place / "dataset_info.json").is_file():
            raise UsageError(f"can't write {place}: {reason(error)}") from None


def _missing(folder: Path) -> list[Path]:
    """The folders on the way to it, and itself, that are not there, the deepest first."""
    return [path for path in (folder, *folder.parents) if not path.exists()]
