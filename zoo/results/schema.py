"""The Result: one versioned JSON record of what was measured, where, and how it went.

`docs/result-schema.md` describes every field. Fields are only ever added within a version.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.benchmarking.scenario import Scenario
from zoo.specs import Plain

SCHEMA = "zoo.result/1"
OUTCOMES = ("ok", "wrong", "unavailable", "error", "timeout", "signal", "out_of_memory")

# Every Result has all of them; one that could not be taken is null, with its reason beside it.
MEASURES = (
    "parameters",
    "trainable_parameters",
    "macs",
    "macs_left_out",
    "flops",
    "weights_bytes",
    "import_s",
    "build_s",
    "load_s",
    "first_call_s",
    "latency_s",
    "images_per_second",
    "peak_rss_bytes",
    "peak_rss_above_import_bytes",
    "peak_device_bytes",
    "place_s",
    "fetch_s",
    "end_to_end_s",
    "flops_share",
    "bound_by",
    "energy_per_image_j",
    "energy_per_image_net_j",
    "power_w",
    "idle_power_w",
    "accuracy",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result(Plain):
    """One scenario, measured.

    Attributes:
        schema: `"zoo.result/1"`.
        id: unique; results sort by time under it.
        created_at: UTC, ISO 8601.
        outcome: one of `OUTCOMES`.
        failure: how it failed (phase, type, message, exit_code, log), or None.
        scenario: what was measured.
        environment: on what, with its fingerprint.
        measures: what came out, in SI units and bytes; None where it could not be taken.
        reasons: why, for each measure that is None.
        stats: `Stats` by measure, derived from `samples`.
        samples: the raw samples of each process.
        weights: which weights were loaded (source, file, sha256, provenance), or None.
        parity: how far the logits are from those of float32 Keras on real images, and whether that is accepted; None
            where it did not come to that.
        predictions: of the test split, image by image: `classes` (uint16, little-endian) and `correct` (one bit each),
            as base64 of zlib; with the dataset's digest; or None.
        checks: what is doubtful about the measurement.
        plugin: the distribution the model comes from, and its version.
        zoo_version: what measured it.
        labels: names given to the run, for finding it again.
        run: identifies the run that it was part of; what was interleaved in one run shares it.
    """

    id: str
    created_at: str
    outcome: str
    scenario: Mapping[str, Any]
    environment: Mapping[str, Any]
    measures: Mapping[str, Any]
    reasons: Mapping[str, str]
    plugin: Mapping[str, str]
    zoo_version: str
    schema: str = SCHEMA
    failure: Mapping[str, Any] | None = None
    stats: Mapping[str, Any] = field(default_factory=dict)
    samples: tuple[Mapping[str, Any], ...] = ()
    weights: Mapping[str, Any] | None = None
    parity: Mapping[str, Any] | None = None
    predictions: Mapping[str, Any] | None = None
    checks: tuple[Mapping[str, str], ...] = ()
    labels: tuple[str, ...] = ()
    run: str | None = None

    def __post_init__(self) -> None:
        for name in ("samples", "checks", "labels"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def dumps(self) -> str:
        """The record as JSON. Not-a-number is refused: JSON has none."""
        return json.dumps(self.to_json(), allow_nan=False)

    def get_scenario(self) -> Scenario:
        """The scenario as an object."""
        return Scenario.from_json(self.scenario)

    def get_created(self) -> datetime.datetime:
        """The moment as an object, in UTC."""
        return utc(datetime.datetime.fromisoformat(self.created_at))


def utc(moment: datetime.datetime) -> datetime.datetime:
    """The same moment in UTC, which is what a moment without a time zone is taken for."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)
