"""Temporary folders that go with their owner. A killed process can't remove its own: the next start does.

What supervises a task removes those of a caller that is killed meanwhile: the next start may look in another place.

Each folder holds a file that its owner keeps locked (`flock`). The system frees the lock when the last process that has
the file open ends, however it ends. So a folder whose file can be locked belongs to nobody who lives. A folder without
such a file, or of another user, is never touched.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from zoo.errors import UsageError
from zoo.paths import reason

OWNER = ".zoo-owner"  # the locked file
TASK, RUN, CHECK, PREPARING = "zoo-task-", "zoo-run-", "zoo-check-", ".zoo-preparing-"
OURS = re.compile(f"({'|'.join(map(re.escape, (TASK, RUN, CHECK, PREPARING)))})[a-z0-9_]{{8}}")
ATTEMPTS = 100

_swept: set[str] = set()
_owned_here: dict[Path, None] = {}


@dataclass(frozen=True, slots=True)
class OwnedFolder:
    """A folder that this process has made.

    Attributes:
        path: of the folder.
        descriptor: of the locked file. A child that inherits it owns the folder as well.
    """

    path: Path
    descriptor: int

    def remove(self) -> None:
        """Remove the folder with all that is in it, and give up the lock. Call it once."""
        _owned_here.pop(self.path, None)
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


def make(prefix: str, parent: Path | None = None) -> OwnedFolder:
    """Make a folder, and remove what killed processes have left in the same place.

    :param prefix: one of those above.
    :param parent: by default the system's folder for temporary files.
    :raises UsageError: if it can't be written to.
    """
    place = parent or Path(tempfile.gettempdir())
    try:
        if str(place) not in _swept:
            _swept.add(str(place))
            sweep(place)
        for _ in range(ATTEMPTS):
            owned = _owned(Path(tempfile.mkdtemp(prefix=prefix, dir=place)))
            if owned is not None:
                _owned_here[owned.path] = None
                return owned
    except OSError as error:
        raise UsageError(f"can't write to {place}: {reason(error)}") from None
    raise UsageError(f"can't write to {place}: other processes remove what is made there")


def owned_here() -> list[Path]:
    """The folders that this process owns now."""
    return list(_owned_here)


def sweep(place: Path) -> None:
    """Remove the zoo's folders in a place that no living process owns."""
    with contextlib.suppress(OSError), os.scandir(place) as entries:
        for name in [entry.name for entry in entries]:
            remove_if_left(place / name)


def _owned(folder: Path) -> OwnedFolder | None:
    """Lock a folder that was just made. None if another process took it for abandoned before it was locked."""
    owner = folder / OWNER
    try:
        descriptor = os.open(owner, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileNotFoundError:
        return None
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        if _lock(descriptor) and os.stat(owner).st_ino == os.fstat(descriptor).st_ino:
            return OwnedFolder(folder, descriptor)
    except FileNotFoundError:
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def remove_if_left(folder: Path) -> None:
    """Remove a folder if it is one of the zoo's and this user's, and its lock is free."""
    if not OURS.fullmatch(folder.name):
        return
    with contextlib.suppress(OSError):
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            return
        descriptor = os.open(folder / OWNER, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where it is held, or there are no locks
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a file. False if another process holds it. Where there are no locks, nobody can take it for abandoned."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True
