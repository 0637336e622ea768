"""A folder on the path in which the tests of discovery install distributions."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from zoo.installed import Plugin, entry_points

SPEC = "zoo.ModelSpec(name={!r}, summary='s', build='a.b:c', input_shape=(8, 8, 1), classes=2, parameters=1)"


def declaring(*names: str, before: str = "") -> str:
    """The source of a plugin that declares models of these names."""
    specs = ", ".join(SPEC.format(name) for name in names)
    return f"import zoo\n{before}\n@zoo.hookimpl\ndef zoo_models():\n    return [{specs}]\n"


class Site:
    """A folder on the path in which distributions are installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, name: str, module: str, *, points: Mapping[str, str] | None = None, **more: str) -> Path:
        """Lay out a distribution: a package, perhaps with more modules, and its metadata. Returns the package."""
        package = self.folder / name.replace("-", "_")
        package.mkdir()
        for file, source in {"__init__": module, **more}.items():
            (package / f"{file}.py").write_text(source)
        lines = [f"{key} = {value}" for key, value in (points or {"plugin": package.name}).items()]
        self.metadata(
            name,
            {
                "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
                "entry_points.txt": "\n".join(["[zoo]", *lines, ""]),
            },
        )
        return package

    def metadata(self, name: str, files: Mapping[str, str | bytes]) -> None:
        """Lay out only the metadata of a distribution."""
        info = self.folder / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir(exist_ok=True)
        for file, content in files.items():
            (info / file).write_bytes(content if isinstance(content, bytes) else content.encode())

    def points(self) -> list[Plugin]:
        """The entry points of what is installed here."""
        return entry_points("zoo", [str(self.folder)])


def settle() -> None:
    """Wait until what has just been written can be told from what is written next, whatever the clock of the files."""
    time.sleep(0.07)


def rewrite(file: Path, text: str) -> None:
    """Change a file in place, so that its size and the time of its last change are as they were."""
    seen = file.stat()
    assert len(text.encode()) == seen.st_size
    file.write_text(text)
    os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))
