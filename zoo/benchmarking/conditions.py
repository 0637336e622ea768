"""How the board fared while it was measured: its clocks, what held them back, its heat, and who else computed on it.

It is read right before and right after each turn, outside what is timed. A thread that looked in between would disturb.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import msgspec

from zoo.benchmarking import nvidia, powercap
from zoo.benchmarking.energy import BoardCounter, Counter
from zoo.benchmarking.nvidia import Board, Moment, Nvml
from zoo.benchmarking.readings import Reading, missing, reason
from zoo.runtimes import Runtime, UsesCuda
from zoo.specs import Plain

SEEN = tuple(field.name for field in fields(Moment))


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions(Plain):
    """What one process has recorded of its board. Lists have two entries a turn, for its start and its end.

    Attributes:
        code: why nothing could be read, if so; as in `zoo.benchmarking.readings.CODES`.
        sm_mhz, memory_mhz, temperature_c, power_w, events, others: as `zoo.benchmarking.nvidia.Moment` has them; None
            where it was not told.
        others_before: how many other processes computed on the board before our first call.
        reasons: the code for what was not told, by name.
    """

    code: str | None = None
    sm_mhz: tuple[int | None, ...] = ()
    memory_mhz: tuple[int | None, ...] = ()
    temperature_c: tuple[int | None, ...] = ()
    power_w: tuple[float | None, ...] = ()
    events: tuple[Sequence[str] | None, ...] = ()
    others: tuple[int | None, ...] = ()
    others_before: int | None = None
    reasons: Mapping[str, str]

    @classmethod
    def of(cls, before: Reading[int] | None, moments: Sequence[Moment]) -> Self:
        """Of what was read.

        :param before: how many others computed before our first call.
        """
        reasons = {
            name: next((code for moment in moments if (code := getattr(moment, name).code) is not None), None)
            for name in SEEN
        }
        if before is not None:
            reasons["others_before"] = before.code
        return cls(
            sm_mhz=tuple(moment.sm_mhz.value for moment in moments),
            memory_mhz=tuple(moment.memory_mhz.value for moment in moments),
            temperature_c=tuple(moment.temperature_c.value for moment in moments),
            power_w=tuple(moment.power_w.value for moment in moments),
            events=tuple(moment.events.value for moment in moments),
            others=tuple(moment.others.value for moment in moments),
            others_before=before.value if before is not None else None,
            reasons={name: code for name, code in reasons.items() if code is not None},
        )

    @classmethod
    def unknown(cls, code: str) -> Self:
        """Nothing could be read."""
        return cls(code=code, reasons={})

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The record that `to_json` wrote, of this version or another: fields that are not known are passed over.

        :raises msgspec.ValidationError: if a field is missing, or of another type.
        """
        return msgspec.convert(values, cls)

    def throttling(self) -> set[str]:
        """What held the board back in any of the moments."""
        return {event for events in self.events for event in nvidia.throttling(events or ())}

    def most_others(self) -> int:
        """The most processes that computed on the board and are not ours; 0 where that is not known."""
        return max((count for count in (*self.others, self.others_before) if count is not None), default=0)


class Watch:
    """Looks at a board whenever it is entered or left.

    :param caller: the process that started the run.
    """

    def __init__(self, nvml: Nvml, board: Board, caller: int) -> None:
        self.nvml, self.board, self.caller = nvml, board, caller
        self.moments: list[Moment] = []
        self.before: Reading[int] | None = None

    def __enter__(self) -> None:
        self.moments.append(self.nvml.moment(self.board, self.caller))

    def __exit__(self, *_: object) -> None:
        self.moments.append(self.nvml.moment(self.board, self.caller))

    def look_before(self) -> None:
        """See who computes on the board before our first call."""
        self.before = self.nvml.others(self.board, self.caller)

    def recorded(self) -> Conditions:
        """All of it."""
        return Conditions.of(self.before, self.moments)


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
        return (
            Conditions.unknown(self.watch.code or "error") if self.watch.value is None else self.watch.value.recorded()
        )


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
        found = powercap.find()
        counter: Reading[Counter] = (
            missing(found.code or "error", found.detail) if found.value is None else Reading(found.value)
        )
        yield Instruments(counter, None)
        return
    with nvidia.session(library) as nvml:
        watch = _watch(nvml, device, name, runtime, caller)
        if watch.value is None:
            yield Instruments(missing(watch.code or "error", watch.detail), watch)
            return
        board = BoardCounter(watch.value.nvml, watch.value.board)
        tried = board.read()
        counter = missing(tried.code or "error", tried.detail) if tried.value is None else Reading(board)
        yield Instruments(counter, watch)


def _watch(nvml: Reading[Nvml], device: str, name: str, runtime: Runtime, caller: int) -> Reading[Watch]:
    if nvml.value is None:
        return missing(nvml.code or "error", nvml.detail)
    uuid = runtime.uses_cuda().uuid if isinstance(runtime, UsesCuda) else None
    number = int(device.partition(":")[2] or 0)
    board = nvidia.find(nvml.value, uuid, number, name)
    if board.value is None:
        return missing(board.code or "error", board.detail)
    return Reading(Watch(nvml.value, board.value, caller))


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


class Together:
    """Several meters as one: entered in their order, so that the last is the nearest to what is timed."""

    def __init__(self, *meters: AbstractContextManager[object]) -> None:
        self.meters = meters

    def __enter__(self) -> None:
        self.entered = ExitStack()
        for meter in self.meters:
            self.entered.enter_context(meter)

    def __exit__(self, *error: Any) -> None:
        self.entered.__exit__(*error)
