"""Results as text, and text as Results. Pure functions; text comes in pieces, so that no store is too large."""

from __future__ import annotations

import bisect
import csv
import io
import json
import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from zoo.bench.scenario import Scenario
from zoo.errors import UsageError
from zoo.results.index import Damaged, read
from zoo.results.schema import MEASURES, Result

SCENARIO = tuple(field.name for field in fields(Scenario))
ACCURACY = ("value", "low", "high", "images")
# A spreadsheet takes text that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def jsonl(results: Iterable[Result]) -> Iterator[str]:
    """JSON Lines: everything, one Result a line. `parse` reads it back."""
    for result in results:
        yield f"{result.dumps()}\n"


def csv_table(results: Iterable[Result]) -> Iterator[str]:
    """CSV: one row a Result, measures in columns of their own, an empty cell for one that wasn't taken.

    Text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    yield _csv_line(_columns(None))
    for result in results:
        yield _csv_line(_columns(result).values())


def _columns(result: Result | None) -> dict[str, Any]:
    """The cells by header; without a Result the headers alone."""
    columns: dict[str, Any] = {}
    for name in ("id", "created_at", "outcome"):
        columns[name] = result and getattr(result, name)
    columns["labels"] = result and " ".join(result.labels)
    for name in SCENARIO:
        columns[name] = result and result.scenario.get(name)
    for name in MEASURES:
        value = result and result.measures.get(name)
        if name != "accuracy":
            columns[name] = value
            continue
        for part in ACCURACY:
            columns[name if part == "value" else f"{name}_{part}"] = value and value.get(part)
    columns["environment"] = result and result.environment["fingerprint"]
    columns["processor"] = result and result.environment["processor"]["model"]
    columns["plugin"] = result and result.plugin["distribution"]
    columns["plugin_version"] = result and result.plugin["version"]
    columns["zoo_version"] = result and result.zoo_version
    return columns


def _csv_line(cells: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([_cell(cell) for cell in cells])
    return line.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    value = value.encode("utf-8", "replace").decode()
    return f"'{value}" if value.startswith(FORMULA) else value
