"""Where in a store's folder its Results lie: `<YYYY-MM>/<id>.json`. Nothing but an id names a file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from zoo.errors import UsageError
from zoo.paths import reason
from zoo.record.identifiers import check_id

MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


def path_of(identifier: str) -> str:
    """Where in a store the Result of that id lies, relative to its folder.

    :raises UsageError: if it is no id.
    """
    check_id(identifier)
    return f"{identifier[:4]}-{identifier[4:6]}/{identifier}.json"


def paths(folder: Path) -> Iterator[str]:
    """The files that should be Results, relative to the folder, in no order.

    :raises UsageError: if the folder is there but can't be listed.
    """
    months = [entry.name for entry in _scan(folder) if MONTH.fullmatch(entry.name) and entry.is_dir()]
    for month in months:
        # A name that begins with a dot is a file being written.
        yield from (f"{month}/{e.name}" for e in _scan(folder / month) if e.name.endswith(".json") and e.name[0] != ".")


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"can't list {folder}: {reason(error)}") from None
