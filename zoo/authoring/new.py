"""Write a distribution to start from: `zoo plugin new`."""

from __future__ import annotations

import datetime
import json
import os
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from zoo import registry as _registry
from zoo.errors import UsageError
from zoo.executors import folders
from zoo.paths import reason, writable_folder

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST_NAME = 40  # of a file's or an index's name, something is left for what stands before and behind it
SUFFIX = ".template"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a plugin can bring, and what is said of it in the files.

    Attributes:
        start: the command that shows it at work.
        untyped: what its code imports that has no types.
    """

    start: str
    untyped: tuple[str, ...]


KINDS = {
    "model": Kind("zoo bench {name}", ("keras.*",)),
    "runtime": Kind("zoo bench toy_resnet --runtime {name}", ("keras.*", "tensorflow.*")),
    "dataset": Kind("zoo data verify {name}", ()),
}

UNTYPED = """
[[tool.mypy.overrides]]
module = %s
ignore_missing_imports = true
follow_imports = "skip"
"""

# Where the common files go; the others go into the package.
PLACES = {
    "gitignore": ".gitignore",
    "workflow": ".github/workflows/test.yml",
    "test_conformance.py": "tests/test_conformance.py",
}


@dataclass(frozen=True, slots=True)
class Written:
    """A distribution that was written.

    Attributes:
        folder: its root.
        files: relative to it, sorted.
        start: the command that shows it at work, once it is installed.
    """

    distribution: str
    package: str
    folder: Path
    files: tuple[str, ...]
    start: str


def new(
    name: str,
    kind: str = "model",
    folder: str | Path | None = None,
    *,
    registry: _registry.Registry | None = None,
) -> Written:
    """Write a complete distribution with a plugin that works, whole or not at all.

    :param name: of the model, runtime or dataset, such as `"my_model"`.
    :param kind: `"model"`, `"runtime"` or `"dataset"`.
    :param folder: where to, by default `zoo-my-model` here; it must not be there, or be empty.
    :raises UsageError: if the name can't be one or is taken, or the folder is there or can't be written.
    """
    _check_name(name)
    _check_free(name, kind, registry or _registry.load())
    distribution = f"zoo-{name.replace('_', '-')}"
    place = Path(distribution if folder is None else folder).expanduser().absolute()
    contents = _fill(name, kind, distribution)
    _write(place, contents)
    return Written(distribution, f"zoo_{name}", place, tuple(sorted(contents)), KINDS[kind].start.format(name=name))


def _check_name(name: str) -> None:
    if NAME.fullmatch(name) and len(name) <= LONGEST_NAME:
        return
    likely = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789")[:LONGEST_NAME].strip("_")
    hint = f"; did you mean '{likely}'?" if NAME.fullmatch(likely) else ""
    raise UsageError(
        f"{name[:80]!a} can't be a name: small letters, digits and single underscores, a letter first, "
        f"{LONGEST_NAME} characters at most{hint}"
    )


def _check_free(name: str, kind: str, registry: _registry.Registry) -> None:
    existing = getattr(registry, f"{kind}s")
    if name in existing:
        raise UsageError(f"the {kind} '{name}' is {existing[name].plugin}'s already; choose another name")


def _fill(name: str, kind: str, distribution: str) -> dict[str, str]:
    """The content of each file, by its path in the distribution."""
    package = f"zoo_{name}"
    values = {
        "name": name,
        "kind": kind,
        "distribution": distribution,
        "package": package,
        "year": str(datetime.date.today().year),
        "start": KINDS[kind].start.format(name=name),
        "untyped": UNTYPED % json.dumps(list(KINDS[kind].untyped)) if KINDS[kind].untyped else "",
    }
    filled = {f"{package}/py.typed": ""}
    for folder in ("common", kind):
        for template in (files("zoo.authoring") / "templates" / folder).iterdir():
            file = template.name.removesuffix(SUFFIX)
            path = PLACES.get(file, file) if folder == "common" else f"{package}/{file}"
            filled[path] = Template(template.read_text("utf-8")).substitute(values)
    return filled


def _write(place: Path, contents: dict[str, str]) -> None:
    """Write all files beside the place and move them there as a whole."""
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise UsageError(f"{place} is there already; name another folder with --output")
    writable_folder(place.parent)
    try:
        with folders.make(folders.PREPARING, place.parent) as owned:
            work = owned.path / "plugin"
            for path, content in contents.items():
                file = work / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(content, "utf-8")
            os.rename(work, place)
    except OSError as error:
        raise UsageError(f"can't write {place}: {reason(error)}") from None
