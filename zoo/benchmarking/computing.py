"""What computes in a scenario, of all that is installed: only its versions decide which Results are comparable.

An upgrade of ONNX Runtime changes nothing for a Result of the runtime `tensorflow`, nor does installing a linter. What
counts is Keras, NumPy, the framework of the runtime's Keras backend, what the runtime's spec requires, and the plugin
that declares it. The hardware, the system, Python and the environment's variables count for every scenario.

Two branches often share one version number. Therefore a digest of the Python files tells which code is measured.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.benchmarking.environment import fingerprint, fingerprinted
from zoo.installed import CORE, normalised
from zoo.record.environment import Environment
from zoo.references import find, top_package
from zoo.registry import Entry
from zoo.specs import RuntimeSpec

ALWAYS = ("keras", "numpy")
BACKENDS = {"tensorflow": ("tensorflow",), "jax": ("jax", "jaxlib"), "torch": ("torch",)}
MOST_NAMED = 6
ABSENT = "none"


def distributions(runtime: Entry[RuntimeSpec]) -> tuple[str, ...]:
    """The distributions that compute where a runtime does, by normalised names, sorted."""
    plugin = () if runtime.plugin.distribution == CORE.distribution else (runtime.plugin.distribution,)
    names = (*ALWAYS, *BACKENDS[runtime.spec.keras_backend], *runtime.spec.requires, *plugin)
    return tuple(sorted(set(map(normalised, names))))


def scoped(environment: Environment, names: Iterable[str]) -> Environment:
    """An environment with the packages of those names alone, and with the fingerprint of that."""
    packages = {name: environment.packages[name] for name in sorted(names) if name in environment.packages}
    found = dataclasses.replace(environment, packages=packages)
    return dataclasses.replace(found, fingerprint=fingerprint(found))


def holds(recorded: Environment, here: Environment) -> bool:
    """Whether what a Result was measured in is as it was then.

    :param recorded: the environment of the Result.
    :param here: as `zoo.benchmarking.environment.collect` gives it.
    """
    return scoped(here, recorded.packages).fingerprint == recorded.fingerprint


def union(environments: Sequence[Environment]) -> Environment | None:
    """The environment that Results of several runtimes have in common: None if they contradict each other."""
    packages: dict[str, str] = {}
    for environment in environments:
        if any(packages.get(name, version) != version for name, version in environment.packages.items()):
            return None
        packages.update(environment.packages)
    bare = {scoped(environment, ()).fingerprint for environment in environments}
    return scoped(dataclasses.replace(environments[0], packages=packages), packages) if len(bare) == 1 else None


@functools.lru_cache(maxsize=64)
def code_digest(*references: str) -> str:
    """The sha256 of the packages that these names lie in, and of the zoo's own, in 16 digits. Nothing is imported.

    A package that isn't found has no part in it.

    :param references: such as `"package.module:function"`.
    """
    return files_digest({"zoo", *map(top_package, references)})


def files_digest(packages: set[str]) -> str:
    """The sha256 of the Python files of these packages, in 16 digits."""
    found = hashlib.sha256()
    for name in sorted(packages):
        for place, file in _files(name):
            found.update(f"{place}\0{file.stat().st_size}\0".encode())
            found.update(file.read_bytes())
    return found.hexdigest()[:16]


def _files(package: str) -> Iterator[tuple[str, Path]]:
    """The Python files of a package or module, each with its place in it, in a fixed order."""
    spec = find(package)
    if spec is None:
        return
    folders = list(spec.submodule_search_locations or ())
    if not folders and spec.origin and os.path.isfile(spec.origin):
        yield package, Path(spec.origin)
    for folder in folders:
        for file in sorted(Path(folder).rglob("*.py")):
            yield f"{package}/{file.relative_to(folder).as_posix()}", file


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that two environments don't share.

    Attributes:
        name: such as "processor model" or "numpy".
        a, b: what it is in each, in words.
    """

    name: str
    a: str
    b: str

    def __str__(self) -> str:
        return f"{self.name}: {self.a} and {self.b}"


def differences(a: Environment, b: Environment) -> list[Difference]:
    """Every fact in which two environments differ, of those that their fingerprints cover."""
    facts_a, facts_b = (dict(_facts("", fingerprinted(one))) for one in (a, b))
    names = dict.fromkeys([*facts_a, *facts_b])
    found = [Difference(name, facts_a.get(name, ABSENT), facts_b.get(name, ABSENT)) for name in names]
    return [difference for difference in found if difference.a != difference.b]


def in_words(a: Environment, b: Environment) -> str:
    """The differences in one line; where none is recorded, the two fingerprints."""
    found = differences(a, b)
    if not found:
        return f"fingerprint: {a.fingerprint} and {b.fingerprint}"
    named = [str(difference) for difference in found[:MOST_NAMED]]
    left = len(found) - len(named)
    return "; ".join([*named, f"{left} more"] if left else named)


def _facts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Name and value of each fact in a record. What packages and variables are called says enough by itself."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            plain = name in ("", "packages", "variables", "cuda_packages", "container")
            yield from _facts(str(key) if plain else f"{name} {key}".replace("_", " "), inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, inner in enumerate(value):
            yield from _facts(f"{name} {number}", inner)
    else:
        yield name, ABSENT if value is None else str(value)
