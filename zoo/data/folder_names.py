"""What a folder of images is called where others read it: in Results, and in the metadata of weights.

A path names its owner. A recorded name is the folder's own, made fit for a command, and some digits of a digest of the
path, so that two folders of one name do not mix: `folder:pets-3f2a`. The digits are few on purpose: a guess at the
path can't be confirmed by them. Where each folder lies is kept in the zoo's own folder, so that a recorded name can be
given back to any command on this machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from pathlib import Path

from zoo.errors import UsageError
from zoo.files import write_atomic
from zoo.paths import home
from zoo.specs import IMAGE_FOLDER

DIGITS = (4, 8, 16, 64)
MOST = 40  # characters of the folder's own name
RECORDED = re.compile(r"[\w.+-]+-[0-9a-f]{4,64}")


def recorded_name(folder: Path) -> str:
    """`folder:NAME-DIGITS`, the same for the same folder; remembers where it lies."""
    place = folder.resolve()
    own = re.sub(r"[^\w.+-]+", "_", place.name)[:MOST] or "root"
    digest = hashlib.sha256(str(place).encode("utf-8", "surrogateescape")).hexdigest()
    name = ""
    for digits in DIGITS:  # more of them where another folder has the same
        name = f"{own}-{digest[:digits]}"
        if (there := _remembered(name)) in (None, place):
            if there is None:
                with contextlib.suppress(OSError, UsageError):  # then it can't be given back, and all else works
                    _file(name).parent.mkdir(parents=True, exist_ok=True)
                    write_atomic(_file(name), str(place).encode("utf-8", "surrogateescape"))
            break
    return f"{IMAGE_FOLDER}{name}"


def place_of(name: str) -> Path | None:
    """Where the folder of a recorded name lies, without `folder:`; None if that isn't known or it is gone."""
    place = _remembered(name)
    return place if place is not None and place.is_dir() else None


def _remembered(name: str) -> Path | None:
    if not RECORDED.fullmatch(name):
        return None
    try:
        return Path(_file(name).read_bytes().decode("utf-8", "surrogateescape"))
    except (OSError, ValueError):
        return None


def _file(name: str) -> Path:
    return home() / "folders" / name
