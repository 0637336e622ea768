"""What a Result may say of a failure: nothing of whose machine it was, nor of where things lie on it."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.record.result import FailureRecord

if TYPE_CHECKING:
    from zoo.executors.local import Failure

PART = r"""[^\s/'"`,;:()<>\[\]{}|]"""
# Absolute paths of two parts or more. `https://x/y` is none, nor are `km/h` and `/job:worker/task:0`.
BARE = re.compile(rf"(?:\bfile://|(?<![\w.~$/-]))/(?:{PART}+/+)+({PART}*)")
WORKERS = re.compile(r"\$TMPDIR/zoo-(?:task-)?\w+/tmp(?![\w-]|\.\w)")  # a worker's own, in the folder of its task
QUOTED = re.compile(r"""(['"])/(?!/)(?:(?!\1)[^\n])*/((?:(?!\1)[^/\n])*)(?=\1)""")  # may hold anything else


def failure_record(failure: Failure) -> FailureRecord:
    """A failure as it stands in a Result: of its log the name alone, which lies in the folder `zoo.paths.logs()`."""
    return FailureRecord(
        phase=failure.phase,
        type=failure.type,
        message=without_paths(failure.message),
        exit_code=failure.exit_code,
        log=failure.log and Path(failure.log).name,
    )


def without_paths(text: str) -> str:
    """The text with absolute paths made short: `~/name`, `$TMPDIR/name`, or else `…/name`."""
    for short, folder in (("~", os.path.expanduser("~")), ("$TMPDIR", tempfile.gettempdir())):
        for path in (os.path.realpath(folder), folder):
            if len(Path(path).parts) > 1:
                text = re.sub(rf"(?<![\w.~-]){re.escape(path)}(?![\w-]|\.\w)", short, text)
    text = WORKERS.sub("$TMPDIR", text)
    return BARE.sub(r"…/\1", QUOTED.sub(r"\1…/\2", text))
