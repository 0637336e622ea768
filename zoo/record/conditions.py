"""The state of an accelerator while a process sampled: clocks, heat, throttling, and other processes on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from zoo.record.base import Record, Whole

BENIGN_EVENTS = frozenset({"gpu_idle", "applications_clocks_setting"})  # nothing holds the board back


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions(Record):
    """The state of the accelerator. Each list has two entries a turn, for its start and its end.

    Attributes:
        code: why nothing could be read, a code of `CODES`.
        sm_mhz: clock of the multiprocessors.
        memory_mhz: clock of the memory.
        temperature_c: of the GPU.
        power_w: as the driver shows it; an average over up to a second on some boards.
        events: why the clocks are not higher, by NVML's names.
        others: how many processes compute on the board that don't belong to the run.
        others_before: the same before the first call.
        reasons: for each field that the driver does not tell, a code of `CODES`.
    """

    code: str | None = None
    sm_mhz: tuple[Whole | None, ...] = ()
    memory_mhz: tuple[Whole | None, ...] = ()
    temperature_c: tuple[Whole | None, ...] = ()
    power_w: tuple[float | None, ...] = ()
    events: tuple[tuple[str, ...] | None, ...] = ()
    others: tuple[Whole | None, ...] = ()
    others_before: Whole | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)

    def throttling(self) -> set[str]:
        """The events that held the board back at any moment."""
        return {event for events in self.events for event in events or ()} - BENIGN_EVENTS

    def most_others(self) -> int:
        """The most processes that computed on the board and are not ours; 0 where that is not known."""
        return max((count for count in (*self.others, self.others_before) if count is not None), default=0)
