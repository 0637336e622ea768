"""Files that are written whole or not at all, and short ones that are read as far as they are there."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from zoo.errors import UsageError
from zoo.paths import reason, writable_folder


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file that readers see whole or not at all, and that survives a power cut once this returns.

    :raises UsageError: one line, if the folder can't be written to or the disk is full; nothing is left behind.
    """
    writable_folder(path.parent)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = file.name
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        temporary = None
        _sync_folder(path.parent)
    except OSError as error:
        raise UsageError(f"can't write {path}: {reason(error)}") from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def _sync_folder(folder: Path) -> None:
    """Make the new name durable; not every file system lets a folder be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def lines(path: Path) -> list[str]:
    """The lines of a text file; none where it can't be read."""
    try:
        return path.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def first_line(path: Path) -> str:
    """The first line of a text file without blanks around it; empty where it can't be read."""
    return next(iter(lines(path)), "").strip()
