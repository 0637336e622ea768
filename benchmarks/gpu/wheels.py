"""Wheels, what they say of themselves, and the machine that they are to fit."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

METADATA = re.compile(r"[^/]+\.dist-info/METADATA")
OLDEST_GLIBC = 5  # 2.5, manylinux1's
ALIASES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}  # by the glibc's minor version


@dataclass(frozen=True, slots=True)
class Target:
    """What wheels have to fit: CPython on Linux.

    Attributes:
        python: such as "3.12".
        glibc: the oldest that will do, such as "2.28".
        machine: as `platform.machine()` names it.
    """

    python: str
    glibc: str = "2.28"
    machine: str = "x86_64"

    def options(self) -> list[str]:
        """Of pip."""
        newest = int(self.glibc.partition(".")[2])
        names = [f"manylinux_2_{minor}" for minor in range(newest, OLDEST_GLIBC - 1, -1)]
        names += [alias for minor, alias in ALIASES.items() if minor <= newest]
        platforms = [f"--platform={name}_{self.machine}" for name in (*names, "linux")]
        return ["--only-binary=:all:", f"--python-version={self.python}", "--implementation=cp", *platforms]

    def markers(self) -> dict[str, str]:
        """What the conditions of requirements are evaluated with."""
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }

    def needed(self, requires: Iterable[str], extra: str = "") -> list[Requirement]:
        """Those of a distribution's requirements that hold on this machine.

        :param extra: that the distribution is asked for with.
        """
        environment = {**self.markers(), "extra": extra}
        return [r for r in map(Requirement, requires) if r.marker is None or r.marker.evaluate(environment)]


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel. `requires` is what its METADATA says, conditions included."""

    name: str
    version: str
    path: Path
    sha256: str
    requires: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> Wheel:
        """By what it says of itself."""
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if METADATA.fullmatch(name))
            fields = HeaderParser().parsestr(archive.read(name).decode())
        return cls(
            name=canonical(fields["Name"]),
            version=fields["Version"],
            path=path,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            requires=tuple(fields.get_all("Requires-Dist", [])),
        )

    def unpacked_bytes(self) -> int:
        """What its files take when it is installed."""
        with zipfile.ZipFile(self.path) as archive:
            return sum(entry.file_size for entry in archive.infolist())


def canonical(name: str) -> str:
    """The one spelling of a distribution's name."""
    return str(canonicalize_name(name))


def extras_wanted(
    requires: Mapping[str, Iterable[str]], target: Target, asked: Collection[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Every distribution with every extra that it is needed with, `""` for none.

    :param requires: what distributions require, by name.
    :param asked: what is asked for to begin with.
    """
    waiting, seen = list(asked), set(asked)
    while waiting:
        name, extra = waiting.pop()
        for requirement in target.needed(requires.get(name, ()), extra):
            other = canonical(requirement.name)
            new = {(other, extra) for extra in ("", *requirement.extras)} - seen
            seen |= new
            waiting += new
    return seen


def check_closed(
    wheels: Collection[Wheel], present: Mapping[str, str], target: Target, asked: Collection[tuple[str, str]]
) -> None:
    """Whether the wheels and what is present have all that the wheels need.

    :param present: versions by name.
    :param asked: distributions and extras that are to be installed.
    :raises ValueError: if something is missing, or of a version that will not do.
    """
    versions = {**present, **{wheel.name: wheel.version for wheel in wheels}}
    requires = {wheel.name: wheel.requires for wheel in wheels}
    for name, extra in extras_wanted(requires, target, asked):
        for requirement in target.needed(requires.get(name, ()), extra):
            version = versions.get(canonical(requirement.name))
            if version is None:
                raise ValueError(f"{name} needs {requirement}, which neither the bundle nor the target has")
            if not requirement.specifier.contains(Version(version), prereleases=True):
                raise ValueError(f"{name} needs {requirement}, and there would be {requirement.name} {version}")
