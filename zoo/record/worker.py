"""The record of one process that measures. A plugin's code ran there, so the record is checked when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.record.base import Record, Whole
from zoo.record.conditions import Conditions
from zoo.record.cost import LayerCost, ModelCost
from zoo.record.energy import Energy
from zoo.record.environment import CudaLibraries
from zoo.record.measures import Accuracy, Activity, ProcessMemory, Quality, TurnRecord
from zoo.record.result import ImagesUsed, Parity, Predictions, WeightsUsed


@dataclass(frozen=True, kw_only=True, slots=True)
class Started(Record):
    """The device and the threads that a runtime uses.

    Attributes:
        device: "cpu", or the GPU's name.
        threads: that compute, as the runtime reports them; None on a GPU, or where it doesn't.
    """

    device: str
    threads: Whole | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Copies(Record):
    """Median seconds of moving a batch: see the measures of the same names."""

    place_s: float
    fetch_s: float
    end_to_end_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored(Record):
    """The score on the test split.

    Attributes:
        accuracy: top-1.
        predictions: every one.
        quality: what else the logits say; None where one of them is not finite.
        note: a remark about the order of the classes.
        images: see `Result`.
    """

    accuracy: Accuracy
    predictions: Predictions
    quality: Quality | None = None
    note: str | None = None
    images: ImagesUsed | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused(Record):
    """The record of a process whose logits are not accepted. Every other record has these fields too.

    Attributes:
        started: the device and the threads.
        started_beside: how many other processes started at the same time.
        phases_s: seconds of each phase.
        parity: how far its logits are from the reference's.
        cuda: the libraries that the runtime used, on a GPU.
        pair: the number of the pair that the process belongs to. Whoever started it knows.
    """

    started: Started
    started_beside: Whole
    phases_s: Mapping[str, float]
    parity: Parity
    cuda: CudaLibraries | None
    pair: Whole | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured(Refused):
    """One process's share of a Result.

    Attributes:
        cost, layers: of the model, in all and layer by layer.
        weights: that were loaded.
        iterations: calls in a round.
        warmup_s, samples_s: seconds a batch, for each round.
        turns: how the samples are divided, by this process's clock.
        settled: whether warming up reached a steady state.
        activity, energy, accelerator, memory: of the process and the machine.
        copies: what moving a batch takes.
        scored: the score, if this process took it.
        unscored: why it could not, if so.
    """

    cost: ModelCost
    layers: tuple[LayerCost, ...]
    weights: WeightsUsed | None
    iterations: Whole
    warmup_s: tuple[float, ...]
    samples_s: tuple[float, ...]
    turns: tuple[TurnRecord, ...]
    settled: bool
    activity: Activity
    energy: Energy
    accelerator: Conditions | None
    memory: ProcessMemory
    copies: Copies
    scored: Scored | None
    unscored: str | None = None


def decode(record: Mapping[str, Any]) -> Refused:
    """The record of a process: a `Measured`, unless its logits were not accepted.

    :raises ValueError: in a line, if it is malformed.
    """
    refused = Refused.from_json(record)
    if not refused.parity.accepted:
        return refused
    measured = Measured.from_json(record)
    if not measured.samples_s or min(measured.samples_s) <= 0:
        raise ValueError("a sample is not above 0")
    if sum(turn.rounds for turn in measured.turns) != len(measured.samples_s):
        raise ValueError("its turns don't add up to its samples")
    return measured
