"""What is doubtful about a Result. Pure functions: a Result's own record criticised in plain lines."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.benchmarking.roofline import ABOVE_PEAK
from zoo.benchmarking.stats import Stats, samples_needed
from zoo.record.conditions import Conditions
from zoo.record.measures import Activity
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
) -> list[Doubt]:
    """Every doubt; an empty list is a measurement with nothing to say against it.

    :param target_width: how narrow the interval of the median was to be, as a share of it.
    :param no_share: why there is no share of the machine's peak.
    :param macs_left_out: names of layers that are not in the count of MACs.
    :param classes_note: what is to be said of the classes that were scored.
    :param damaged: how many image files were left out of the score.
    """
    findings: list[tuple[str, str]] = []

    unsettled = sum(not process.settled for process in processes)
    if unsettled:
        findings.append(
            (
                "unsteady",
                f"no steady state within the time for warming up, in {unsettled} of {len(processes)} processes",
            )
        )
    needed = samples_needed(0.9)
    if stats.n < needed:
        findings.append(("few_samples", f"{stats.n} samples; a 90th percentile takes {needed}"))
    width = (stats.high - stats.low) / stats.median if stats.median > 0 else 0.0
    if target_width is not None and width > target_width:
        findings.append(("imprecise", f"the interval is {width:.1%} wide, and was to be {target_width:.1%}"))
    if stats.mean > 0 and stats.std / stats.mean > DEVIATION_LIMIT:
        findings.append(("deviation", f"the standard deviation is {stats.std / stats.mean:.0%} of the mean"))
    busy = max(process.activity.other_cores_busy for process in processes)
    if busy > BUSY_CORES_LIMIT:
        findings.append(("busy", f"other processes kept {busy:.2f} cores busy meanwhile"))
    stolen = max(process.activity.stolen_cores for process in processes)
    if stolen > STOLEN_CORES_LIMIT:
        findings.append(("stolen", f"the hypervisor gave {stolen:.2f} cores to other guests meanwhile"))
    if any(process.activity.throttled for process in processes):
        findings.append(("throttled", "the processor was throttled for heat meanwhile"))
    findings += _quota([process.activity for process in processes])
    if load_at_start is not None and load_at_start / cores > LOAD_LIMIT:
        findings.append(("loaded", f"the load was {load_at_start:.2f} on {cores} cores before the start"))
    findings += _accelerator([process.accelerator for process in processes if process.accelerator is not None])
    if ABOVE_PEAK in no_share:
        findings.append(("above_peak", no_share))
    if classes_note:
        findings.append(("classes_reordered", classes_note))
    if damaged:
        files = "1 file" if damaged == 1 else f"{damaged:,} files"
        findings.append(("images_damaged", f"the score leaves out {files} that can't be decoded"))
    if macs_left_out:
        findings.append(("macs_not_whole", not_whole(macs_left_out)))
    return [Doubt(code=code, message=message) for code, message in findings]


def _quota(seen: Sequence[Activity]) -> list[tuple[str, str]]:
    """Whether a quota of processor time held the process back: it then measures the quota."""
    periods = sum(activity.quota_periods or 0 for activity in seen)
    waited_s = sum(activity.quota_waited_s or 0.0 for activity in seen)
    if not periods:
        return []
    return [
        (
            "quota",
            f"the control group's quota of processor time was used up in {periods:,} periods, and threads waited "
            f"{waited_s:.2f} s; fewer threads (--threads) may avoid it",
        )
    ]


def not_whole(left_out: Sequence[str]) -> str:
    """Which layers a count of MACs leaves out, in a line."""
    more = f" and {len(left_out) - MOST_NAMED} more" if len(left_out) > MOST_NAMED else ""
    names = ", ".join(map(printable, left_out[:MOST_NAMED]))
    return f"the MACs leave out {names}{more}: what they multiply can't be seen"


def _accelerator(seen: Sequence[Conditions]) -> list[tuple[str, str]]:
    """What is doubtful about the accelerator, in any of the processes."""
    findings = []
    reasons = set().union(*(conditions.throttling() for conditions in seen))
    if reasons:
        findings.append(
            ("accelerator_throttled", f"the accelerator's clocks were held back: {', '.join(sorted(reasons))}")
        )
    others = max((conditions.most_others() for conditions in seen), default=0)
    if others:
        who = "another process was" if others == 1 else f"{others} other processes were"
        findings.append(("accelerator_busy", f"{who} on the accelerator before the start or meanwhile"))
    return findings
