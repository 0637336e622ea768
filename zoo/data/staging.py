"""Datasets are prepared out of sight and moved to their place when they are whole."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from zoo.errors import UsageError
from zoo.paths import reason, writable_folder

PREFIX = ".zoo-preparing-"


@contextlib.contextmanager
def staging(data_dir: Path) -> Iterator[Path]:
    """A fresh hidden folder in the data directory, which is gone at the end, with what is still in it.

    So are those that processes have left which were killed: each is locked by its process as long as that lives.

    :param data_dir: made if need be, and removed again if it stays empty.
    :raises UsageError: if it can't be written to.
    """
    made = _missing(data_dir)
    folder = None
    try:
        writable_folder(data_dir)
        with _locked(data_dir):  # a folder that another process has made and not locked yet would look abandoned
            _sweep(data_dir)
            try:
                folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=data_dir))
            except OSError as error:
                raise UsageError(f"can't write to {data_dir}: {reason(error)}") from None
            lock = _lock(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if lock is not None:
                os.close(lock)
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


def _sweep(data_dir: Path) -> None:
    for left in data_dir.glob(f"{PREFIX}*"):
        lock = _lock(left)
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = _lock(folder, wait=True)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _lock(folder: Path, wait: bool = False) -> int | None:
    """An open descriptor that holds the folder's lock; None if another process has it, or there are no locks here."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
