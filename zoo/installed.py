"""Which distributions are installed, and which of them have entry points in a group.

This reads the same files as the standard library's `importlib.metadata` (Python Packaging User Guide, "Recording
installed projects"). That takes three times as long as starting Python, and ends at one file that is no text or a pipe.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from zoo import __version__
from zoo.text import printable

SEPARATORS = re.compile(r"[-_.]+")
MAX_NAME = 200
MAX_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Plugin:
    """An installed distribution's entry point in the group `zoo`: a line of its `entry_points.txt`.

    Attributes:
        name: left of the `=`.
        distribution, version: as its metadata say.
        reference: right of the `=`, `"package.module"` or `"package.module:attribute"`.
        metadata: the file with its name and version, which is written again whenever the distribution is installed.
    """

    name: str
    distribution: str
    version: str
    reference: str
    metadata: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for name in ("name", "distribution", "version", "reference"):  # others have written them, and all are printed
            object.__setattr__(self, name, printable(getattr(self, name)[:MAX_NAME]))

    @property
    def package(self) -> str:
        """The package, or module at the top, that it lies in."""
        return self.reference.partition(":")[0].partition(".")[0]

    @property
    def names(self) -> tuple[str, str]:
        """By which it can be switched off."""
        return self.name, self.distribution

    def __str__(self) -> str:
        if self.name.replace("_", "-") in self.distribution.replace("_", "-"):
            return f"{self.distribution} {self.version}"
        return f"{self.distribution} {self.version} ({self.name})"


CORE = Plugin("builtin", "zoobench", __version__, "zoo.builtin")


def entry_points(group: str, path: Sequence[str] | None = None) -> list[Plugin]:
    """The entry points in a group, sorted by distribution and name.

    :param path: the folders to look in, by default `sys.path`. A distribution found in several counts in the first.
    """
    chosen: dict[str, list[Plugin]] = {}
    for key, folder, metadata in _distributions(path):
        text = read_text(os.path.join(folder, "entry_points.txt"))
        if f"[{group}]" not in text or key in chosen:
            chosen.setdefault(key, [])
            continue
        name, version = _name_and_version(metadata)
        chosen[key] = [Plugin(line, name, version, value, metadata) for line, value in _section(text, group)]
    found = (point for points in chosen.values() for point in points)
    return sorted(found, key=lambda point: (point.distribution, point.name, point.version, point.reference))


def entry_point_files(path: Sequence[str] | None = None) -> list[str]:
    """The files that `entry_points` reads, or would if they were there: one for each distribution."""
    return [os.path.join(folder, "entry_points.txt") for _, folder, _ in _distributions(path)]


def versions(names: Iterable[str] | None = None, path: Sequence[str] | None = None) -> dict[str, str]:
    """The versions of those distributions that are installed, under the names that were asked for.

    :param names: by default all that are installed, by normalised names.
    """
    wanted = None if names is None else {normalised(name): name for name in names}
    found: dict[str, str] = {}
    for key, _, metadata in _distributions(path):
        if key not in found and (wanted is None or key in wanted):
            found[key] = _name_and_version(metadata)[1]
    return found if wanted is None else {name: found[key] for key, name in wanted.items() if key in found}


def normalised(name: str) -> str:
    """A distribution's name in the spelling that all of its spellings have in common (PEP 503)."""
    return SEPARATORS.sub("-", name).lower()


def _distributions(path: Sequence[str] | None) -> Iterator[tuple[str, str, str]]:
    """Each distribution's normalised name, its folder of metadata, and the file with its name and version."""
    kinds = {".dist-info": "METADATA", ".egg-info": "PKG-INFO"}
    for top in sys.path if path is None else path:
        try:
            names = os.listdir(top or ".")
        except OSError:  # not a folder, such as the standard library's zip file
            continue
        for name in names:
            if metadata := kinds.get(os.path.splitext(name)[1]):
                folder = os.path.join(top or ".", name)
                yield normalised(os.path.splitext(name)[0].partition("-")[0]), folder, os.path.join(folder, metadata)


def _section(text: str, group: str) -> Iterator[tuple[str, str]]:
    """Name and reference of each line in the group's section."""
    inside = False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            inside = line == f"[{group}]"
        elif inside and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield name.strip(), value.partition("[")[0].replace(" ", "")  # less its extras, which nobody uses any more


def _name_and_version(metadata: str) -> tuple[str, str]:
    """From the header fields of the metadata, else from the name of the folder that they lie in."""
    fields: dict[str, str] = {}
    for line in read_text(metadata).splitlines():
        if not line:
            break
        key, _, value = line.partition(":")
        fields.setdefault(key.lower(), value.strip())
    name, _, version = os.path.splitext(os.path.basename(os.path.dirname(metadata)))[0].partition("-")
    return fields.get("name", name), fields.get("version", version or "unknown")


def read_text(path: str) -> str:
    """The text of a file of metadata; nothing where there is none. What is no file, such as a pipe, is not opened."""
    try:
        if not os.path.isfile(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(MAX_CHARACTERS)
    except (OSError, ValueError):
        return ""
