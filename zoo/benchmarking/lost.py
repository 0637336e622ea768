"""Processes that ended before they were done. Their samples count for nothing, and are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.benchmarking.timing import Turn
from zoo.executors.local import Failure
from zoo.record import result
from zoo.record.measures import TurnRecord
from zoo.record.redaction import failure_record, without_paths
from zoo.record.result import Doubt

PARTNER_ENDED = Failure(None, "Ended", "the process that it was measured in turn with has ended")


@dataclass(frozen=True, slots=True)
class LostProcess:
    """One process without a record.

    Attributes:
        outcome: how it ended, one of `zoo.record.scenario.OUTCOMES`.
        failure: why; `PARTNER_ENDED` if nothing was wrong with it, but the process beside it was lost.
        turns: those that it completed.
        pair: the number of the pair that it belonged to, or None.
    """

    outcome: str
    failure: Failure
    turns: tuple[Turn, ...] = ()
    pair: int | None = None

    def recorded(self, began_s: float) -> result.LostProcess:
        """As a Result has it.

        :param began_s: when the first turn of all began.
        """
        return result.LostProcess(
            pair=self.pair,
            outcome=self.outcome,
            failure=failure_record(self.failure),
            latency_s=tuple(sample for turn in self.turns for sample in turn.samples_s),
            turns=tuple(TurnRecord(start_s=round(t.start_s - began_s, 6), rounds=t.rounds) for t in self.turns),
        )


def first_failure(lost: Sequence[LostProcess]) -> LostProcess:
    """The one that says most of why nothing is left: the first that ended by itself, or else the first."""
    return next((process for process in lost if process.failure is not PARTNER_ENDED), lost[0])


def lost_check(lost: Sequence[LostProcess], started: int) -> list[Doubt]:
    """What is doubtful about a Result that lacks these, as an entry of its `checks`; none if nothing was lost.

    :param started: how many processes were started for it, those included.
    """
    if not lost:
        return []
    reasons = dict.fromkeys(_reason(process.failure) for process in lost)
    message = f"{len(lost)} of {started} processes ended too early, and their samples don't count: {'; '.join(reasons)}"
    return [Doubt(code="process_lost", message=message)]


def _reason(failure: Failure) -> str:
    message = without_paths(failure.message)
    return f"{message} (in {failure.phase})" if failure.phase else message
