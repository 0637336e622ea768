"""A stand-in for `pynvml`: its functions' names and signatures are taken from the installed package."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any
from unittest.mock import create_autospec

import pynvml

BOARD = {
    "Name": "NVIDIA H100 80GB HBM3",
    "MemoryInfo": SimpleNamespace(total=85_520_809_984),
    "CudaComputeCapability": (9, 0),
    "EnforcedPowerLimit": 700_000,
    "EccMode": [1, 1],
    "MigMode": [0, 0],
    "UUID": "GPU-0a",
    "ClockInfo": 1980,
    "TemperatureV": 41,
    "PowerUsage": 120_500,
    "CurrentClocksEventReasons": 0x1,
    "ComputeRunningProcesses": [],
    "TotalEnergyConsumption": 5_000_000,
}


def not_supported() -> pynvml.NVMLError:
    return error("NOT_SUPPORTED")


def error(name: str) -> pynvml.NVMLError:
    return pynvml.NVMLError(getattr(pynvml, f"NVML_ERROR_{name}"))


def loaded(*boards: Mapping[str, Any], parts: Mapping[str, int] | None = None, **system: Any) -> Any:
    """A library with these boards; a handle is the board's number.

    :param boards: what each answers instead of `BOARD`: a value, an error to raise, or a function of no arguments.
    :param parts: of boards that MIG divides: from identity to the number of the board.
    :param system: what functions without a board answer, by the end of their name.
    """
    fake = SimpleNamespace(
        **{
            name: getattr(pynvml, name)
            for name in dir(pynvml)
            if name.startswith(("NVML_", "NVMLError", "NVMLLibraryMismatch"))
        }
    )
    known = [{**BOARD, "UUID": f"GPU-{number}a", **board} for number, board in enumerate(boards)]
    whole = dict(parts or {})

    def add(name: str, answer: Callable[..., Any]) -> None:
        setattr(fake, name, create_autospec(getattr(pynvml, name), side_effect=answer))

    def ask(handle: Any, name: str) -> Any:
        if handle in whole:  # of a part, only its processes are told
            return given(known[whole[handle]][name] if name == "ComputeRunningProcesses" else not_supported())
        return given(known[handle][name])

    def by_uuid(uuid: str) -> Any:
        if uuid in whole:
            return uuid
        found = [number for number, board in enumerate(known) if board["UUID"] == uuid]
        if not found:
            raise error("NOT_FOUND")
        return found[0]

    answers = {"DriverVersion": "580.95.05", "CudaDriverVersion_v2": 13_000, **system}
    for name, value in answers.items():
        add(f"nvmlSystemGet{name}", lambda value=value: given(value))
    for name in BOARD:
        add(f"nvmlDeviceGet{name}", lambda handle, *_, name=name: ask(handle, name))
    add("nvmlInit", lambda: None)
    add("nvmlShutdown", lambda: None)
    add("nvmlDeviceGetCount", lambda: len(known))
    add("nvmlDeviceGetHandleByIndex", lambda index: index)
    add("nvmlDeviceGetHandleByUUID", by_uuid)
    add("nvmlDeviceIsMigDeviceHandle", lambda handle: ctypes.c_uint(handle in whole))
    add("nvmlDeviceGetDeviceHandleFromMigDeviceHandle", lambda handle: whole[handle])
    return fake


def given(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value() if callable(value) else value


def process(pid: int) -> SimpleNamespace:
    """As `nvmlDeviceGetComputeRunningProcesses` lists one."""
    return SimpleNamespace(pid=pid, usedGpuMemory=None)
