"""The Result: one versioned JSON record of what was measured, where, and how it went.

`docs/result-schema.md` is generated from these types. Fields are only ever added within a version; a reader skips those
that it doesn't know.
"""

from __future__ import annotations

import base64
import datetime
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.record.base import Record, Whole
from zoo.record.environment import Environment
from zoo.record.measures import Measures, Process, Quality, Statistics, TurnRecord
from zoo.record.scenario import Scenario

SCHEMA = "zoo.result/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class FailureRecord(Record):
    """How a scenario failed.

    Attributes:
        message: one line.
        phase: in which it failed; None where it had not begun.
        type: of the error.
        exit_code: that the command would have ended with.
        log: name of the file with what the process printed; `zoo results show` says where it lies, on the machine where
            it failed.
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
        outcome: how it ended, as for a Result.
        failure: why.
        latency_s: seconds a batch, for each round of the turns that it completed.
        turns: how the rounds are divided.
        pair: the number of the pair that it belonged to, where two scenarios took turns.
    """

    outcome: str
    failure: FailureRecord
    latency_s: tuple[float, ...] = ()
    turns: tuple[TurnRecord, ...] = ()
    pair: Whole | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Parity(Record):
    """How far the logits are from those of float32 Keras on the same real images.

    Attributes:
        accepted: whether that is close enough.
        reason: why it is not.
        images: how many were compared.
        reference: the software that computed the reference.
        max_difference: the largest, in standard deviations of the reference's logits.
        mean_difference: on average, likewise.
        slope: of the line through the logits over the reference's.
        equal_top1: the share of images with the same best class.
        tolerance: the limits of these four, by name.
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
        provenance: how the file was made, as it says itself.
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
        labels: the right class of each image, as `classes`. None in earlier Results.
        confidence: the softmax probability of the predicted class, uint16 in units of 1/65535. None in earlier Results.
        class_names: by number, where the dataset has names.
    """

    dataset_sha256: str
    correct: str
    split: str = "test"
    classes: str | None = None
    labels: str | None = None
    confidence: str | None = None
    class_names: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ImagesUsed(Record):
    """How the scored images were chosen, and how they came from files of all sizes.

    Attributes:
        resize: "crop", "squash" or "pad", as in a recipe; None where the dataset's images are of one size.
        height: in pixels, that they were brought to; None likewise.
        width: as height.
        divided: the rule that chose the test split, where the files have none.
        damaged: how many files were left out because they can't be read or decoded.
        left_out: how many other files in the folder were not used: no images, or at another place.
    """

    resize: str | None = None
    height: Whole | None = None
    width: Whole | None = None
    divided: str | None = None
    damaged: Whole = 0
    left_out: Whole = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt(Record):
    """Something doubtful about a measurement.

    Attributes:
        code: one of the codes of `zoo.record.doubts`.
        message: a line.
    """

    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin(Record):
    """The distribution that a model comes from.

    Attributes:
        distribution: its name.
        version: that was installed.
    """

    distribution: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Result(Record):
    """One scenario, measured.

    Attributes:
        id: unique; Results sort by time under it.
        created_at: UTC, ISO 8601.
        outcome: "ok"; "wrong" (its logits are not those of float32 Keras, so it has no speed); "unavailable" (this
            machine lacks what it takes); "error", "timeout", "signal" or "out_of_memory".
        scenario: the model, and how it ran.
        environment: the machine and the software.
        measures: the figures, in SI units and bytes.
        reasons: for each measure that is None, why. For energy, the reason begins with a code of `CODES` and a colon.
        plugin: where the model comes from.
        zoo_version: of the zoo that measured it.
        schema: `"zoo.result/1"`.
        failure: how it failed; None if the outcome is "ok".
        stats: statistics of `samples`.
        samples: the raw samples of each process.
        lost: the processes that ended before they were done. Their samples count for nothing.
        weights: that were loaded; None where there were none.
        parity: how far the logits are from those of float32 Keras; None where they were not compared.
        predictions: of the test split, image by image.
        quality: what else the logits of the test split say. None where they were not scored, and in earlier Results.
        images: how those images were chosen and prepared, where their sizes differ or the dataset has no test split.
        checks: doubts about the measurement.
        code: digest of the Python files of the zoo, the model's plugin and the runtime's; it differs where two branches
            share a version number. None in earlier Results.
        dataset_state: digest of the state (name, size, time of change) of the dataset's files, which tells on the same
            machine whether they are as they were. None in earlier Results.
        policy: how long to measure, and in how many processes, as it was asked for; empty in earlier Results.
        labels: names given to the run, for finding it again.
        run: identifies the run that it was part of; Results that were interleaved share it.
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
    dataset_state: str | None = None
    schema: str = SCHEMA
    failure: FailureRecord | None = None
    stats: Statistics = field(default_factory=Statistics)
    samples: tuple[Process, ...] = ()
    lost: tuple[LostProcess, ...] = ()
    weights: WeightsUsed | None = None
    parity: Parity | None = None
    predictions: Predictions | None = None
    quality: Quality | None = None
    images: ImagesUsed | None = None
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


def unpacked(packed: str, size: int) -> bytes | None:
    """The bytes of a field of `Predictions`; None if they can't be unpacked, or are not so many.

    No more than there should be is unpacked: a small file can hold gigabytes of zeros.
    """
    try:
        content = zlib.decompressobj().decompress(base64.b64decode(packed), size + 1)
    except (ValueError, zlib.error):
        return None
    return content if len(content) == size else None
