"""Only the versions of what computes in a scenario decide what its Result is comparable with."""

from __future__ import annotations

from typing import Any

import pytest
from support import make_environment

from zoo.benchmarking import peak
from zoo.benchmarking.computing import distributions, holds, scoped, union
from zoo.builtin import zoo_runtimes
from zoo.installed import CORE, Plugin
from zoo.record.environment import Environment
from zoo.registry import Entry
from zoo.specs import RuntimeSpec

PACKAGES = {
    "keras": "3.12.0",
    "numpy": "2.4.0",
    "tensorflow": "2.21.0",
    "jax": "0.7",
    "jaxlib": "0.7",
    "torch": "2.13",
    "onnxruntime": "1.24",
    "zoo-onnxruntime": "0.1.0",
    "mypy": "1.0",
}
MACHINE: dict[str, Any] = {
    "accelerators": [],
    "os": {"system": "Linux", "release": "6.1"},
    "python": "CPython 3.11.7",
    "container": {},
    "variables": {},
    "cuda_packages": {},
}


def here(**changes: Any) -> Environment:
    """This machine with all that is installed."""
    return make_environment(**{**MACHINE, "packages": PACKAGES, **changes})


BUILTIN = {spec.name: Entry(spec, CORE) for spec in zoo_runtimes()}
ONNX = Entry(
    RuntimeSpec(
        name="onnxruntime",
        summary="x",
        runtime="zoo_onnxruntime:Runtime",
        keras_backend="tensorflow",
        requires=("tensorflow", "OnnxRuntime"),
    ),
    Plugin("onnxruntime", "zoo_onnxruntime", "0.1.0", "zoo_onnxruntime"),
)
RUNTIMES = {"tensorflow": BUILTIN["tensorflow"], "jax": BUILTIN["jax"], "torch": BUILTIN["torch"], "onnxruntime": ONNX}


def measured(runtime: str, there: Environment | None = None) -> Environment:
    """The environment of a Result of that runtime."""
    return scoped(there or here(), distributions(RUNTIMES[runtime]))


def upgraded(*names: str) -> Environment:
    return here(packages={**PACKAGES, **dict.fromkeys(names, "99")})


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("tensorflow", {"tensorflow", "onnxruntime"}),
        ("jax", {"jax"}),
        ("jaxlib", {"jax"}),
        ("torch", {"torch"}),
        ("onnxruntime", {"onnxruntime"}),
        ("zoo-onnxruntime", {"onnxruntime"}),
        ("keras", set(RUNTIMES)),
        ("numpy", set(RUNTIMES)),
        ("mypy", set()),
        ("installed-later", set()),
    ],
)
def test_an_upgrade_concerns_the_runtimes_that_compute_by_it(name: str, of: set[str]) -> None:
    there = upgraded(name)
    changed = {name for name in RUNTIMES if measured(name).fingerprint != measured(name, there).fingerprint}
    assert changed == of
    assert {name for name in RUNTIMES if not holds(measured(name), there)} == of


@pytest.mark.parametrize(
    "change",
    [
        {"python": "CPython 3.12.0"},
        {"os": {"system": "Linux", "release": "6.2"}},
        {"variables": {"OMP_NUM_THREADS": "1"}},
    ],
)
def test_what_is_no_package_concerns_all(change: dict[str, Any]) -> None:
    assert not any(holds(measured(name), here(**change)) for name in RUNTIMES)


def test_a_result_holds_only_what_computes() -> None:
    assert measured("onnxruntime").packages == {
        name: PACKAGES[name] for name in ("keras", "numpy", "onnxruntime", "tensorflow", "zoo-onnxruntime")
    }


def test_a_package_that_is_gone_is_another_environment() -> None:
    without = {name: version for name, version in PACKAGES.items() if name != "jaxlib"}
    assert not holds(measured("jax"), here(packages=without))


def test_results_of_several_runtimes_have_an_environment_in_common_unless_they_contradict_each_other() -> None:
    common = union([measured("jax"), measured("torch")])
    assert common == scoped(here(), ("jax", "jaxlib", "keras", "numpy", "torch"))
    assert union([measured("jax"), measured("torch", upgraded("keras"))]) is None
    assert union([measured("jax"), measured("torch", here(python="CPython 3.12.0"))]) is None


def test_peaks_depend_on_the_libraries_that_are_tried() -> None:
    for name, same in (("torch", False), ("jaxlib", False), ("keras", True), ("mypy", True)):
        assert (peak.fingerprint(here()) == peak.fingerprint(upgraded(name))) == same
