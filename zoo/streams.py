"""Standard streams as they may be: closed, full, read by somebody who has gone, or of an encoding with few characters.

Every start of `zoo` imports this, so it imports only what Python has imported already.
"""

from __future__ import annotations

import codecs
import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

HANDLER = "zoo.plain"
UTF_8 = ("utf-8", "utf8")
PLAIN = {
    "–": "-",
    "—": "-",
    "−": "-",
    "×": "x",
    "·": ".",
    "…": "~",
    "µ": "u",
    "σ": "s",
    "°": "o",
    "²": "2",
    "→": ">",
    "±": "+-",
    "≥": ">=",
    "≤": "<=",
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
}


def prepare() -> None:
    """Make the streams usable. Call it before anything is opened: a file could become standard output otherwise.

    A character that an encoding lacks becomes a similar one, or `?`.

    :raises OSError: if standard output is closed: nobody could read what was asked for.
    """
    closed = sys.stdout is None
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
            setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - for good
    codecs.register_error(HANDLER, _plain)
    for stream in (sys.stdout, sys.stderr):
        if not is_utf_8(stream) and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=HANDLER)
    if closed:
        raise OSError(errno.EBADF, "standard output is closed; '> /dev/null' discards what is printed")


def is_utf_8(stream: TextIO) -> bool:
    """Whether a stream has every character."""
    return (getattr(stream, "encoding", None) or "").lower() in UTF_8


def give_up() -> None:
    """Let go of standard output, which can't be written to: Python would try once more when it ends."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):  # a stream without a file, as in tests
        return


def cause(error: OSError) -> str:
    """Why standard output can't be written to, in one line."""
    if error.filename is not None:
        return str(error)
    if error.errno == errno.EBADF:
        return error.strerror or str(error)
    return f"can't write to standard output: {(error.strerror or str(error)).lower()}"


def _plain(error: UnicodeError) -> tuple[str, int]:
    """A codec's error handler: similar characters for those that can't be encoded."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(PLAIN.get(character, "?") for character in lacking), error.end
