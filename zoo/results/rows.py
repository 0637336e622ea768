"""What of a Result is indexed, and how."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from zoo.record.result import Result
from zoo.record.scenario import Scenario
from zoo.results.layout import path_of


@dataclass(frozen=True, slots=True)
class Row:
    """What the index knows of a Result.

    Attributes:
        path: of its file, relative to the store's folder.
        created_at: UTC, ISO 8601; sorts by time.
        environment: the fingerprint.
        accuracy: the value alone, in [0, 1].
        scenario: a digest, equal where scenarios are.
    """

    path: str
    id: str
    created_at: str
    outcome: str
    model: str
    dataset: str
    runtime: str
    device: str
    precision: str
    batch_size: int
    threads: int | None
    mode: str
    labels: tuple[str, ...]
    environment: str
    latency_s: float | None
    images_per_second: float | None
    accuracy: float | None
    scenario: str


COLUMNS = tuple(field.name for field in fields(Row))
LABELS = COLUMNS.index("labels")


def row_of(result: Result) -> Row:
    """The row of a Result that `zoo.record.reading` has read."""
    scenario, measures = result.scenario, result.measures
    return Row(
        path=path_of(result.id),
        id=result.id,
        created_at=result.get_created().isoformat(),
        outcome=text(result.outcome),
        model=text(scenario.model),
        dataset=text(scenario.dataset),
        runtime=text(scenario.runtime),
        device=scenario.device,
        precision=scenario.precision,
        batch_size=scenario.batch_size,
        threads=scenario.threads,
        mode=scenario.mode,
        labels=tuple(map(text, result.labels)),
        environment=text(result.environment.fingerprint),
        latency_s=_float(measures.latency_s),
        images_per_second=_float(measures.images_per_second),
        accuracy=None if measures.accuracy is None else measures.accuracy.value,
        scenario=digest(scenario),
    )


def to_columns(row: Row) -> tuple[object, ...]:
    """The row as SQLite holds it, in the order of `COLUMNS`."""
    return tuple(json.dumps(row.labels) if name == "labels" else getattr(row, name) for name in COLUMNS)


def from_columns(values: Sequence[Any]) -> Row:
    """The row that `to_columns` wrote."""
    found = list(values)
    found[LABELS] = _labels(found[LABELS])
    return Row(*found)


def text(value: str) -> str:
    """The text as SQLite can hold it: bytes of an argument that were no UTF-8 become `?`."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


@functools.lru_cache(maxsize=1024)
def digest(scenario: Scenario) -> str:
    """Equal for equal scenarios, in every process and version that knows their fields."""
    canonical = json.dumps(scenario.to_json(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


@functools.lru_cache(maxsize=1024)
def _labels(listed: str) -> tuple[str, ...]:
    return tuple(json.loads(listed))


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)
