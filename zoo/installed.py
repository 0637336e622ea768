"""Which distributions are installed, and which of them have entry points in a group.

The standard library's `importlib.metadata` answers this too; importing it and asking takes three times as long as
starting Python. This reads the same files (Python Packaging User Guide, "Recording installed projects").
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
REQUIRED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


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
    for folder, metadata in _metadata_folders(sys.path if path is None else path):
        text = _read(os.path.join(folder, "entry_points.txt"))
        key = _key(os.path.basename(folder).partition("-")[0])
        if f"[{group}]" not in text or key in chosen:
            chosen.setdefault(key, [])
            continue
        file = os.path.join(folder, metadata)
        name, version = _name_and_version(_read(file), folder)
        chosen[key] = [Plugin(line, name, version, value, file) for line, value in _section(text, group)]
    found = (point for points in chosen.values() for point in points)
    return sorted(found, key=lambda point: (point.distribution, point.name, point.version, point.reference))


def entry_point_files(path: Sequence[str] | None = None) -> list[str]:
    """The files that `entry_points` reads, or would if they were there: one for each distribution."""
    folders = _metadata_folders(sys.path if path is None else path)
    return [os.path.join(folder, "entry_points.txt") for folder, _ in folders]


def versions(names: Iterable[str], path: Sequence[str] | None = None) -> dict[str, str]:
    """The versions of those distributions that are installed, under the names that were asked for."""
    wanted = {_key(name): name for name in names}
    found: dict[str, str] = {}
    for folder, metadata in _metadata_folders(sys.path if path is None else path):
        name = wanted.get(_key(os.path.basename(folder).partition("-")[0]))
        if name is not None and name not in found:
            found[name] = _name_and_version(_read(os.path.join(folder, metadata)), folder)[1]
    return {name: found[name] for name in wanted.values() if name in found}


def all_versions(path: Sequence[str] | None = None) -> dict[str, str]:
    """The version of each distribution that is installed, by normalised names."""
    found: dict[str, str] = {}
    for folder, metadata in _metadata_folders(sys.path if path is None else path):
        name, version = _name_and_version(_read(os.path.join(folder, metadata)), folder)
        found.setdefault(normalised(name), version)
    return found


def normalised(name: str) -> str:
    """A distribution's name in the spelling that all of its spellings have in common (PEP 503)."""
    return SEPARATORS.sub("-", name).lower()


def _key(name: str) -> str:
    """A distribution's name as the names of its files spell it."""
    return normalised(name).replace("-", "_")


def _metadata_folders(path: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each distribution's folder of metadata, with the name of the file that holds its name and version."""
    kinds = {".dist-info": "METADATA", ".egg-info": "PKG-INFO"}
    for folder in path:
        try:
            names = os.listdir(folder or ".")
        except OSError:  # not a folder, such as the standard library's zip file
            continue
        for name in names:
            metadata = kinds.get(os.path.splitext(name)[1])
            if metadata:
                yield os.path.join(folder or ".", name), metadata


def _section(text: str, group: str) -> Iterator[tuple[str, str]]:
    """Name and reference of each line in the group's section."""
    inside = False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            inside = line == f"[{group}]"
        elif inside and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield name.strip(), value.partition("[")[0].replace(" ", "")  # less its extras, which nobody uses any more


def _name_and_version(metadata: str, folder: str) -> tuple[str, str]:
    """From the header fields of the metadata, else from the folder's name."""
    fields: dict[str, str] = {}
    for line in metadata.splitlines():
        if not line:
            break
        key, _, value = line.partition(":")
        fields.setdefault(key.lower(), value.strip())
    name, _, version = os.path.splitext(os.path.basename(folder))[0].partition("-")
    return fields.get("name", name), fields.get("version", version or "unknown")


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
