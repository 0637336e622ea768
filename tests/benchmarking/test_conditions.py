"""What is read around each turn of a board, and which instruments a device has."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nvml
import pytest

from zoo.benchmarking import conditions, powercap
from zoo.benchmarking.conditions import Readable, Watch, instruments, readable
from zoo.benchmarking.nvidia import Board, Nvml
from zoo.record.conditions import Conditions
from zoo.runtimes import Cuda

MINE = [nvml.process(os.getpid())]
H100 = nvml.BOARD["Name"]


def watched(turns: int = 1, **board: Any) -> Conditions:
    watch = Watch(Nvml(nvml.loaded({"ComputeRunningProcesses": MINE, **board})), Board(0, 0, False), os.getpid())
    watch.look_before()
    for _ in range(turns):
        with watch:
            pass
    return watch.recorded()


def test_each_turn_is_looked_at_twice() -> None:
    clocks = iter([1980, 2619, 1200, 2619])
    found = watched(ClockInfo=lambda: next(clocks))
    assert (found.sm_mhz, found.memory_mhz) == ((1980, 1200), (2619, 2619))
    assert (found.temperature_c, found.power_w) == ((41, 41), (120.5, 120.5))
    assert (found.events, found.others, found.others_before) == ((("gpu_idle",),) * 2, (0, 0), 0)
    assert found.reasons == {}


def test_what_held_the_board_back_in_any_moment_counts() -> None:
    bits = iter([0x1, 0x4, 0x2, 0x1])
    assert watched(2, CurrentClocksEventReasons=lambda: next(bits)).throttling() == {"sw_power_cap"}
    assert watched(2, CurrentClocksEventReasons=0x3).throttling() == set()


def test_others_before_or_meanwhile_count() -> None:
    other = [*MINE, nvml.process(2**22 + 1)]
    before = iter([other, MINE, MINE])
    meanwhile = iter([MINE, MINE, [*other, nvml.process(2**22 + 2)]])
    assert watched(ComputeRunningProcesses=lambda: next(before)).most_others() == 1
    assert watched(ComputeRunningProcesses=lambda: next(meanwhile)).most_others() == 2
    assert watched().most_others() == 0


def test_what_the_board_does_not_tell_is_none_with_its_code() -> None:
    found = watched(PowerUsage=nvml.not_supported(), ComputeRunningProcesses=[])
    assert found.power_w == (None, None)
    assert (found.others, found.others_before) == ((None, None), None)
    assert found.reasons == {"power_w": "not_supported", "others": "pid_namespace", "others_before": "pid_namespace"}
    assert found.most_others() == 0


def test_what_was_seen_travels_as_json() -> None:
    for found in (watched(3, CurrentClocksEventReasons=0x4), Conditions(code="no_driver")):
        assert Conditions.from_json(json.loads(json.dumps(found.to_json()))) == found


RUNTIME: Any = SimpleNamespace(uses_cuda=lambda: Cuda("GPU-1a", "12.8", "9.10.2"))
SILENT: Any = SimpleNamespace()


def test_a_gpu_has_its_boards_instruments_and_the_session_is_closed() -> None:
    library = nvml.loaded({}, {"TotalEnergyConsumption": 77})
    with instruments("gpu", H100, RUNTIME, os.getpid(), library) as tools:
        [watch] = tools.watches()
        assert watch.board == Board(1, 1, False)
        assert tools.counter.value is not None
        assert tools.counter.value.read().value == (77,)
        assert not library.nvmlShutdown.called
    assert library.nvmlShutdown.call_count == 1


def test_a_gpu_without_a_counter_is_watched_all_the_same() -> None:
    library = nvml.loaded({}, {"TotalEnergyConsumption": nvml.not_supported()})
    with instruments("gpu", H100, RUNTIME, os.getpid(), library) as tools:
        assert tools.counter.code == "not_supported"
        assert len(tools.watches()) == 1


def test_a_board_that_can_not_be_told_has_no_instruments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with instruments("gpu:1", H100, SILENT, os.getpid(), nvml.loaded({}, {})) as tools:
        assert tools.counter.code == "which_board"
        assert tools.watches() == ()
        assert tools.conditions() == Conditions(code="which_board")
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    with instruments("gpu:1", H100, SILENT, os.getpid(), nvml.loaded({}, {})) as tools:
        assert [watch.board.handle for watch in tools.watches()] == [1]


def test_a_gpu_without_a_driver_has_no_instruments() -> None:
    library = nvml.loaded()
    library.nvmlInit.side_effect = nvml.error("LIBRARY_NOT_FOUND")
    with instruments("gpu", H100, RUNTIME, os.getpid(), library) as tools:
        assert (tools.counter.code, tools.watches()) == ("no_driver", ())
        assert tools.conditions() == Conditions(code="no_driver")


def package(root: Path) -> Path:
    zone = root / "intel-rapl:0"
    zone.mkdir()
    (zone / "name").write_text("package-0\n")
    (zone / "energy_uj").write_text("12\n")
    return root


def test_the_processor_has_the_powercap_counter_and_no_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(powercap, "ROOT", package(tmp_path))
    library = nvml.loaded({})
    with instruments("cpu", "cpu", RUNTIME, os.getpid(), library) as tools:
        assert tools.counter.value is not None
        assert tools.counter.value.name == "powercap"
        assert (tools.watch, tools.conditions(), tools.watches()) == (None, None, ())
    assert not library.nvmlInit.called


def test_what_can_be_read_is_said_device_by_device(tmp_path: Path) -> None:
    library = nvml.loaded({}, {"Name": "NVIDIA T4", "TotalEnergyConsumption": nvml.not_supported()})
    one, two, three = readable(library, package(tmp_path))
    assert one == Readable("processor", None)
    assert two == Readable(H100, None)
    assert (three.device, (three.problem or "").partition(":")[0]) == ("NVIDIA T4", "not_supported")


def test_where_there_is_nothing_to_read_it_is_said_why(tmp_path: Path) -> None:
    found = readable(nvml.loaded(), tmp_path)
    assert [(each.device, (each.problem or "").partition(":")[0]) for each in found] == [
        ("processor", "no_counter"),
        ("NVIDIA GPU", "no_board"),
    ]


def test_what_is_seen_are_the_fields_of_a_moment() -> None:
    assert set(conditions.SEEN) < {*Conditions.__slots__}
