"""What computes in a scenario, of all that is installed: only its versions decide which Results are comparable.

An upgrade of ONNX Runtime changes nothing for a Result of the runtime `tensorflow`, nor does installing a linter. What
counts is Keras, NumPy, the framework of the runtime's Keras backend, what the runtime's spec requires, and the plugin
that declares it. The hardware, the system, Python and the environment's variables count for every scenario.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from zoo.benchmarking.environment import fingerprint
from zoo.installed import CORE, normalised
from zoo.record.environment import Environment
from zoo.registry import Entry
from zoo.specs import RuntimeSpec

ALWAYS = ("keras", "numpy")
BACKENDS = {"tensorflow": ("tensorflow",), "jax": ("jax", "jaxlib"), "torch": ("torch",)}


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
