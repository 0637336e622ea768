"""What of a Result is indexed, and where its file lies: `<YYYY-MM>/<id>.json`. Nothing but an id names a file."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from zoo.errors import UsageError
from zoo.paths import reason
from zoo.record.identifiers import check_id
from zoo.record.result import Result
from zoo.record.scenario import Scenario


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
OF_SCENARIO = tuple(field.name for field in fields(Scenario))
MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


def row_of(result: Result) -> Row:
    """The row of a Result that `zoo.record.reading` has read."""
    measures = result.measures
    values = {name: getattr(result.scenario, name) for name in OF_SCENARIO}
    scenario: dict[str, Any] = {name: text(one) if isinstance(one, str) else one for name, one in values.items()}
    return Row(
        path=path_of(result.id),
        id=result.id,
        created_at=result.get_created().isoformat(),
        outcome=text(result.outcome),
        **scenario,
        labels=tuple(map(text, result.labels)),
        environment=text(result.environment.fingerprint),
        latency_s=_float(measures.latency_s),
        images_per_second=_float(measures.images_per_second),
        accuracy=None if measures.accuracy is None else measures.accuracy.value,
        scenario=digest(result.scenario),
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


def path_of(identifier: str) -> str:
    """Where in a store the Result of that id lies, relative to its folder.

    :raises UsageError: if it is no id.
    """
    check_id(identifier)
    return f"{identifier[:4]}-{identifier[4:6]}/{identifier}.json"


def paths(folder: Path) -> Iterator[str]:
    """The files that should be Results, relative to the folder, in no order.

    :raises UsageError: if the folder is there but can't be listed.
    """
    months = [entry.name for entry in _scan(folder) if MONTH.fullmatch(entry.name) and entry.is_dir()]
    for month in months:
        # A name that begins with a dot is a file being written.
        yield from (f"{month}/{e.name}" for e in _scan(folder / month) if e.name.endswith(".json") and e.name[0] != ".")


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"can't list {folder}: {reason(error)}") from None
