"""Standard output is for data: what a plugin writes there while it is loaded goes to standard error."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Collection, Iterator
from importlib.machinery import EXTENSION_SUFFIXES

STDOUT, STDERR = 1, 2


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Send on what the block prints, writes to the file descriptor, has C's library print or a process that it starts.

    Where a process has no such file descriptors, this goes for what it prints alone.
    """
    before = set(sys.modules)
    _flush(())
    with _descriptor_to_stderr():
        try:
            with contextlib.redirect_stdout(sys.stderr):
                yield
        finally:
            _flush(sys.modules.keys() - before)


@contextlib.contextmanager
def _descriptor_to_stderr() -> Iterator[None]:
    try:
        kept = os.dup(STDOUT)
    except OSError:  # there is none
        yield
        return
    try:
        with contextlib.suppress(OSError):
            os.dup2(STDERR, STDOUT)
        yield
    finally:
        os.dup2(kept, STDOUT)
        os.close(kept)


def _flush(new: Collection[str]) -> None:
    """Write what is buffered to where it was to go when it was written.

    :param new: the modules that were imported meanwhile.
    """
    for stream in (sys.stdout, sys.__stdout__):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # there may be none, or a closed one
            stream.flush()  # type: ignore[union-attr]
    if _runs_c(new):
        import ctypes

        ctypes.CDLL(None).fflush(None)


def _runs_c(new: Collection[str]) -> bool:
    """Whether C's own buffer may hold something. To import ctypes only to find it empty would take 2 ms."""
    files = (getattr(sys.modules.get(name), "__file__", None) for name in new)
    return "_ctypes" in sys.modules or any(str(file).endswith(tuple(EXTENSION_SUFFIXES)) for file in files)
