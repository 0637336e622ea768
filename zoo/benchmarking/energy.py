"""Energy: what a counter says was used while something was sampled, and while nothing was.

Only a counter counts: power that was sampled now and then would be an estimate. Where no counter can be read, or a
window is too short for it, there is no number, and a code says why.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from zoo.benchmarking.nvidia import Board, Nvml
from zoo.record.energy import Energy, Window
from zoo.record.readings import Reading, missing

T = TypeVar("T")


class Counter(Protocol):
    """A counter of energy that only goes up.

    Attributes:
        name: of its kind.
        least_s: the shortest window that it resolves.
        idle_s: how long a window of doing nothing is to be.
    """

    name: str
    least_s: float
    idle_s: float

    def read(self) -> Reading[tuple[int, ...]]:
        """The counts now."""

    def joules(self, before: tuple[int, ...], after: tuple[int, ...]) -> Reading[float]:
        """What was used between two readings."""


class BoardCounter:
    """A board's own counter, of the whole board.

    NVIDIA documents no rate. The counter was seen to step every 20 to 100 ms (PETSc's manual, PetscLogGpuEnergyMeter),
    and the sensor behind it to be read as rarely (Yang et al. 2023, "Part-time Power Measurements", arXiv:2312.02741).
    In 1 s one step more or less is at most a tenth; in the usual 2 s, a twentieth.
    """

    name = "nvml"
    least_s = 1.0
    idle_s = 1.0

    def __init__(self, nvml: Nvml, board: Board) -> None:
        self.nvml, self.board = nvml, board

    def read(self) -> Reading[tuple[int, ...]]:
        """The count now, in millijoules."""
        return self.nvml.energy_mj(self.board).then(lambda count: (count,))

    def joules(self, before: tuple[int, ...], after: tuple[int, ...]) -> Reading[float]:
        """What the board used between two readings. The counter has 64 bits: it goes back only with its driver."""
        used = after[0] - before[0]
        return missing("counter_reset") if used < 0 else Reading(used * 1e-3)


class EnergyMeter:
    """Reads a counter while it is entered, which may be many times, and while nothing is done.

    :param found: the counter, or why there is none.
    :param most_s: how long a turn will last at most. Where no turn can be long enough, nothing idle is measured.
    """

    def __init__(
        self,
        found: Reading[Counter],
        most_s: float,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.found, self.clock, self.sleep = found, clock, sleep
        counter = found.value
        self.idle_s = counter.idle_s if counter is not None and most_s >= counter.least_s else 0.0
        self.turns: list[Window] = []
        self.before: Window | None = None
        self.after: Window | None = None

    def __enter__(self) -> None:
        self.start = self._read()

    def __exit__(self, *_: object) -> None:
        self.turns.append(self._since(self.start))

    def idle_before(self, beside: int) -> None:
        """Measure doing nothing before the first call.

        :param beside: how many other processes start meanwhile; then nothing idle can be measured.
        """
        self.before = Window(0.0, None, "not_alone") if beside and self.idle_s else self._idle()

    def idle_after(self) -> None:
        """Measure doing nothing after sampling, once the device has had as long to come to rest."""
        self.sleep(self.idle_s / 2)
        self.after = self._idle()

    def recorded(self) -> Energy:
        """All of it."""
        counter = self.found.value
        if counter is None:
            return Energy(None, self.found.code, self.found.detail)
        return Energy(
            counter.name,
            least_s=counter.least_s,
            turns=tuple(self.turns),
            idle_before=self.before,
            idle_after=self.after,
        )

    def _idle(self) -> Window | None:
        if not self.idle_s:
            return None
        start = self._read()
        self.sleep(self.idle_s)
        return self._since(start)

    def _read(self) -> tuple[float, Reading[tuple[int, ...]]]:
        counts = self.found.bind(lambda counter: counter.read())
        return self.clock(), counts

    def _since(self, start: tuple[float, Reading[tuple[int, ...]]]) -> Window:
        (began, before), (ended, after) = start, self._read()
        used = self.found.bind(
            lambda counter: before.bind(lambda first: after.bind(lambda last: counter.joules(first, last)))
        )
        if used.value == 0:
            used = missing("counter_stuck")
        return Window(ended - began, used.value, used.code)


def energy_measures(processes: Sequence[tuple[Energy, Sequence[int]]]) -> dict[str, Reading[float]]:
    """The measures of energy, by name, over all processes. What one of them can't tell, all of them can't.

    :param processes: of each its record, and how many images each of its turns computed. At least one.
    """
    idle = _all_of([energy.idle_power_w() for energy, _ in processes])
    usable = _all_of([energy.usable() for energy, _ in processes])
    turns = [
        (energy.turns[number], images[number], power_w)
        for (energy, images), numbers, power_w in zip(
            processes, usable.value or [[]] * len(processes), idle.value or [0.0] * len(processes), strict=True
        )
        for number in numbers
    ]
    images = sum(count for _, count, _ in turns)
    joules = sum(turn.joules or 0.0 for turn, _, _ in turns)
    net_j = joules - sum(turn.seconds * power_w for turn, _, power_w in turns)
    return {
        "energy_per_image_j": usable.then(lambda _: joules / images),
        "energy_per_image_net_j": usable.bind(
            lambda _: idle.bind(lambda _: Reading(net_j / images) if net_j > 0 else missing("below_idle"))
        ),
        "power_w": usable.then(lambda _: joules / sum(turn.seconds for turn, _, _ in turns)),
        "idle_power_w": idle.then(statistics.mean),
    }


def _all_of(readings: Sequence[Reading[T]]) -> Reading[list[T]]:
    """The values of all, or why one has none."""
    values = [reading.value for reading in readings if reading.value is not None]
    lacking = next((reading for reading in readings if reading.value is None), None)
    return Reading(values) if lacking is None else missing(lacking.code or "error", lacking.detail)
