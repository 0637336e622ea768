"""What is to be checked: an installed distribution, or a source tree that need not be installed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import UsageError
from zoo.hookspecs import PROJECT
from zoo.installed import Plugin, entry_points, normalised
from zoo.paths import reason
from zoo.registry import unknown
from zoo.text import printable

PYPROJECT = "pyproject.toml"
REQUIRED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Target:
    """A distribution that has plugins.

    Attributes:
        path: folders from which its packages are imported, before all others; empty where it is installed.
        metadata: `version`, `description`, `licence`, `requires_python`, None for what it doesn't say, and
            `dependencies`, normalised names.
        where: the file or distribution that says so.
    """

    distribution: str
    version: str
    points: tuple[Plugin, ...]
    path: tuple[str, ...]
    metadata: Mapping[str, Any]
    where: str


def find(target: str | None = None) -> Target:
    """The distribution that is meant.

    :param target: the name of an installed distribution or of its entry point, or a folder with a pyproject.toml; by
        default the folder that this is.
    :raises UsageError: if there is no such thing.
    """
    target = "." if target is None else target
    folder = Path(target).expanduser()
    if target in (".", "..") or os.sep in target or (folder / PYPROJECT).is_file():
        return _in_tree(folder)
    return _installed(target)


def _installed(name: str) -> Target:
    points = entry_points(PROJECT)
    wanted = normalised(name)
    found = [p for p in points if wanted in (normalised(p.distribution), normalised(p.name))]
    if not found:
        names = [known for point in points for known in (point.name, point.distribution)]
        raise unknown("plugin", name, names, "zoo plugins")
    distribution = found[0].distribution
    mine = tuple(point for point in points if point.distribution == distribution)
    return Target(distribution, mine[0].version, mine, (), _installed_metadata(distribution), distribution)


def _installed_metadata(distribution: str) -> dict[str, Any]:
    from importlib.metadata import metadata

    given: Any = metadata(distribution)
    classified = [c for c in given.get_all("Classifier") or () if c.startswith("License ::")]
    requires = given.get_all("Requires-Dist") or ()
    return {
        "version": given.get("Version"),
        "description": given.get("Summary"),
        "licence": given.get("License-Expression") or given.get("License") or next(iter(classified), None),
        "requires_python": given.get("Requires-Python"),
        "dependencies": _names([line for line in requires if "extra ==" not in line]),
    }


def _in_tree(folder: Path) -> Target:
    import tomllib

    file = folder / PYPROJECT
    if not folder.is_dir():
        raise UsageError(f"the folder {folder} is not there")
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"{folder} has no {PYPROJECT}; name the folder of a plugin's source, or an installed one"
        ) from None
    except OSError as error:
        raise UsageError(f"can't read {file}: {reason(error)}") from None
    except ValueError as error:
        raise UsageError(f"{file} is not TOML: {printable(str(error))}") from None
    project = _table(content, "project")
    declared = _table(_table(project, "entry-points"), PROJECT)
    if not declared or not isinstance(project.get("name"), str):
        raise UsageError(f"{file} declares no plugin: it has no name, or no [project.entry-points.{PROJECT}]")
    name, version = project["name"], str(project.get("version", "dynamic"))
    points = tuple(Plugin(str(line), name, version, str(value)) for line, value in declared.items())
    return Target(name, version, points, _roots(folder, points), _tree_metadata(project), str(file))


def _tree_metadata(project: Mapping[str, Any]) -> dict[str, Any]:
    dynamic = project.get("dynamic", [])
    licence = project.get("license")
    if isinstance(licence, Mapping):  # as before PEP 639
        licence = licence.get("text") or licence.get("file")
    classified = [c for c in project.get("classifiers", []) if str(c).startswith("License ::")]
    return {
        "version": project.get("version") or ("dynamic" if "version" in dynamic else None),
        "description": project.get("description") or ("dynamic" if "description" in dynamic else None),
        "licence": licence or next(iter(classified), None),
        "requires_python": project.get("requires-python"),
        "dependencies": _names(project.get("dependencies", [])),
    }


def _names(requirements: Any) -> tuple[str, ...]:
    found = (REQUIRED.match(str(line)) for line in requirements)
    return tuple(normalised(match[0]) for match in found if match)


def _roots(folder: Path, points: tuple[Plugin, ...]) -> tuple[str, ...]:
    """The folders that hold the packages: the tree itself or its `src`; both where neither does."""
    packages = {point.reference.partition(":")[0].partition(".")[0] for point in points}
    places = [folder.absolute(), folder.absolute() / "src"]
    roots = [p for p in places if any((p / name).is_dir() or (p / f"{name}.py").is_file() for name in packages)]
    return tuple(map(str, roots or places))


def _table(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = content.get(key)
    return found if isinstance(found, Mapping) else {}
