"""What is doubtful about the sides of a comparison, and whether that decides. Pure functions of Results.

A Result's checks say what was wrong while it was measured. Sides that were measured at different times did not share
that: a busy machine then looks like a slow model. Sides that took turns shared whatever the machine did, from one
fraction of a second to the next, so that it cancels out of their ratio. What remains is a model that never is steady:
not a process or two of it, which differ from pair to pair, but most.
"""

from __future__ import annotations

from collections.abc import Sequence

from zoo.record.result import Result
from zoo.results.verdicts import SideDoubt

# Checks that decide nothing: the interval covers the former, and the latter are not about what is compared.
COVERED = ("deviation", "imprecise", "process_lost")
NOT_OF_SPEED = (
    "few_samples",
    "above_peak",
    "classes_reordered",
    "images_damaged",
    "macs_not_whole",
)  # few for a percentile, that is
UNSTEADY = "unsteady"
SHARED_IN_TURN = ("busy", "stolen", "throttled", "quota", "loaded", "accelerator_busy", "accelerator_throttled")


def doubts(a: Sequence[Result], b: Sequence[Result], names: tuple[str, str], *, in_turn: bool) -> list[SideDoubt]:
    """What is doubtful about either side's speed. A check of a kind that is not known here counts as a doubt.

    :param in_turn: whether the sides took turns.
    """
    found = []
    for side, name in ((a, names[0]), (b, names[1])):
        passed_over = {*COVERED, *((*SHARED_IN_TURN, *_seldom(side)) if in_turn else ())}
        for check in (check for result in side for check in result.checks):
            if check.code not in NOT_OF_SPEED:
                decides = check.code not in passed_over
                found.append(SideDoubt(side=name, code=check.code, message=check.message, decides=decides))
    return list(dict.fromkeys(found))


def _seldom(side: Sequence[Result]) -> tuple[str, ...]:
    """The code of not being steady, where that is so of fewer than half of the processes."""
    settled = [process.settled for result in side for process in result.samples]
    return (UNSTEADY,) if 2 * settled.count(False) < len(settled) else ()
