"""Words that others have chosen, made fit for one line of a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_LINE = 300

# What Keras and TensorFlow put before the cause, which stands on a later line: Keras in bold, TensorFlow by its type.
PREAMBLES = ("Exception encountered when calling ", "Graph execution error:", "in user code:")
STYLE = re.compile(r"\x1b\[[0-9;]*m")
CAUSE = re.compile(r"[\w.]+(Error|Exception): ")


def printable(text: str) -> str:
    """The text without terminal escape codes or anything else that a terminal would act on."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def line(text: str) -> str:
    """The text as one printable line of at most 300 characters."""
    text = printable(" ".join(text[: 10 * MAX_LINE].split()))
    return text if len(text) <= MAX_LINE else f"{text[: MAX_LINE - 1]}…"


def describe(error: BaseException) -> str:
    """An exception in one printable line: `ImportError: No module named 'x'`."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # a plugin's own exception may raise anything when it is printed
        lines = []
    text = f"{type(error).__name__}: {_telling(lines)}" if lines else type(error).__name__
    text = printable(text)
    return text if len(text) <= MAX_LINE else f"{text[: MAX_LINE - 1]}…"


def _telling(lines: Sequence[str]) -> str:
    """The first line of a message; where a framework has put its own before it, with the cause."""
    if not lines[0].startswith(PREAMBLES):
        return lines[0]
    further = [line for line in (STYLE.sub("", line).strip() for line in lines[1:]) if line]
    cause = next((line for line in further if CAUSE.match(line)), further[0] if further else "")
    return f"{lines[0]} {cause}".rstrip()
