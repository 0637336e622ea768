"""The Result: one versioned JSON record of what was measured, where, and how it went.

`docs/result-schema.md` describes every field. Fields are only ever added within a version; a reader passes over those
that it doesn't know.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.record.base import Record, Whole
from zoo.record.environment import Environment
from zoo.record.measures import Measures, Process, Statistics, Stretch
from zoo.record.scenario import Scenario

SCHEMA = "zoo.result/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class FailureRecord(Record):
    """How a scenario failed.

    Attributes:
        phase: in which it did; None where it had not begun.
        type: of the error.
        message: one line.
        exit_code: that the command would have ended with.
        log: the name of the file with what the process printed, in the zoo's folder for logs.
    """

    message: str
    phase: str | None = None
    type: str | None = None
    exit_code: Whole | None = None
    log: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LostProcess(Record):
    """A process that ended before it was done. Its samples count for nothing.

    Attributes:
        outcome: how it ended, one of `zoo.record.scenario.OUTCOMES`.
        failure: why.
        latency_s, turns: as of a process that was done; only whole turns.
        pair: the number of the pair that it belonged to, where sides took turns.
    """

    outcome: str
    failure: FailureRecord
    latency_s: tuple[float, ...] = ()
    turns: tuple[Stretch, ...] = ()
    pair: Whole | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Parity(Record):
    """How far the logits are from those of float32 Keras on the same real images.

    Attributes:
        accepted: whether that is close enough.
        reason: why not, if so.
        images: how many were compared.
        reference: what computed the reference.
        max_difference, mean_difference: in standard deviations of the reference's logits.
        slope: of the line through the logits over the reference's.
        equal_top1: the share of images with the same best class.
        tolerance: what was accepted.
    """

    accepted: bool
    reason: str | None = None
    images: Whole | None = None
    reference: str | None = None
    max_difference: float | None = None
    mean_difference: float | None = None
    slope: float | None = None
    equal_top1: float | None = None
    tolerance: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightsUsed(Record):
    """The weights that were loaded.

    Attributes:
        source: "plugin", "trained here" or "file".
        sha256: of the file.
        file: its name.
        file_bytes: its size.
        provenance: what the file says of how it was made.
    """

    source: str
    sha256: str
    file: str | None = None
    file_bytes: Whole | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Predictions(Record):
    """Every prediction on the test split, as base64 of zlib.

    Attributes:
        dataset_sha256: of the split's images and labels.
        split: its name.
        classes: the predicted class of each image, uint16, little-endian.
        correct: whether it is right, one bit an image.
    """

    dataset_sha256: str
    correct: str
    split: str = "test"
    classes: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt(Record):
    """Something doubtful about a measurement: its code, and a line in words."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin(Record):
    """The distribution that a model comes from, and its version."""

    distribution: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Result(Record):
    """One scenario, measured.

    Attributes:
        schema: `"zoo.result/1"`.
        id: unique; results sort by time under it.
        created_at: UTC, ISO 8601.
        outcome: one of `zoo.record.scenario.OUTCOMES`.
        failure: how it failed, or None.
        scenario: what was measured.
        environment: on what, with its fingerprint.
        measures: what came out, in SI units and bytes; None where it could not be taken.
        reasons: why, for each measure that is None.
        stats: what is derived from `samples`.
        samples: the raw samples of each process.
        lost: the processes that ended before they were done.
        weights: which weights were loaded, or None.
        parity: how far the logits are from those of float32 Keras; None where it did not come to that.
        predictions: of the test split, image by image, or None.
        checks: what is doubtful about the measurement.
        plugin: where the model comes from.
        zoo_version: what measured it.
        code: digest of the Python files of the zoo, the model's plugin and the runtime's; None in earlier Results.
        policy: how long it was measured, and in how many processes; empty in Results of earlier versions.
        labels: names given to the run, for finding it again.
        run: identifies the run that it was part of; what was interleaved in one run shares it.
    """

    id: str
    created_at: str
    outcome: str
    scenario: Scenario
    environment: Environment
    measures: Measures
    reasons: Mapping[str, str]
    plugin: Origin
    zoo_version: str
    code: str | None = None
    schema: str = SCHEMA
    failure: FailureRecord | None = None
    stats: Statistics = field(default_factory=Statistics)
    samples: tuple[Process, ...] = ()
    lost: tuple[LostProcess, ...] = ()
    weights: WeightsUsed | None = None
    parity: Parity | None = None
    predictions: Predictions | None = None
    checks: tuple[Doubt, ...] = ()
    policy: Mapping[str, float | None] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    run: str | None = None

    def dumps(self) -> str:
        """The record as JSON. Not-a-number is refused: JSON has none."""
        return json.dumps(self.to_json(), allow_nan=False)

    def get_created(self) -> datetime.datetime:
        """The moment as an object, in UTC."""
        return utc(datetime.datetime.fromisoformat(self.created_at))


def utc(moment: datetime.datetime) -> datetime.datetime:
    """The same moment in UTC, which is what a moment without a time zone is taken for."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)
