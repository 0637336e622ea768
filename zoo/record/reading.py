"""From bytes to a Result. What is read is checked here and nowhere else; the rest of the zoo relies on it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from zoo.errors import UsageError
from zoo.record.identifiers import check_id
from zoo.record.result import SCHEMA, Result
from zoo.text import printable

# Measures that came later: an older Result lacks them.
LATER = (
    "macs_left_out",
    "flops_share",
    "bound_by",
    "energy_per_image_j",
    "energy_per_image_net_j",
    "power_w",
    "idle_power_w",
)
NOT_MEASURED = "not measured by that version"
ABOVE_PEAK = "above the measured peak of the machine"
OVERFLOW = re.compile(rb"[eE]\+?[0-9]{3}")  # such a number may be infinite as a float


@dataclass(frozen=True, slots=True)
class Damaged:
    """A file, or a line of one, that holds no Result this zoo can read; `reason` completes the sentence."""

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where} {self.reason}"


def loads(content: bytes, where: str = "result") -> Result:
    """Read a record, and see that it is one that can be listed, shown, compared, exported and written again.

    Fields that this version doesn't know are passed over: a newer one may have added them.

    :param where: what to call it in an error.
    :raises UsageError: in a line that begins with `where`, if it is damaged or of a version this zoo doesn't know.
    """
    try:
        record = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise UsageError(f"{where} is damaged: not JSON") from None
    if not isinstance(record, dict) or "schema" not in record:
        raise UsageError(f"{where} is not a Result: it has no schema")
    if record["schema"] != SCHEMA:
        raise UsageError(f"{where} has the schema {_short(record['schema'], 40)}; this zoo reads {SCHEMA}")
    try:
        result = Result.from_json(record)
        for fault in faults(result):
            raise UsageError(fault)
        if OVERFLOW.search(content):
            result.dumps()
    except (OverflowError, RecursionError, TypeError, ValueError, UsageError) as error:
        raise UsageError(f"{where} is damaged: {_short(error, 120)}") from None
    return _with_reasons(result)


def faults(result: Result) -> Iterator[str]:
    """What makes it impossible to list, show or compare a Result whose fields are of the right types."""
    try:
        check_id(result.id)
        result.get_created()
    except (UsageError, ValueError, OverflowError) as error:
        yield str(error)
    if result.outcome == "ok" and result.measures.accuracy is None and "accuracy" not in result.reasons:
        yield "it has no accuracy, and no reason why"
    if result.outcome != "ok":
        if result.failure is None:
            yield "it failed, and has no failure"
        return
    measures, stats = result.measures, result.stats
    for name in ("latency_s", "images_per_second"):
        value = getattr(measures, name)
        if value is None or not value > 0:
            yield f"measures.{name} is {value}"
        if getattr(stats, name) is None:
            yield f"it has no stats.{name}"
    if not result.samples or any(not process.latency_s for process in result.samples):
        yield "a process has no samples"
    if any(not second > 0 for process in result.samples for second in process.latency_s):
        yield "a sample is not above 0"
    if measures.accuracy is not None and measures.accuracy.images < 1:
        yield "the accuracy is of no images"


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _short(value: object, length: int) -> str:
    return printable(str(value)[:length])


def _with_reasons(result: Result) -> Result:
    """The same with a reason for each measure that came after it was written, and without a share above one."""
    measures, reasons = result.measures, dict(result.reasons)
    if measures.flops_share is not None and measures.flops_share > 1:  # earlier versions stored it
        measures = dataclasses.replace(measures, flops_share=None, bound_by=None)
        reasons |= dict.fromkeys(("flops_share", "bound_by"), ABOVE_PEAK)
    lacking = [name for name in LATER if getattr(measures, name) is None and name not in reasons]
    if not lacking and measures is result.measures:
        return result
    return dataclasses.replace(result, measures=measures, reasons={**dict.fromkeys(lacking, NOT_MEASURED), **reasons})
