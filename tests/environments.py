"""Clean environments without a download: what a distribution declares to need is linked from the one of the tests."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from email.parser import HeaderParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def pip(*arguments: object) -> None:
    """Run pip. Without a package index, which building takes, the test is skipped."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if "Failed to establish a new connection" in done.stderr or "Name or service not known" in done.stderr:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr


def clean(folder: Path, wheels: Iterable[Path], extra: str) -> Path:
    """An environment of its own with these wheels, and with nothing but what they declare to need: pip finds that there
    and sees whether it is all. Returns the folder of its commands.

    :param extra: of the wheels that have it.
    """
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    ours = {canonicalize_name(wheel.name.split("-")[0]) for wheel in wheels}
    _link([r for wheel in wheels for r in _needed(_requires(wheel), {extra})], ours, site)
    python = folder / "bin" / "python"
    named = [f"{wheel}[{extra}]" if extra in _extras(wheel) else wheel for wheel in wheels]
    pip("--python", python, "install", "--quiet", "--no-index", *named)
    return python.parent


def _link(waiting: list[Requirement], without: set[str], site: Path) -> None:
    """Link the files of these distributions, and of whatever they declare to need, into a folder of packages."""
    known = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        key = (name, frozenset(requirement.extras))
        if name in without or key in known:
            continue
        distribution = importlib.metadata.distribution(name)
        waiting += _needed(distribution.requires or (), requirement.extras)
        if not any(name == other for other, _ in known):
            _link_files(distribution, site)
        known.add(key)


def _link_files(distribution: importlib.metadata.Distribution, site: Path) -> None:
    for file in distribution.files or ():
        if ".." in file.parts:  # a command
            continue
        place, source = site / file, Path(str(distribution.locate_file(file)))
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, place)
        except FileExistsError:
            pass
        except OSError:  # another file system
            shutil.copy2(source, place)


def _needed(requires: Iterable[str], extras: set[str]) -> list[Requirement]:
    found = map(Requirement, requires)
    return [r for r in found if r.marker is None or any(r.marker.evaluate({"extra": e}) for e in {"", *extras})]


def _metadata(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.read(name).decode()


def _requires(wheel: Path) -> list[str]:
    return HeaderParser().parsestr(_metadata(wheel)).get_all("Requires-Dist", [])


def _extras(wheel: Path) -> list[str]:
    return HeaderParser().parsestr(_metadata(wheel)).get_all("Provides-Extra", [])
