"""Which wheels a target lacks: found, built and downloaded by pip for another machine than this one.

What the target has takes part as an empty wheel of that version (a stub). So nothing of it is downloaded, and its
versions win. pip evaluates conditions such as `python_version < "3.12"` for the Python that it runs under (pip's issue
11664); here it is made to use the target's.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.version import Version
from wheels import Target, Wheel, canonical, check_closed, extras_wanted

CORE = "zoobench"
FRAMEWORKS = ("tensorflow", "jax", "torch")
EPOCH = "315532800"  # 1980-01-01: zip files know no earlier time
MOST_TRIES = 40  # a try finds one package that has to be built, or extras that have to be looked up
NO_WHEEL = re.compile(r"No matching distribution found for ([A-Za-z0-9][\w.-]*?)(?=[\[<>=!~;\s(]|$)")
UNREACHED = re.compile(
    r"Failed to establish a new connection|[Nn]ame (or service not known|resolution)|Network is unreach"
)
CAUSES = re.compile(r"^    (?:The user requested .*|\S+ \S+ depends on .*)$", re.MULTILINE)
DEPENDS = re.compile(r"^    (\S+) \S+ depends on ", re.MULTILINE)
PINNED = re.compile(r"The user requested \(constraint\) ([A-Za-z0-9][\w.-]*)==(\S+)")
PURE = "-none-any.whl"
PIP = """\
import json, os, runpy
from pip._vendor.packaging import markers
here, target = markers.default_environment, json.loads(os.environ["ZOO_BUNDLE_MARKERS"])
markers.default_environment = lambda: {**here(), **target}
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


class PipError(Exception):
    """pip can't do what it is asked for."""

    def __init__(self, said: str) -> None:
        lines = [line for line in said.splitlines() if line.startswith("ERROR:")] or said.strip().splitlines()[-3:]
        causes = [line.strip() for line in CAUSES.findall(said)]
        told = "; ".join(dict.fromkeys([*lines, *causes]))
        super().__init__("no package index can be reached" if UNREACHED.search(said) else f"pip: {told}")
        self.said = said


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a target takes.

    Attributes:
        wheels: what it lacks, this repository's own included.
        present: versions, by name, of what it has and the zoo needs.
        replaced: versions, by name, of what it has and the zoo can't use; the wheels hold others.
        notes: what you should know.
    """

    wheels: list[Wheel]
    present: dict[str, str]
    replaced: dict[str, str]
    notes: list[str]


def build(projects: Sequence[Path], constraints: Path, work: Path) -> list[Wheel]:
    """Wheels of this repository's projects: the same bytes for the same files. Their build backend is installed once.

    :raises PipError: if they can't be built.
    """
    backend, into = work / "backend", work / "own"
    pip("install", "--target", backend, "--constraint", constraints, "hatchling")
    pip("wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", into, *projects, PYTHONPATH=str(backend))
    return [Wheel.read(path) for path in sorted(into.glob("*.whl"))]


def resolve(
    ours: Sequence[Wheel], extras: Sequence[str], target: Target, have: Mapping[str, str], places: Places
) -> Resolved:
    """Find and download what the target lacks.

    :param ours: wheels of this repository, the core's among them.
    :param extras: of the core.
    :param have: what the target has: versions by canonical name.
    :raises PipError: if pip finds no solution, or no package index.
    :raises ValueError: if what it finds is not complete.
    """
    names = {wheel.name for wheel in ours}
    asked = {(name, "") for name in names} | {(CORE, extra) for extra in extras}
    reasons = _unusable(ours, asked, target, have)
    usable = {name: version for name, version in have.items() if name not in names | reasons.keys()}
    search = _Search(ours, asked, target, usable, places)
    items = search.run()
    found = download([item for item in items if item.name not in names | usable.keys()], target, places)
    present = {item.name: usable[item.name] for item in items if item.name in usable}
    check_closed([*ours, *found], present, target, asked)
    if unasked := {wheel.name for wheel in found} & set(FRAMEWORKS) - set(extras):
        raise ValueError(f"the bundle would bring {', '.join(unasked)}, which nobody asked for")
    return Resolved(
        wheels=sorted([*ours, *found], key=lambda wheel: wheel.name),
        present=dict(sorted(present.items())),
        replaced={name: have[name] for name in sorted(reasons)},
        notes=[*reasons.values(), *search.notes],
    )


def newest(name: str, target: Target, places: Places) -> Wheel:
    """A package by itself, of the version that the constraints name."""
    report = _report([name], target, places, ["--no-deps"], places.constraints)
    (wheel,) = download(report, target, places)
    return wheel


@dataclass(frozen=True, slots=True)
class Places:
    """Where things lie.

    Attributes:
        constraints: versions that were tested together.
        cache: downloaded wheels, kept; what lies there with the right digest is not fetched once more.
        work: what is needed meanwhile.
    """

    constraints: Path
    cache: Path
    work: Path

    @property
    def built(self) -> Path:
        """Wheels of packages that are published as source alone."""
        return self.cache / "built"

    @property
    def stubs(self) -> Path:
        """Empty wheels of what the target has."""
        return self.work / "stubs"


@dataclass(frozen=True, slots=True)
class Item:
    """One of the distributions that pip would install."""

    name: str
    version: str
    file: str
    sha256: str
    requires: tuple[str, ...]

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Item:
        """From pip's report (pip.pypa.io/en/stable/reference/installation-report)."""
        info = row["download_info"]
        return cls(
            name=canonical(row["metadata"]["name"]),
            version=row["metadata"]["version"],
            file=unquote(urlsplit(info["url"]).path).rpartition("/")[2],
            sha256=info["archive_info"]["hashes"]["sha256"],
            requires=tuple(row["metadata"].get("requires_dist", ())),
        )


@dataclass(slots=True)
class _Search:
    """pip's resolution. It is repeated while it shows packages that have to be built, or looked up, first."""

    ours: Sequence[Wheel]
    asked: set[tuple[str, str]]
    target: Target
    have: Mapping[str, str]
    places: Places
    loosened: set[str] = field(default_factory=set)  # whose pins in constraints.txt don't go with what the target has
    known: set[str] = field(default_factory=set)  # whose extras the stubs tell
    notes: list[str] = field(default_factory=list)

    def run(self) -> list[Item]:
        self.places.stubs.mkdir(parents=True, exist_ok=True)
        for name, version in self.have.items():
            stub(self.places.stubs, name, version)
        for _ in range(MOST_TRIES):
            try:
                items = self._try()
            except PipError as error:
                self._mend(error)
            else:
                if not self._learn(items):
                    return items
        raise ValueError(f"pip's resolution has no end after {MOST_TRIES} tries")

    def _try(self) -> list[Item]:
        places = {wheel.name: wheel.path.as_uri() for wheel in self.ours}
        named = [f"{name}{f'[{extra}]' if extra else ''} @ {places[name]}" for name, extra in sorted(self.asked)]
        return _report(named, self.target, self.places, [], self._constraints())

    def _constraints(self) -> Path:
        """The target's versions, and for the rest those that were tested together."""
        lines = [f"{name}=={marked(version)}" for name, version in self.have.items()]
        lines += [f"{name}=={version}" for name, version in self._pins()]
        path = self.places.work / "constraints.txt"
        path.write_text("\n".join(lines) + "\n")
        return path

    def _pins(self) -> Iterator[tuple[str, str]]:
        """What constraints.txt says of packages that the target does not have."""
        for line in self.places.constraints.read_text().splitlines():
            name, _, version = line.partition("#")[0].strip().partition("==")
            if version and canonical(name) not in self.have.keys() | self.loosened:
                yield canonical(name), version

    def _mend(self, error: PipError) -> None:
        """Do something about it, or raise it."""
        if match := NO_WHEEL.search(error.said):
            if canonical(match[1]) in {wheel.name for wheel in self.ours}:  # somebody else's of that name is not meant
                raise error
            self._build(match[1], match[1])
            return
        pins = self._pins_in(error.said) if "ResolutionImpossible" in error.said else {}
        if not pins:
            ours = sorted({name for name, _ in PINNED.findall(error.said) if canonical(name) in self.have})
            raise (
                ValueError(f"{error}; leave {' or '.join(ours)} out of HAVE, and the bundle brings another")
                if ours
                else error
            )
        for name, version in pins.items():  # either there is no wheel of that version, or it conflicts with something
            try:
                _report([f"{name}=={version}"], self.target, self.places, ["--no-deps"], None)
            except PipError as missing:
                if not NO_WHEEL.search(missing.said):
                    raise
                self._build(name, f"{name}=={version}")
            else:
                self.loosened.add(name)
                self.notes.append(f"{name} {version} of constraints.txt does not go with what the target has")

    def _pins_in(self, said: str) -> dict[str, str]:
        """The pins of constraints.txt that a conflict is about; versions by name."""
        pins = dict(self._pins())
        named = [name for name, _ in PINNED.findall(said)] + DEPENDS.findall(said)
        return {name: pins[name] for name in map(canonical, named) if name in pins}

    def _build(self, name: str, requirement: str) -> None:
        """Make a wheel of a package that is published as source alone."""
        into = self.places.built
        into.mkdir(parents=True, exist_ok=True)
        before = set(into.glob("*.whl"))
        if canonical(name) in {*self.have, *(Wheel.read(path).name for path in before)}:
            raise ValueError(
                f"no {requirement} can be had that fits Python {self.target.python} and what the target has"
            )
        pip("wheel", "--no-deps", "--no-binary", name, "--wheel-dir", into, requirement)
        for path in set(into.glob("*.whl")) - before:
            if not path.name.endswith(PURE):
                path.unlink()
                raise ValueError(
                    f"{requirement} has no wheel for Python {self.target.python} and glibc {self.target.glibc}, "
                    "and can't be built here for another machine"
                )

    def _learn(self, items: Iterable[Item]) -> bool:
        """Let the stubs tell the extras that something asks for. Whether there was something to learn."""
        requires = {item.name: item.requires for item in items}
        wanted = {
            name for name, extra in extras_wanted(requires, self.target, self.asked) if extra and name in self.have
        }
        for name in sorted(wanted - self.known):
            stub(self.places.stubs, name, self.have[name], self._requirements(name))
        learnt = bool(wanted - self.known)
        self.known |= wanted
        return learnt

    def _requirements(self, name: str) -> tuple[str, ...]:
        """What a package of the target requires, from the index."""
        pinned = f"{name}=={Version(self.have[name]).public}"
        try:
            (item,) = _report([pinned], self.target, self.places, ["--no-deps"], None)
        except PipError as error:
            raise ValueError(
                f"can't tell what {pinned} needs ({error}); leave it out of HAVE, and the bundle brings it"
            ) from None
        return item.requires


def marked(version: str) -> str:
    """The version of a stub: one that no index has, and that requirements take for the original."""
    return f"{version}{'.' if '+' in version else '+'}present"


def stub(folder: Path, name: str, version: str, requires: Iterable[str] = ()) -> Path:
    """An empty wheel in the place of what the target has. Of what it requires, it tells what belongs to extras."""
    stem = f"{name.replace('-', '_')}-{marked(version)}"
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {marked(version)}\n"]
    lines += [f"Requires-Dist: {line}\n" for line in requires if "extra ==" in line]
    extras = {extra for line in lines for extra in re.findall(r"extra == ['\"]([^'\"]+)", line)}
    lines += [f"Provides-Extra: {extra}\n" for extra in sorted(extras)]
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{stem}.dist-info/METADATA", "".join(lines))
        archive.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{stem}.dist-info/RECORD", "")
    return path


def download(items: Sequence[Item], target: Target, places: Places) -> list[Wheel]:
    """Fetch what the cache lacks, each with the digest that the index told.

    :raises PipError: if it can't be had.
    """
    places.cache.mkdir(parents=True, exist_ok=True)
    missing = [item for item in items if _cached(item, places) is None]
    if missing:
        listed = places.work / "wanted.txt"
        lines = [f"{item.name}=={item.version} --hash=sha256:{item.sha256}\n" for item in missing]
        listed.write_text("".join(lines))
        where: list[str | Path] = [
            "--no-deps",
            "--require-hashes",
            "--find-links",
            places.built,
            "--dest",
            places.cache,
        ]
        pip("download", *where, *target.options(), "--requirement", listed)
    return [Wheel.read(_cached(item, places) or places.cache / item.file) for item in items]


def _cached(item: Item, places: Places) -> Path | None:
    for path in (places.cache / item.file, places.built / item.file):
        if path.is_file() and Wheel.read(path).sha256 == item.sha256:
            return path
    return None


def _unusable(
    ours: Sequence[Wheel], asked: Iterable[tuple[str, str]], target: Target, have: Mapping[str, str]
) -> dict[str, str]:
    """What the target has and this repository's projects can't use, by name, with the reason."""
    requires = {wheel.name: wheel.requires for wheel in ours}
    found = {}
    for name, extra in sorted(asked):
        for requirement in target.needed(requires[name], extra):
            other = canonical(requirement.name)
            version = have.get(other)
            if version is not None and not requirement.specifier.contains(Version(version), prereleases=True):
                found[other] = (
                    f"the target's {other} {version} will not do for {name}, which needs {requirement}; "
                    "the bundle brings another"
                )
    return found


def _report(
    named: Iterable[str], target: Target, places: Places, options: Sequence[str], constraints: Path | None
) -> list[Item]:
    """What pip would install.

    :param constraints: that go with the stubs; None to leave out both.
    """
    path = places.work / "report.json"
    # The environment's constraints take the place of those in pip's configuration, which are meant for this machine.
    constraint = {"PIP_CONSTRAINT": str(constraints or os.devnull)}
    places.built.mkdir(parents=True, exist_ok=True)
    links: list[str | Path] = ["--find-links", places.built]
    if constraints is not None:
        links += ["--find-links", places.stubs]
    nowhere: list[str | Path] = [
        "--target",
        places.work / "nowhere",
    ]  # without it, older pips refuse another machine's options
    pip(
        "install",
        "--dry-run",
        *nowhere,
        *options,
        *target.options(),
        *links,
        "--report",
        path,
        *named,
        target=target,
        **constraint,
    )
    return [Item.read(row) for row in json.loads(path.read_bytes())["install"]]


def pip(*arguments: str | Path, target: Target | None = None, **variables: str) -> None:
    """Run pip.

    :param target: whose conditions it is to evaluate, instead of this machine's.
    :param variables: of its environment.
    :raises PipError: if it fails.
    """
    start = [sys.executable, "-m", "pip"] if target is None else [sys.executable, "-c", PIP]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH, **variables}
    if target is not None:
        environment["ZOO_BUNDLE_MARKERS"] = json.dumps(target.markers())
    command = [*start, *map(str, arguments), "--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise PipError(f"{done.stdout}\n{done.stderr}")  # the causes of a conflict are on standard output
