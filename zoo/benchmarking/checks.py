"""What is doubtful about a Result. Pure functions: a Result's own record criticised in plain lines."""

from __future__ import annotations

import math
from collections.abc import Sequence

from zoo.benchmarking.roofline import ABOVE_PEAK
from zoo.benchmarking.stats import Stats, samples_needed
from zoo.executors.local import Failure
from zoo.record.redaction import without_paths
from zoo.record.result import Doubt
from zoo.record.worker import Measured
from zoo.text import printable

DEVIATION_LIMIT = 0.10  # as in pyperf
BUSY_CORES_LIMIT = 0.10
STOLEN_CORES_LIMIT = 0.02
MOST_NAMED = 5
LOAD_LIMIT = 0.5  # runnable processes a core, before we began


def check(
    stats: Stats,
    processes: Sequence[Measured],
    load_at_start: float | None,
    cores: int,
    target_width: float | None = None,
    no_share: str = "",
    macs_left_out: Sequence[str] = (),
    classes_note: str | None = None,
    damaged: int = 0,
    lost: Sequence[Failure] = (),
) -> list[Doubt]:
    """Every doubt; an empty list is a measurement with nothing to say against it.

    :param target_width: how narrow the interval of the median was to be, as a share of it.
    :param no_share: why there is no share of the machine's peak.
    :param macs_left_out: names of layers that are not in the count of MACs.
    :param classes_note: what is to be said of the classes that were scored.
    :param damaged: how many image files were left out of the score.
    :param lost: how each process ended that isn't among `processes`.
    """
    seen = [process.activity for process in processes]
    boards = [process.accelerator for process in processes if process.accelerator is not None]
    unsettled = sum(not process.settled for process in processes)
    needed = samples_needed(0.9)
    width = (stats.high - stats.low) / stats.median if stats.median > 0 else 0.0
    wanted = math.inf if target_width is None else target_width
    deviation = stats.std / stats.mean if stats.mean > 0 else 0.0
    busy, stolen = (max(getattr(one, name) for one in seen) for name in ("other_cores_busy", "stolen_cores"))
    # a quota that held the process back: what was measured is the quota
    periods = sum(activity.quota_periods or 0 for activity in seen)
    waited_s = sum(activity.quota_waited_s or 0.0 for activity in seen)
    load = load_at_start or 0.0
    held_back = set().union(*(board.throttling() for board in boards))
    others = max((board.most_others() for board in boards), default=0)
    who = "another process was" if others == 1 else f"{others} other processes were"
    files = "1 file" if damaged == 1 else f"{damaged:,} files"
    doubts = [
        (
            "unsteady",
            unsettled,
            f"no steady state within the time for warming up, in {unsettled} of {len(seen)} processes",
        ),
        ("few_samples", stats.n < needed, f"{stats.n} samples; a 90th percentile takes {needed}"),
        ("imprecise", width > wanted, f"the interval is {width:.1%} wide, and was to be {wanted:.1%}"),
        ("deviation", deviation > DEVIATION_LIMIT, f"the standard deviation is {deviation:.0%} of the mean"),
        ("busy", busy > BUSY_CORES_LIMIT, f"other processes kept {busy:.2f} cores busy meanwhile"),
        ("stolen", stolen > STOLEN_CORES_LIMIT, f"the hypervisor gave {stolen:.2f} cores to other guests meanwhile"),
        ("throttled", any(one.throttled for one in seen), "the processor was throttled for heat meanwhile"),
        (
            "quota",
            periods,
            f"the control group's quota of processor time was used up in {periods:,} periods, and threads waited "
            f"{waited_s:.2f} s; fewer threads (--threads) may avoid it",
        ),
        ("loaded", load / cores > LOAD_LIMIT, f"the load was {load:.2f} on {cores} cores before the start"),
        (
            "accelerator_throttled",
            held_back,
            f"the accelerator's clocks were held back: {', '.join(sorted(held_back))}",
        ),
        ("accelerator_busy", others, f"{who} on the accelerator before the start or meanwhile"),
        ("above_peak", ABOVE_PEAK in no_share, no_share),
        ("classes_reordered", classes_note, classes_note or ""),
        ("images_damaged", damaged, f"the score leaves out {files} that can't be decoded"),
        ("macs_not_whole", macs_left_out, not_whole(macs_left_out)),
        (
            "process_lost",
            lost,
            f"{len(lost)} of {len(processes) + len(lost)} processes ended too early, and their samples don't count: "
            f"{'; '.join(dict.fromkeys(map(_reason, lost)))}",
        ),
    ]
    return [Doubt(code=code, message=message) for code, applies, message in doubts if applies]


def _reason(failure: Failure) -> str:
    message = without_paths(failure.message)
    return f"{message} (in {failure.phase})" if failure.phase else message


def not_whole(left_out: Sequence[str]) -> str:
    """Which layers a count of MACs leaves out, in a line."""
    more = f" and {len(left_out) - MOST_NAMED} more" if len(left_out) > MOST_NAMED else ""
    names = ", ".join(map(printable, left_out[:MOST_NAMED]))
    return f"the MACs leave out {names}{more}: what they multiply can't be seen"
