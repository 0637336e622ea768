"""How the board fared while it was measured: its clocks, what held them back, its heat, and who else computed on it.

It is read right before and right after each turn, outside what is timed. A thread that looked in between would disturb.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.benchmarking import nvidia, powercap
from zoo.benchmarking.energy import BoardCounter, Counter
from zoo.benchmarking.nvidia import Board, Nvml
from zoo.record.conditions import Conditions
from zoo.record.readings import Reading, reason
from zoo.runtimes import Runtime, UsesCuda

SEEN = ("sm_mhz", "memory_mhz", "temperature_c", "power_w", "events", "others")


class Watch:
    """Looks at a board whenever it is entered or left.

    :param caller: the process that started the run.
    """

    def __init__(self, nvml: Nvml, board: Board, caller: int) -> None:
        self.nvml, self.board, self.caller = nvml, board, caller
        self.moments: list[Mapping[str, Reading[Any]]] = []
        self.before: Reading[int] | None = None

    def __enter__(self) -> None:
        self.moments.append(self.nvml.moment(self.board, self.caller))

    def __exit__(self, *_: object) -> None:
        self.moments.append(self.nvml.moment(self.board, self.caller))

    def look_before(self) -> None:
        """See who computes on the board before our first call."""
        self.before = self.nvml.others(self.board, self.caller)

    def recorded(self) -> Conditions:
        """All of it: the start and the end of each turn, and who computed before our first call."""
        seen = {name: [moment[name] for moment in self.moments] for name in SEEN}
        every = {**seen, "others_before": [] if self.before is None else [self.before]}
        codes = {name: next((one.code for one in readings if one.code), None) for name, readings in every.items()}
        values: dict[str, Any] = {name: tuple(one.value for one in readings) for name, readings in seen.items()}
        return Conditions(
            **values,
            others_before=self.before.value if self.before is not None else None,
            reasons={name: code for name, code in codes.items() if code is not None},
        )


@dataclass(frozen=True, slots=True)
class Instruments:
    """What can be read in this process.

    Attributes:
        counter: of energy: the board's, or the processor's where that computes.
        watch: of the board; None where the processor computes; else, why there is none.
    """

    counter: Reading[Counter]
    watch: Reading[Watch] | None

    def watches(self) -> tuple[Watch, ...]:
        """The one that there is, or none."""
        return (self.watch.value,) if self.watch is not None and self.watch.value is not None else ()

    def conditions(self) -> Conditions | None:
        """What was seen of the board; None where the processor computes."""
        if self.watch is None:
            return None
        found = self.watch.value
        return Conditions(code=self.watch.code or "error") if found is None else found.recorded()


@contextlib.contextmanager
def instruments(
    device: str, name: str, runtime: Runtime, caller: int, library: Any | None = None
) -> Iterator[Instruments]:
    """The instruments for a device, while the block lasts.

    :param device: of the scenario: `"cpu"`, `"gpu"` or `"gpu:N"`.
    :param name: that the runtime gives it.
    :param runtime: that has started.
    :param caller: the process that started the run.
    :param library: in place of `pynvml`.
    """
    if device == "cpu":
        yield Instruments(powercap.find(), None)
        return
    uuid = runtime.uses_cuda().uuid if isinstance(runtime, UsesCuda) else None
    number = int(device.partition(":")[2] or 0)
    with nvidia.session(library) as nvml:
        watch = nvml.bind(
            lambda found: nvidia.find(found, uuid, number, name).then(lambda board: Watch(found, board, caller))
        )
        counter = watch.then(lambda watch: BoardCounter(watch.nvml, watch.board))
        yield Instruments(counter.bind(lambda board: board.read().then(lambda _: board)), watch)


@dataclass(frozen=True, slots=True)
class Readable:
    """Whether a device's energy can be read here.

    Attributes:
        device: "processor", or the name of a board.
        problem: why it can't, and what to do; None where it can.
    """

    device: str
    problem: str | None


def readable(library: Any | None = None, root: Path | None = None) -> list[Readable]:
    """Which energy counters can be read here: the processor's, and those of NVIDIA's boards.

    :param library: in place of `pynvml`.
    :param root: of the powercap tree, if not the system's.
    """
    processor = powercap.find(root)
    found = [Readable("processor", None if processor.value else processor.reason)]
    with nvidia.session(library) as nvml:
        if nvml.value is None:
            return [*found, Readable("NVIDIA GPU", nvml.reason)]
        boards = nvml.value.boards()
        for handle in boards:
            energy = nvml.value.energy_mj(nvml.value.board(handle))
            name = nvml.value.name(handle).value or "NVIDIA GPU"
            found.append(Readable(name, energy.reason if energy.value is None else None))
        if not boards:
            found.append(Readable("NVIDIA GPU", reason("no_board")))
    return found
