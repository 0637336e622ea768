"""What the target has: its list of packages, as pip prints it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import unquote

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROW = re.compile(r"^([A-Za-z0-9][\w.-]*)\s+(\S+)(?:\s+\S.*)?$")  # pip list: name, version, and where it is editable
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)\s*===?\s*([^\s;#]+)")  # pip freeze
DIRECT = re.compile(r"^([A-Za-z0-9][\w.-]*)\s*@\s*(\S+)")  # pip freeze, of what came from a file or an address


def parse(text: str) -> dict[str, str]:
    """Versions by canonical name, from `pip list`, `pip list --format json` or `pip freeze`.

    :raises ValueError: if a line is none of these, with the line.
    """
    text = text.lstrip("\ufeff").strip()
    pairs = _json(text) if text.startswith("[") else _lines(text)
    found = {}
    for name, version in pairs:
        try:
            Version(version)
        except InvalidVersion:
            raise ValueError(f"{name} has the version {version!r}, which is none") from None
        found[str(canonicalize_name(name))] = version
    return found


def _json(text: str) -> Iterator[tuple[str, str]]:
    try:
        yield from ((row["name"], row["version"]) for row in json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"it begins as JSON and is none that pip prints ({error})") from None


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in map(str.strip, text.splitlines()):
        # Besides packages there are headings, remarks, options such as "-e git+…", and pip's own notices.
        if not line or line[0] in "#-[" or line.split()[:2] == ["Package", "Version"] or line.startswith("WARNING:"):
            continue
        if match := DIRECT.match(line):
            if version := _wheels_version(match[2]):
                yield match[1], version
        elif match := PIN.match(line) or ROW.match(line):
            yield match[1], match[2]
        else:
            raise ValueError(f"the line {line!r} is none of 'pip list' or 'pip freeze'")


def _wheels_version(address: str) -> str | None:
    """From a wheel's name. Of others `pip freeze` does not say the version; such a package counts as missing."""
    file = unquote(address.partition("#")[0]).rpartition("/")[2]
    return file.split("-")[1] if file.endswith(".whl") and file.count("-") >= 4 else None
