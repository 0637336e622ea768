"""What NVML tells, and what becomes of what it doesn't."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import nvml
import pynvml
import pytest

from zoo.benchmarking import nvidia
from zoo.benchmarking.nvidia import Board, Nvml
from zoo.record.conditions import Conditions
from zoo.record.readings import CODES

WHOLE = Board(0, 0, False)
H100 = nvml.BOARD["Name"]
PCI = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def opened(*boards: dict[str, Any], **system: Any) -> Nvml:
    return Nvml(nvml.loaded(*boards, **system))


def test_a_board_says_what_it_is() -> None:
    assert opened({}).accelerator(0).to_json() == {
        "name": H100,
        "memory_bytes": 85_520_809_984,
        "driver": "580.95.05",
        "cuda_driver": "13.0",
        "compute_capability": "9.0",
        "power_limit_w": 700.0,
        "ecc": True,
        "mig": False,
        "reasons": {},
    }


def test_older_bindings_answer_in_bytes() -> None:
    board = opened({"Name": b"Tesla V100"}, DriverVersion=b"535.1", CudaDriverVersion_v2=12_020).accelerator(0)
    assert (board.name, board.driver, board.cuda_driver) == ("Tesla V100", "535.1", "12.2")


def test_a_board_says_what_it_is_doing() -> None:
    board = {
        "CurrentClocksEventReasons": 0x4 | 0x20,
        "ComputeRunningProcesses": [nvml.process(os.getpid())],
    }
    moment = opened(board).moment(WHOLE, os.getpid())
    assert {name: reading.value for name, reading in moment.items()} == {
        "sm_mhz": 1980,
        "memory_mhz": 1980,
        "temperature_c": 41,
        "power_w": 120.5,
        "events": ("sw_power_cap", "sw_thermal_slowdown"),
        "others": 0,
    }


@pytest.mark.parametrize("name", sorted(nvml.BOARD))
def test_what_one_call_does_not_support_costs_only_that(name: str) -> None:
    one = opened({name: nvml.not_supported()})
    seen = [
        *one.moment(WHOLE, 1).values(),
        one.energy_mj(WHOLE),
        one.uuid(0),
    ]
    codes = [*one.accelerator(0).reasons.values()]
    codes += [reading.code for reading in seen if reading.value is None and reading.code != "pid_namespace"]
    assert codes == ["not_supported"] * (2 if name == "ClockInfo" else 1)


def test_nothing_is_zero_where_nothing_is_told() -> None:
    silent = opened(dict.fromkeys(nvml.BOARD, nvml.not_supported()))
    moment, board = silent.moment(WHOLE, 1), silent.accelerator(0).to_json()
    assert {reading.value for reading in moment.values()} == {None}
    assert {name for name, value in board.items() if value is not None} == {"name", "driver", "cuda_driver", "reasons"}
    assert board["name"] == "a board without a name"
    assert set(board["reasons"]) == set(board) - {"driver", "cuda_driver", "reasons"}


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        ("LIBRARY_NOT_FOUND", "no_driver"),
        ("DRIVER_NOT_LOADED", "no_driver"),
        ("NO_PERMISSION", "no_permission"),
        ("NOT_SUPPORTED", "not_supported"),
        ("LIB_RM_VERSION_MISMATCH", "error"),
        ("UNKNOWN", "error"),
    ],
)
def test_a_driver_that_does_not_start_says_why(raised: str, code: str) -> None:
    library = nvml.loaded({})
    library.nvmlInit.side_effect = nvml.error(raised)
    with nvidia.session(library) as found:
        assert (found.value, found.code) == (None, code)
    assert not library.nvmlShutdown.called
    assert found.reason.startswith(f"{code}: ")


def test_an_error_that_has_no_code_is_told_by_the_library() -> None:
    found = opened({"PowerUsage": nvml.error("GPU_IS_LOST")}).moment(WHOLE, 1)["power_w"]
    assert (found.value, found.code, found.detail) == (None, "error", "GPU is lost")


def test_a_session_is_closed_whatever_happens() -> None:
    library = nvml.loaded({})
    with pytest.raises(KeyboardInterrupt), nvidia.session(library):
        raise KeyboardInterrupt
    assert library.nvmlShutdown.call_count == 1


def test_without_the_package_there_is_a_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with nvidia.session() as found:
        assert found.code == "no_library"


def test_an_older_driver_is_asked_by_the_older_names() -> None:
    library = nvml.loaded({"CurrentClocksEventReasons": nvml.error("FUNCTION_NOT_FOUND")})
    library.nvmlDeviceGetCurrentClocksThrottleReasons = lambda handle: 0x40
    assert Nvml(library).moment(WHOLE, 1)["events"].value == ("hw_thermal_slowdown",)


def test_a_driver_that_is_older_than_the_binding_is_no_error() -> None:
    old = opened({"ComputeRunningProcesses": pynvml.NVMLLibraryMismatchError("older")})
    assert old.others(WHOLE, 1).code == "not_supported"


def test_a_function_that_a_later_binding_drops_is_not_missed() -> None:
    library = nvml.loaded({})
    del library.nvmlDeviceGetTemperatureV
    assert Nvml(library).moment(WHOLE, 1)["temperature_c"].code == "not_supported"
    library.nvmlDeviceGetTemperature = lambda handle, sensor: 50
    assert Nvml(library).moment(WHOLE, 1)["temperature_c"].value == 50


def test_the_names_of_the_events_are_the_bindings() -> None:
    named = {
        getattr(pynvml, name)
        for name in dir(pynvml)
        if name.startswith(("nvmlClocksEventReason", "nvmlClocksThrottleReason")) and not name.endswith(("All", "None"))
    }
    assert set(nvidia.EVENTS) == {value for value in named if isinstance(value, int)}


@pytest.mark.parametrize(
    ("bits", "names", "throttling"),
    [
        (0x0, (), set()),
        (0x1, ("gpu_idle",), set()),
        (0x2, ("applications_clocks_setting",), set()),
        (0x4, ("sw_power_cap",), {"sw_power_cap"}),
        (0x81, ("gpu_idle", "hw_power_brake_slowdown"), {"hw_power_brake_slowdown"}),
        (0x100000, ("bit_0x100000",), {"bit_0x100000"}),
    ],
)
def test_events_have_names_and_some_hold_the_board_back(
    bits: int, names: tuple[str, ...], throttling: set[str]
) -> None:
    assert nvidia.event_names(bits) == names
    assert Conditions(events=(names, None)).throttling() == throttling


@pytest.fixture
def child() -> Iterator[int]:
    """A process that this one started."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        yield running.pid
        running.kill()


def test_only_processes_of_others_count(child: int) -> None:
    listed = [nvml.process(pid) for pid in (os.getpid(), child, os.getppid(), 2**22 + 1)]
    board = opened({"ComputeRunningProcesses": listed})
    assert board.others(WHOLE, os.getpid()).value == 2
    assert board.others(WHOLE, os.getppid()).value == 1


@pytest.mark.parametrize("pids", [[], [2**22 + 1]])
def test_a_list_without_ourselves_says_nothing_of_others(pids: list[int]) -> None:
    found = opened({"ComputeRunningProcesses": [nvml.process(pid) for pid in pids]}).others(WHOLE, os.getpid())
    assert (found.value, found.code) == (None, "pid_namespace")


@pytest.mark.parametrize(
    ("uuid", "number", "environment", "expected"),
    [
        ("GPU-1a", 0, {}, 1),
        ("1a", 0, {}, 1),
        ("GPU-1a", 0, {"CUDA_VISIBLE_DEVICES": "0"}, 1),
        ("9f", 0, {}, "no_board"),
        (None, 0, {}, "which_board"),
        (None, 1, PCI, 1),
        (None, 2, PCI, "which_board"),
        (None, 0, {**PCI, "CUDA_VISIBLE_DEVICES": "1,0"}, 1),
        (None, 1, {**PCI, "CUDA_VISIBLE_DEVICES": " 1, 0"}, 0),
        (None, 2, {**PCI, "CUDA_VISIBLE_DEVICES": "1,0"}, "which_board"),
        (None, 0, {**PCI, "CUDA_VISIBLE_DEVICES": "7"}, "which_board"),
        (None, 0, {**PCI, "CUDA_VISIBLE_DEVICES": "-1"}, "which_board"),
        (None, 0, {**PCI, "CUDA_VISIBLE_DEVICES": ""}, "which_board"),
        (None, 0, {"CUDA_VISIBLE_DEVICES": "1"}, "which_board"),
        (None, 0, {"CUDA_VISIBLE_DEVICES": "GPU-1a"}, 1),
        (None, 1, {"CUDA_VISIBLE_DEVICES": "GPU-1a,GPU-0"}, 0),
        (None, 0, {"CUDA_VISIBLE_DEVICES": "GPU-"}, "no_board"),
    ],
)
def test_one_of_several_boards_is_found_or_none(
    uuid: str | None, number: int, environment: dict[str, str], expected: int | str
) -> None:
    found = nvidia.find(opened({}, {}), uuid, number, H100, environment)
    assert (found.value.handle if found.value else found.code) == expected


def test_the_only_board_of_a_name_needs_no_order() -> None:
    mixed = opened({"Name": "NVIDIA A2"}, {}, {"Name": "NVIDIA A2"})
    assert nvidia.find(mixed, None, 0, H100, {}).value == Board(1, 1, False)
    assert nvidia.find(mixed, None, 0, "NVIDIA A2", {}).code == "which_board"
    assert nvidia.find(mixed, None, 1, "NVIDIA A2", PCI).code == "which_board"
    assert nvidia.find(mixed, None, 2, "NVIDIA A2", PCI).value == Board(2, 2, False)
    assert nvidia.find(mixed, None, 0, "AMD Instinct", {}).code == "which_board"


def test_without_boards_none_is_found() -> None:
    assert nvidia.find(opened(), None, 0, H100, {}).code == "no_board"


@pytest.mark.parametrize("uuid", ["MIG-7", "7"])
def test_a_part_of_a_board_has_the_boards_clocks_and_no_energy_of_its_own(uuid: str) -> None:
    divided = opened({"MigMode": [1, 1]}, parts={"MIG-7": 0})
    board = divided.by_uuid(uuid).value
    assert board == Board(0, "MIG-7", True)
    assert divided.moment(board, 1)["sm_mhz"].value == 1980
    assert divided.energy_mj(board).code == "mig"


def test_a_board_that_mig_divides_has_no_energy_for_one_of_its_parts() -> None:
    divided = opened({"MigMode": [1, 1]})
    found = nvidia.find(divided, None, 0, f"{H100} MIG 1g.10gb", {})
    assert found.value == Board(0, 0, True)
    assert divided.energy_mj(found.value).code == "mig"


def test_every_code_says_what_it_means() -> None:
    assert all(text and not text.endswith(".") for text in CODES.values())
