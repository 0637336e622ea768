"""The environment: what is comparable, and nothing that names the owner."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from zoo.bench import environment


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return environment.collect()


def test_the_environment_is_json(found: dict[str, Any]) -> None:
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_it_holds_what_is_listed_here_and_nothing_that_names_the_owner(found: dict[str, Any]) -> None:
    assert set(found) == {
        "processor",
        "accelerators",
        "os",
        "python",
        "packages",
        "container",
        "fingerprint",
    }
    assert set(found["processor"]) == {
        "model",
        "architecture",
        "physical_cores",
        "logical_cores",
        "usable_cores",
        "memory_bytes",
        "caches",
        "governor",
    }
    assert set(found["os"]) == {"system", "release"}
    assert set(found["container"]) <= {"cpu.max", "memory.max"}
    assert all(set(device) == {"name", "driver", "memory"} for device in found["accelerators"])


def test_the_packages_that_are_measured_are_named_with_their_versions(found: dict[str, Any]) -> None:
    import numpy as np

    assert found["packages"]["numpy"] == np.__version__


def test_what_plugins_require_is_named_whether_they_are_in_use_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "zoo_fast-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: zoo-fast\nVersion: 1.0\nRequires-Dist: zoobench\nRequires-Dist: pytest>=1\n")
    (info / "entry_points.txt").write_text("[zoo]\nfast = zoo_fast\n")
    monkeypatch.setattr(environment.sys, "path", [*environment.sys.path, str(tmp_path)])
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "zoo-fast")
    assert environment.package_versions()["pytest"] == pytest.__version__
    assert "zoobench" not in environment.package_versions()


def test_asking_twice_gives_one_fingerprint(found: dict[str, Any]) -> None:
    assert environment.collect()["fingerprint"] == found["fingerprint"]


def test_the_fingerprint_travels_through_json(found: dict[str, Any]) -> None:
    assert environment.fingerprint(json.loads(json.dumps(found))) == found["fingerprint"]


def test_the_fingerprint_does_not_depend_on_the_order_of_the_fields(found: dict[str, Any]) -> None:
    assert environment.fingerprint(dict(reversed(found.items()))) == found["fingerprint"]


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
    found: dict[str, Any], part: str, field: str, value: Any
) -> None:
    other = copy.deepcopy(found)
    other[part][field] = value
    assert environment.fingerprint(other) != found["fingerprint"]


@pytest.mark.parametrize(("field", "value"), [("load", {"start": 9.0}), ("threads", 7), ("device", "other")])
def test_what_jitters_is_not_in_the_fingerprint(found: dict[str, Any], field: str, value: Any) -> None:
    assert environment.fingerprint({**found, field: value}) == found["fingerprint"]


MACHINE = {
    "processor": {"model": "Acme 9", "usable_cores": 4, "memory_bytes": 17_179_869_184},
    "accelerators": [],
    "os": {"system": "Linux", "release": "6.1"},
    "python": "CPython 3.11.7",
    "packages": {"tensorflow": "2.21.0", "keras": "3.12.0", "numpy": "2.4.0"},
}


def test_a_machine_is_described_in_one_line() -> None:
    assert environment.describe(MACHINE) == (
        "Acme 9 · 4 cores · 16 GiB · no accelerator · Linux 6.1 · Python 3.11.7 · tensorflow 2.21.0 · keras 3.12.0"
    )


def test_accelerators_are_named() -> None:
    line = environment.describe({**MACHINE, "accelerators": [{"name": "H1"}, {"name": "H2"}], "packages": {}})
    assert line.endswith("· H1 · H2 · Linux 6.1 · Python 3.11.7")


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a tool in the place of the driver's."""

    def install(script: str) -> None:
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return install


def test_devices_are_read_from_the_drivers_tool(nvidia_smi: Callable[[str], None]) -> None:
    nvidia_smi("echo 'NVIDIA H1, 550.1, 81559 MiB'; echo 'NVIDIA H2, 550.1, 24564 MiB'")
    assert environment.accelerators() == [
        {"name": "NVIDIA H1", "driver": "550.1", "memory": "81559 MiB"},
        {"name": "NVIDIA H2", "driver": "550.1", "memory": "24564 MiB"},
    ]


@pytest.mark.parametrize(
    "script",
    [
        "exit 9",
        "exit 0",
        "echo; echo",
        "echo 'No devices were found'",
        "echo 'Failed to initialize NVML: Driver/library version mismatch'",
        r"printf '\377\376\n'",
        "kill -9 $$",
    ],
)
def test_a_driver_tool_that_fails_means_no_accelerator(nvidia_smi: Callable[[str], None], script: str) -> None:
    nvidia_smi(script)
    assert environment.accelerators() == []


def test_without_the_drivers_tool_there_is_no_accelerator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment.accelerators() == []


def test_a_driver_tool_that_hangs_means_no_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(command: object, **options: Any) -> NoReturn:
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(environment.subprocess, "run", hang)
    assert environment.accelerators() == []


def test_the_usable_cores_are_those_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.os, "sched_getaffinity", lambda _: {3, 5}, raising=False)
    assert environment.usable_cores() == 2


def test_where_load_is_not_counted_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> NoReturn:
        raise OSError

    monkeypatch.setattr(environment.os, "getloadavg", missing)
    assert environment.load_average() is None


def test_the_load_is_what_the_system_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.os, "getloadavg", lambda: (1.2345, 9.0, 9.0))
    assert environment.load_average() == 1.23


@pytest.mark.parametrize("name", environment.PACKAGES)
def test_a_package_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(environment, "PACKAGES", (name, "no-such-thing"))
    monkeypatch.setattr(environment.installed, "requirements", lambda _: {})
    assert set(environment.package_versions()) == {name}


@pytest.mark.parametrize(
    ("script", "count"),
    [
        ("printf '4711\\n4712\\n'", 2),
        ("exit 0", 0),
        ("echo 'No running processes found'", 0),
        ("exit 9", None),
    ],
)
def test_processes_on_the_accelerator_are_counted_by_the_drivers_tool(
    nvidia_smi: Callable[[str], None], script: str, count: int | None
) -> None:
    nvidia_smi(script)
    assert environment.accelerator_processes() == count
