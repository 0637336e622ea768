"""The Result: one versioned JSON record of what was measured, where, and how it went.

`docs/result-schema.md` describes every field. Fields are only ever added within a version.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.bench.scenario import Scenario
from zoo.errors import UsageError
from zoo.specs import Plain

SCHEMA = "zoo.result/1"

# Every Result has all of them; one that could not be taken is null, with its reason beside it.
MEASURES = (
    "parameters",
    "trainable_parameters",
    "macs",
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
    "accuracy",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result(Plain):
    """One scenario, measured.

    Attributes:
        schema: `"zoo.result/1"`.
        id: unique; results sort by time under it.
        created_at: UTC, ISO 8601.
        outcome: "ok", "error", "timeout", "signal" or "out_of_memory".
        failure: how it failed (phase, type, message, exit_code, log), or None.
        scenario: what was measured.
        environment: on what, with its fingerprint.
        measures: what came out, in SI units and bytes; None where it could not be taken.
        reasons: why, for each measure that is None.
        stats: `Stats` by measure, derived from `samples`.
        samples: the raw samples of each process.
        weights: which weights were loaded (source, file, sha256, provenance), or None.
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


def loads(text: str | bytes, where: str = "result") -> Result:
    """Read a record.

    :param where: what to call it in an error.
    :raises UsageError: if it is damaged, or of a version that this zoo doesn't know.
    """
    try:
        record = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise UsageError(f"{where} is damaged: not JSON") from None
    if not isinstance(record, dict) or "schema" not in record:
        raise UsageError(f"{where} is not a Result: it has no schema")
    if record["schema"] != SCHEMA:
        raise UsageError(f"{where} has the schema {_short(record['schema'])}; this zoo reads {SCHEMA}")
    if wrong := _wrong_fields(record):
        raise UsageError(f"{where} is damaged: {wrong}")
    return Result.from_json(record)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _short(value: object) -> str:
    return "".join(c if c.isprintable() else "?" for c in str(value)[:40])


def _wrong_fields(record: Mapping[str, Any]) -> str | None:
    """What is missing, unknown, or of another kind than the field's default or annotation says."""
    fields = {f.name: f for f in dataclasses.fields(Result)}
    if unknown := record.keys() - fields:
        return f"unknown field '{_short(min(unknown))}'"
    for name, f in fields.items():
        required = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if name not in record:
            if required:
                return f"no field '{name}'"
            continue
        value, kind = record[name], str(f.type)
        if value is None and kind.endswith("| None"):
            continue
        expected = dict if kind.startswith("Mapping") else list if kind.startswith("tuple") else str
        inner = dict if "Mapping" in kind else str
        if not isinstance(value, expected) or (expected is list and not all(isinstance(v, inner) for v in value)):
            return f"'{name}' is of another kind"
    return None
