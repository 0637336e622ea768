"""What NVIDIA's management library (NVML) tells about boards: what they are, and what they are doing at a moment.

What a board, a driver or a virtual machine does not tell is a `Reading` with a code: never an exception, never zero.
Names and units are those of NVIDIA's "NVML API Reference Guide"; `pynvml` is its binding (the package nvidia-ml-py).
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, TypeVar

import psutil

from zoo.record.environment import Accelerator
from zoo.record.readings import Reading, missing

T = TypeVar("T")
Handle = Any  # what NVML calls nvmlDevice_t; None stands for no board

# `nvmlClocksEventReason…`: why the clocks are not higher. The bits are part of NVML's interface.
EVENTS: Mapping[int, str] = {
    0x001: "gpu_idle",
    0x002: "applications_clocks_setting",
    0x004: "sw_power_cap",
    0x008: "hw_slowdown",
    0x010: "sync_boost",
    0x020: "sw_thermal_slowdown",
    0x040: "hw_thermal_slowdown",
    0x080: "hw_power_brake_slowdown",
    0x100: "display_clock_setting",
    0x200: "board_limit",
    0x400: "reliability",
}
UNNAMED = "a board without a name"
UUID_PREFIXES = ("GPU-", "MIG-")


@dataclass(frozen=True, slots=True)
class Board:
    """A board that was found.

    Attributes:
        handle: of the board itself.
        part: of the part of it that computes, where MIG divides it; else the same.
        divided: whether MIG divides it.
    """

    handle: Handle
    part: Handle
    divided: bool


class Nvml:
    """An open session with the library."""

    def __init__(self, library: Any) -> None:
        self.binding = library

    def boards(self) -> list[Handle]:
        """All boards that the driver shows, in the order of the PCI bus."""
        count = self._ask("nvmlDeviceGetCount").value or 0
        found = (self._ask("nvmlDeviceGetHandleByIndex", index).value for index in range(count))
        return [handle for handle in found if handle is not None]

    def accelerator(self, handle: Handle) -> Accelerator:
        """A board's model and settings; nothing of them changes while it computes."""
        readings: dict[str, Reading[Any]] = {
            "name": self.name(handle),
            "memory_bytes": self._ask("nvmlDeviceGetMemoryInfo", handle).then(lambda info: int(info.total)),
            "driver": self._ask("nvmlSystemGetDriverVersion").then(_text),
            "cuda_driver": self._ask(("nvmlSystemGetCudaDriverVersion_v2", "nvmlSystemGetCudaDriverVersion")).then(
                lambda number: f"{number // 1000}.{number % 1000 // 10}"
            ),
            "compute_capability": self._ask("nvmlDeviceGetCudaComputeCapability", handle).then(
                lambda pair: f"{pair[0]}.{pair[1]}"
            ),
            "power_limit_w": self._ask("nvmlDeviceGetEnforcedPowerLimit", handle).then(lambda mw: mw / 1000),
            "ecc": self._ask("nvmlDeviceGetEccMode", handle).then(lambda modes: bool(modes[0])),
            "mig": self._ask("nvmlDeviceGetMigMode", handle).then(lambda modes: bool(modes[0])),
        }
        values: dict[str, Any] = {name: reading.value for name, reading in readings.items()}
        reasons = {name: reading.code or "error" for name, reading in readings.items() if reading.value is None}
        return Accelerator(**{**values, "name": values["name"] or UNNAMED}, reasons=reasons)

    def name(self, handle: Handle) -> Reading[str]:
        """What a board is called."""
        return self._ask("nvmlDeviceGetName", handle).then(_text)

    def uuid(self, handle: Handle) -> Reading[str]:
        """The board's identity, `"GPU-…"`. It is never recorded: it would name its owner."""
        return self._ask("nvmlDeviceGetUUID", handle).then(_text)

    def by_uuid(self, uuid: str) -> Reading[Board]:
        """The board, or the part of one, with that identity.

        :param uuid: with or without its prefix.
        """
        names = [uuid] if uuid.startswith(UUID_PREFIXES) else [f"{prefix}{uuid}" for prefix in UUID_PREFIXES]
        for name in names:
            found = self._ask("nvmlDeviceGetHandleByUUID", name)
            if found.value is not None:
                return Reading(self.board(found.value))
        return missing("no_board")

    def board(self, handle: Handle) -> Board:
        """The board that a handle stands for, or a part of which."""
        is_part = self._ask("nvmlDeviceIsMigDeviceHandle", handle).value
        if is_part is not None and getattr(is_part, "value", is_part):
            whole = self._ask("nvmlDeviceGetDeviceHandleFromMigDeviceHandle", handle).value
            return Board(whole, handle, True)
        mode = self._ask("nvmlDeviceGetMigMode", handle).value
        return Board(handle, handle, bool(mode and mode[0]))

    def moment(self, board: Board, caller: int) -> Mapping[str, Reading[Any]]:
        """What a board is doing now, by the fields of `zoo.record.conditions.Conditions`.

        :param caller: the process that started the run; neither it nor its descendants count as others.
        """
        library, handle = self.binding, board.handle
        events = ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons")
        temperature = ("nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature")
        return {
            "sm_mhz": self._ask("nvmlDeviceGetClockInfo", handle, library.NVML_CLOCK_SM).then(int),
            "memory_mhz": self._ask("nvmlDeviceGetClockInfo", handle, library.NVML_CLOCK_MEM).then(int),
            "temperature_c": self._ask(temperature, handle, library.NVML_TEMPERATURE_GPU).then(int),
            "power_w": self._ask("nvmlDeviceGetPowerUsage", handle).then(lambda mw: mw / 1000),
            "events": self._ask(events, handle).then(event_names),
            "others": self.others(board, caller),
        }

    def others(self, board: Board, caller: int) -> Reading[int]:
        """How many processes compute on a board that don't belong to this run.

        A process that measures there is one of those that the driver lists. Where it is not, the driver counts by the
        numbers of another namespace, or hides them, and what it lists says nothing.

        :param caller: the process that started the run.
        """
        listed = self._ask("nvmlDeviceGetComputeRunningProcesses", board.part)
        return listed.bind(lambda processes: _others({int(process.pid) for process in processes}, caller))

    def energy_mj(self, board: Board) -> Reading[int]:
        """What the board has used since the driver was loaded, in millijoules (Volta and later)."""
        if board.divided:
            return missing("mig")
        return self._ask("nvmlDeviceGetTotalEnergyConsumption", board.handle).then(int)

    def _ask(self, functions: str | tuple[str, ...], *arguments: Any) -> Reading[Any]:
        """What a function of the library answers.

        :param functions: its name; or several, of which the first counts that the library and the driver have.
        """
        answer: Reading[Any] = missing("not_supported")
        for name in (functions,) if isinstance(functions, str) else functions:
            function = getattr(self.binding, name, None)
            if function is None:
                continue
            try:
                return Reading(function(*arguments))
            except self.binding.NVMLError as error:
                answer = _failed(self.binding, error)
            except self.binding.NVMLLibraryMismatchError:  # the driver is older than the function
                answer = missing("not_supported")
            if answer.code != "not_supported":
                return answer
        return answer


@contextlib.contextmanager
def session(library: Any | None = None) -> Iterator[Reading[Nvml]]:
    """A session with the library while the block lasts.

    :param library: in place of `pynvml`.
    """
    if library is None:
        try:
            library = importlib.import_module("pynvml")
        except ImportError:
            yield missing("no_library")
            return
    try:
        library.nvmlInit()
    except library.NVMLError as error:
        yield _failed(library, error)
        return
    try:
        yield Reading(Nvml(library))
    finally:
        with contextlib.suppress(library.NVMLError):
            library.nvmlShutdown()


def find(
    nvml: Nvml, uuid: str | None, number: int, name: str, environment: Mapping[str, str] = os.environ
) -> Reading[Board]:
    """The board that a framework calls its GPU of that number.

    NVML numbers all boards by the PCI bus. CUDA numbers those that CUDA_VISIBLE_DEVICES names, in its order; without
    CUDA_DEVICE_ORDER=PCI_BUS_ID, "fastest first", and leaves the order of the others open (CUDA C++ Programming Guide,
    "CUDA Environment Variables"). Where that does not tell the board, there is none: the wrong one would be worse.

    :param uuid: that the framework gives the GPU, if it does.
    :param number: the framework's.
    :param name: that the framework gives the GPU; a board that is called otherwise is not the one.
    """
    if uuid is not None:
        return nvml.by_uuid(uuid)
    boards = nvml.boards()
    if not boards:
        return missing("no_board")
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    entry = None
    if visible is not None:
        entries = [part.strip() for part in visible.split(",")]
        entry = entries[number] if number < len(entries) else ""
        if entry.startswith(UUID_PREFIXES):
            return _by_prefix(nvml, boards, entry)
    named = [handle for handle in boards if is_called(name, nvml.name(handle).value)]
    if len(named) == 1:
        return Reading(nvml.board(named[0]))
    if environment.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID":
        return missing("which_board")
    index = number if entry is None else int(entry) if re.fullmatch(r"\d+", entry) else len(boards)
    if index < len(boards) and boards[index] in named:
        return Reading(nvml.board(boards[index]))
    return missing("which_board")


def _by_prefix(nvml: Nvml, boards: Sequence[Handle], entry: str) -> Reading[Board]:
    """The board whose identity begins so: CUDA takes an abbreviation where it is unique."""
    found = [handle for handle in boards if (nvml.uuid(handle).value or "").startswith(entry)]
    return Reading(nvml.board(found[0])) if len(found) == 1 else nvml.by_uuid(entry)


def is_called(name: str, board: str | None) -> bool:
    """Whether a framework's name for a GPU is that of a board; a part of one is called `"… MIG 1g.5gb"`."""
    return board is not None and (name == board or name.startswith(f"{board} MIG "))


def event_names(bits: int) -> tuple[str, ...]:
    """The names of `EVENTS` whose bits are set; a bit without a name is written as a number."""
    set_bits = (1 << place for place in range(bits.bit_length()) if bits >> place & 1)
    return tuple(EVENTS.get(bit, f"bit_{bit:#x}") for bit in set_bits)


def _others(pids: Set[int], caller: int) -> Reading[int]:
    if os.getpid() not in pids:
        return missing("pid_namespace")
    return Reading(sum(not _belongs(pid, caller) for pid in pids))


def _belongs(pid: int, caller: int) -> bool:
    """Whether a process is `caller`, or descends from it."""
    if pid in (caller, os.getpid()):
        return True
    try:
        return any(parent.pid == caller for parent in psutil.Process(pid).parents())
    except psutil.Error:
        return False


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _failed(library: Any, error: Exception) -> Reading[Any]:
    codes = {
        library.NVML_ERROR_LIBRARY_NOT_FOUND: "no_driver",
        library.NVML_ERROR_DRIVER_NOT_LOADED: "no_driver",
        library.NVML_ERROR_NO_PERMISSION: "no_permission",
        library.NVML_ERROR_NOT_SUPPORTED: "not_supported",
        library.NVML_ERROR_FUNCTION_NOT_FOUND: "not_supported",
        library.NVML_ERROR_NOT_FOUND: "no_board",
    }
    code = codes.get(getattr(error, "value", None))
    return missing("error", str(error)) if code is None else missing(code)
