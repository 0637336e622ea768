"""What a process that measures returns. A plugin's code ran there, so that it is checked before it is believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import msgspec

from zoo.record.whole import Whole


class Started(TypedDict):
    """What the runtime set up."""

    device: str
    threads: Whole | None


class Cost(TypedDict):
    """Counted in the built model."""

    parameters: Whole
    trainable_parameters: Whole
    macs: Whole | None
    flops: Whole | None
    weights_bytes: Whole


class Block(TypedDict):
    """A turn of sampling: when it began, and how many samples it gave."""

    start_s: float
    rounds: Whole


class Memory(TypedDict):
    """Peaks of memory."""

    after_import_bytes: Whole
    peak_bytes: Whole
    peak_device_bytes: Whole | None


class Copies(TypedDict):
    """Median seconds of moving a batch."""

    place_s: float
    fetch_s: float
    end_to_end_s: float


class Activity(TypedDict):
    """What else the machine was doing while the process sampled."""

    seconds: float
    own_cores_busy: float
    other_cores_busy: float
    stolen_cores: float
    throttled: Whole | None
    quota_periods: NotRequired[Whole | None]
    quota_waited_s: NotRequired[float | None]


class Scored(TypedDict):
    """The accuracy and every prediction."""

    value: float
    low: float
    high: float
    images: Whole
    split: str
    dataset_sha256: str
    predictions: str
    correct: str


class Refused(TypedDict):
    """What every process returns, also one whose logits were refused."""

    started: Started
    started_beside: Whole
    phases_s: dict[str, float]
    parity: dict[str, Any]
    cuda: dict[str, Any] | None


class Measured(Refused):
    """One process's share of a Result."""

    cost: Cost
    layers: list[dict[str, Any]]
    weights: dict[str, Any] | None
    iterations: Whole
    warmup_s: list[float]
    samples_s: list[float]
    blocks: list[Block]
    settled: bool
    activity: Activity
    energy: dict[str, Any]
    accelerator: dict[str, Any] | None
    memory: Memory
    copies: Copies
    scored: Scored | None


def decode(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record of a process, with the types that it should have.

    :raises ValueError: in a line, if it is malformed.
    """
    refused = msgspec.convert(record, Refused)
    if not isinstance(refused["parity"].get("accepted"), bool):
        raise ValueError("parity.accepted is neither true nor false")
    if not refused["parity"]["accepted"]:
        return refused
    measured = msgspec.convert(record, Measured)
    if not measured["samples_s"] or min(measured["samples_s"]) <= 0:
        raise ValueError("a sample is not above 0")
    if sum(block["rounds"] for block in measured["blocks"]) != len(measured["samples_s"]):
        raise ValueError("its turns don't add up to its samples")
    return measured
