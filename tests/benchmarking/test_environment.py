"""The environment: what is comparable, and nothing that names the owner."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, NoReturn
from unittest import mock

import nvml
import pytest

from zoo.benchmarking import environment
from zoo.cgroups import Groups, Quota
from zoo.record.environment import Environment


@pytest.fixture(scope="module")
def found() -> Environment:
    return environment.collect()


def test_the_environment_is_json(found: Environment) -> None:
    assert Environment.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False))) == found


def test_it_holds_what_is_listed_here_and_nothing_that_names_the_owner(found: Environment) -> None:
    values = found.to_json()
    assert set(values) == {
        "processor",
        "accelerators",
        "cuda_packages",
        "os",
        "python",
        "packages",
        "container",
        "variables",
        "fingerprint",
        "device",
        "threads",
        "load",
        "cuda",
    }
    assert set(values["processor"]) == {
        "model",
        "architecture",
        "physical_cores",
        "logical_cores",
        "usable_cores",
        "memory_bytes",
        "caches",
        "governor",
    }
    assert set(values["os"]) == {"system", "release"}
    assert set(values["container"]) <= {"cpu.max", "memory.max"}


def test_all_packages_are_named_with_their_versions(found: Environment) -> None:
    import numpy as np

    assert found.packages["numpy"] == np.__version__


def test_asking_twice_gives_one_fingerprint(found: Environment) -> None:
    assert environment.fingerprint(environment.collect()) == environment.fingerprint(found)


def test_the_fingerprint_travels_through_json(found: Environment) -> None:
    travelled = Environment.from_json(json.loads(json.dumps(found.to_json())))
    assert environment.fingerprint(travelled) == environment.fingerprint(found)


def test_the_fingerprint_does_not_depend_on_the_order_of_the_fields(found: Environment) -> None:
    reordered = Environment.from_json(dict(reversed(found.to_json().items())))
    packages = dict(reversed(found.packages.items()))
    other = dataclasses.replace(reordered, packages=packages)
    assert environment.fingerprint(other) == environment.fingerprint(found)


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("processor", "model", "Another CPU"),
        ("processor", "usable_cores", 3000),
        ("processor", "governor", "another"),
        ("os", "release", "another"),
        ("packages", "tensorflow", "0.0.1"),
        ("container", "cpu.max", "1 2"),
    ],
)
def test_what_decides_comparability_is_in_the_fingerprint(
    found: Environment, part: str, field: str, value: Any
) -> None:
    other = found.to_json()
    other[part][field] = value
    assert environment.fingerprint(Environment.from_json(other)) != environment.fingerprint(found)


@pytest.mark.parametrize(("field", "value"), [("load", {"start": 9.0}), ("threads", 7), ("device", "other")])
def test_what_jitters_is_not_in_the_fingerprint(found: Environment, field: str, value: Any) -> None:
    other = Environment.from_json({**found.to_json(), field: value})
    assert environment.fingerprint(other) == environment.fingerprint(found)


MACHINE: dict[str, Any] = {
    "fingerprint": "0123456789abcdef",
    "processor": {"model": "Acme 9", "architecture": "x86_64", "usable_cores": 4, "memory_bytes": 17_179_869_184},
    "accelerators": [],
    "os": {"system": "Linux", "release": "6.1"},
    "python": "CPython 3.11.7",
    "packages": {"tensorflow": "2.21.0", "keras": "3.12.0", "numpy": "2.4.0"},
}


def made(values: dict[str, Any], **changes: Any) -> Environment:
    return Environment.from_json({**values, **changes})


def described(**changes: Any) -> str:
    return made(MACHINE, **changes).in_a_line()


def test_a_machine_is_described_in_one_line() -> None:
    assert described() == (
        "Acme 9 · 4 cores · 16 GiB · no accelerator · Linux 6.1 · Python 3.11.7 · tensorflow 2.21.0 · keras 3.12.0"
    )


def test_accelerators_are_named() -> None:
    line = described(accelerators=[{"name": "H1"}, {"name": "H2"}], packages={})
    assert line.endswith("· H1 · H2 · Linux 6.1 · Python 3.11.7")


BOARD = {
    "name": "NVIDIA H100 80GB HBM3",
    "memory_bytes": 85_520_809_984,
    "driver": "580.95.05",
    "cuda_driver": "13.0",
    "compute_capability": "9.0",
    "power_limit_w": 700.0,
    "ecc": True,
    "mig": False,
    "reasons": {},
}


def test_boards_are_told_by_the_drivers_library_without_what_identifies_them() -> None:
    found = environment.accelerators(nvml.loaded({}, {"Name": "NVIDIA T4", "MigMode": nvml.not_supported()}))
    assert [board.to_json() for board in found] == [
        BOARD,
        {**BOARD, "name": "NVIDIA T4", "mig": None, "reasons": {"mig": "not_supported"}},
    ]


def test_a_board_without_a_name_is_a_board() -> None:
    [found] = environment.accelerators(nvml.loaded({"Name": nvml.not_supported()}))
    assert (found.name, found.reasons) == ("a board without a name", {"name": "not_supported"})


@pytest.mark.parametrize("raised", ["LIBRARY_NOT_FOUND", "DRIVER_NOT_LOADED", "LIB_RM_VERSION_MISMATCH", "UNKNOWN"])
def test_a_driver_that_fails_means_no_accelerator(raised: str) -> None:
    library = nvml.loaded({})
    library.nvmlInit.side_effect = nvml.error(raised)
    assert environment.accelerators(library) == ()


MACHINE_WITH_GPU = {**MACHINE, "accelerators": [BOARD], "cuda_packages": {"nvidia-cudnn-cu12": "9.10.2"}}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "NVIDIA H200"),
        ("memory_bytes", 1),
        ("driver", "581"),
        ("cuda_driver", "13.1"),
        ("power_limit_w", 350.0),
        ("ecc", False),
        ("mig", True),
    ],
)
def test_the_board_and_its_driver_are_in_the_fingerprint(name: str, value: object) -> None:
    other = made(MACHINE_WITH_GPU, accelerators=[{**BOARD, name: value}])
    assert environment.fingerprint(other) != environment.fingerprint(made(MACHINE_WITH_GPU))


def test_the_packages_of_cuda_are_in_the_fingerprint_where_there_is_a_board_and_only_there() -> None:
    newer = {"cuda_packages": {"nvidia-cudnn-cu12": "9.11.0"}}
    with_gpu, without = made(MACHINE_WITH_GPU), made(MACHINE)
    assert environment.fingerprint(made(MACHINE_WITH_GPU, **newer)) != environment.fingerprint(with_gpu)
    assert environment.fingerprint(made(MACHINE, **newer)) == environment.fingerprint(without)


def test_the_fingerprint_without_a_board_is_what_it_was_before_boards_were_asked() -> None:
    assert environment.fingerprint(made(MACHINE)) == "d9b66ec710e29230"


def test_variables_that_change_what_computes_are_in_the_fingerprint_if_any_are_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(environment, "variables_set", dict)
    without = environment.collect()
    bare = environment.fingerprint(without)
    older = {name: value for name, value in without.to_json().items() if name != "variables"}
    assert environment.fingerprint(Environment.from_json(older)) == bare
    monkeypatch.setattr(environment, "variables_set", lambda: {"OMP_NUM_THREADS": "1"})
    assert environment.fingerprint(environment.collect()) != bare


def test_the_limits_of_a_container_are_those_of_its_control_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = mock.create_autospec(Groups, instance=True)
    groups.quota.return_value, groups.memory_limit_bytes.return_value = Quota(150_000, 100_000), 2**30
    monkeypatch.setattr(environment.Groups, "of_this_process", lambda: groups)
    assert environment.container_limits() == {"cpu.max": "150000 100000", "memory.max": "1073741824"}
    groups.quota.return_value = groups.memory_limit_bytes.return_value = None
    assert environment.container_limits() == {}


def test_where_load_is_not_counted_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> NoReturn:
        raise OSError

    monkeypatch.setattr(environment.os, "getloadavg", missing)
    assert environment.load_average() is None


def test_the_load_is_what_the_system_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.os, "getloadavg", lambda: (1.2345, 9.0, 9.0))
    assert environment.load_average() == 1.23
