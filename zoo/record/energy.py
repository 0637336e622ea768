"""What a counter of energy said while a process sampled, and while it did nothing."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from zoo.record.base import Record
from zoo.record.readings import Reading, missing


@dataclass(frozen=True, slots=True)
class Window(Record):
    """The energy used between two readings of the counter.

    Attributes:
        seconds: between the readings.
        joules: used in that time; None where the counter does not tell.
        code: why there are no joules, a code of `CODES`.
    """

    seconds: float
    joules: float | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Energy(Record):
    """The readings of one process's energy counter.

    Attributes:
        counter: "nvml" (a board's) or "powercap" (a processor's); None where no counter can be read.
        code: why there is no counter, a code of `CODES`.
        detail: more about the reason, for people.
        least_s: the shortest window that the counter resolves.
        turns: a window for each turn of sampling.
        idle_before: a window of doing nothing, before the first call; None where none was measured.
        idle_after: the same after sampling.
    """

    counter: str | None = None
    code: str | None = None
    detail: str = ""
    least_s: float | None = None
    turns: tuple[Window, ...] = ()
    idle_before: Window | None = None
    idle_after: Window | None = None

    def idle_power_w(self) -> Reading[float]:
        """The mean power of the idle windows, in watts."""
        if self.counter is None:
            return missing(self.code or "error", self.detail)
        windows = [window for window in (self.idle_before, self.idle_after) if window is not None]
        powers = [window.joules / window.seconds for window in windows if window.joules is not None]
        if powers:
            return Reading(statistics.mean(powers))
        codes = [window.code for window in windows if window.code is not None]
        return missing(codes[-1] if codes else "not_taken")

    def usable(self) -> Reading[list[int]]:
        """The numbers of the turns that are long enough for the counter."""
        if self.counter is None:
            return missing(self.code or "error", self.detail)
        least_s = self.least_s or 0.0
        long_enough = [number for number, turn in enumerate(self.turns) if turn.seconds >= least_s]
        if not long_enough:
            return missing("window_too_short", f"it takes {least_s:g} s")
        for number in long_enough:
            if (code := self.turns[number].code) is not None:
                return missing(code)
        return Reading(long_enough)
