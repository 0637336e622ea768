"""Energy: what a counter says was used while something was sampled, and while nothing was.

Only a counter counts: power that was sampled now and then would be an estimate. Where no counter can be read, or a
window is too short for it, there is no number, and a code says why.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from zoo.benchmarking.nvidia import Board, Nvml
from zoo.record.energy import Energy, Window
from zoo.record.readings import Reading, missing


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
        self.counts_idle = counter is not None and most_s >= counter.least_s
        self.turns: list[Window] = []
        self.before: Window | None = None
        self.after: Window | None = None

    def __enter__(self) -> None:
        if self.found.value is not None:
            self.start = self._read(self.found.value)

    def __exit__(self, *_: object) -> None:
        if self.found.value is not None:
            self.turns.append(self._since(self.found.value, self.start))

    def idle_before(self, beside: int) -> None:
        """Measure doing nothing before the first call.

        :param beside: how many other processes start meanwhile; then nothing idle can be measured.
        """
        self.before = Window(0.0, None, "not_alone") if beside and self.counts_idle else self._idle()

    def idle_after(self) -> None:
        """Measure doing nothing after sampling, once the device has had as long to come to rest."""
        if self.counts_idle and self.found.value is not None:
            self.sleep(self.found.value.idle_s / 2)
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
        counter = self.found.value
        if counter is None or not self.counts_idle:
            return None
        start = self._read(counter)
        self.sleep(counter.idle_s)
        return self._since(counter, start)

    def _read(self, counter: Counter) -> tuple[float, Reading[tuple[int, ...]]]:
        counts = counter.read()
        return self.clock(), counts

    def _since(self, counter: Counter, start: tuple[float, Reading[tuple[int, ...]]]) -> Window:
        (began, before), (ended, after) = start, self._read(counter)
        for reading in (before, after):
            if reading.value is None:
                return Window(ended - began, None, reading.code)
        assert before.value is not None  # noqa: S101 - both were looked at
        assert after.value is not None  # noqa: S101
        used = counter.joules(before.value, after.value)
        if used.value is None:
            return Window(ended - began, None, used.code)
        if used.value == 0:
            return Window(ended - began, None, "counter_stuck")
        return Window(ended - began, used.value)


def energy_measures(processes: Sequence[tuple[Energy, Sequence[int]]]) -> dict[str, Reading[float]]:
    """The measures of energy, by name, over all processes. What one of them can't tell, all of them can't.

    :param processes: of each its record, and how many images each of its turns computed. At least one.
    """
    powers = [energy.idle_power_w() for energy, _ in processes]
    resting_w = [power.value for power in powers if power.value is not None]
    idle: Reading[float] = _first_missing(powers) or Reading(statistics.mean(resting_w))
    usable = [energy.usable() for energy, _ in processes]
    if (reason := _first_missing(usable)) is not None:
        return _measures(reason, reason, reason, idle)
    joules = seconds = resting = 0.0
    images = 0
    for (energy, counts), numbers, power in zip(processes, usable, powers, strict=True):
        for number in numbers.value or ():
            turn = energy.turns[number]
            joules += turn.joules or 0.0
            seconds += turn.seconds
            resting += turn.seconds * (power.value or 0.0)
            images += counts[number]
    net: Reading[float] = idle
    if idle.value is not None:
        net = Reading((joules - resting) / images) if joules > resting else missing("below_idle")
    return _measures(Reading(joules / images), net, Reading(joules / seconds), idle)


def _measures(
    per_image: Reading[float], net: Reading[float], power: Reading[float], idle: Reading[float]
) -> dict[str, Reading[float]]:
    return {
        "energy_per_image_j": per_image,
        "energy_per_image_net_j": net,
        "power_w": power,
        "idle_power_w": idle,
    }


def _first_missing(readings: Sequence[Reading[Any]]) -> Reading[Any] | None:
    return next((reading for reading in readings if reading.value is None), None)
