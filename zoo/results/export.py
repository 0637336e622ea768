"""Results as text, and text as Results. Pure functions; text comes in pieces, so that no store is too large."""

from __future__ import annotations

import csv
import io
import json
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from zoo.benchmarking.computing import union
from zoo.errors import UsageError
from zoo.record.environment import Environment
from zoo.record.measures import MEASURES
from zoo.record.reading import Damaged, loads
from zoo.record.result import Result
from zoo.record.scenario import Scenario

ACCURACY = {"accuracy": "value", "accuracy_low": "low", "accuracy_high": "high", "accuracy_images": "images"}
HEADERS = (
    *("id", "created_at", "outcome", "labels"),
    *(field.name for field in fields(Scenario)),
    *(name for name in MEASURES if name != "accuracy"),
    *ACCURACY,
    *("environment", "processor", "plugin", "plugin_version", "zoo_version"),
)
# What a spreadsheet takes for a formula begins with one of these, if need be after it has trimmed the rest.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

PYTEST_BENCHMARK = "5.3.1"  # the version whose file this is


def jsonl(results: Iterable[Result]) -> Iterator[str]:
    """JSON Lines: everything, one Result a line. `parse` reads it back."""
    for result in results:
        yield f"{result.dumps()}\n"


def csv_table(results: Iterable[Result]) -> Iterator[str]:
    """CSV: one row a Result; a cell is empty where a measure could not be taken.

    Text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    yield _csv_line(HEADERS)
    for result in results:
        cells = _cells(result)
        yield _csv_line(_harmless(cells.get(header)) for header in HEADERS)


def _cells(result: Result) -> dict[str, Any]:
    accuracy = result.measures.accuracy
    return {
        **result.scenario.to_json(),
        **result.measures.to_json(),
        "macs_left_out": " ".join(result.measures.macs_left_out or ()),
        **{header: accuracy and getattr(accuracy, part) for header, part in ACCURACY.items()},
        "id": result.id,
        "created_at": result.created_at,
        "outcome": result.outcome,
        "labels": " ".join(result.labels),
        "environment": result.environment.fingerprint,
        "processor": result.environment.processor.model,
        "plugin": result.plugin.distribution,
        "plugin_version": result.plugin.version,
        "zoo_version": result.zoo_version,
    }


def _csv_line(cells: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)  # a cell with either of them is then quoted …
    return line.getvalue().removesuffix("\r\n") + "\n"  # … while lines end as they do elsewhere


def _harmless(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    cell = cell.encode("utf-8", "replace").decode()
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def pytest_benchmark(results: Iterable[Result]) -> Iterator[str]:
    """The JSON that pytest-benchmark writes and its `compare` reads. Results without samples are left out.

    :raises UsageError: if no Result has samples, or if they come from several environments: a file describes one.
    """
    measured = [result for result in results if result.outcome == "ok" and _samples(result)]
    if not measured:
        raise UsageError("no Result here has samples; there is nothing for pytest-benchmark to read")
    document = {
        "machine_info": _machine(_common(measured)),
        "commit_info": {
            "id": "unversioned",
            "time": None,
            "author_time": None,
            "dirty": False,
            "project": "zoo",
            "branch": "(unknown)",
        },
        "benchmarks": [_benchmark(result) for result in measured],
        "datetime": max(result.created_at for result in measured),
        "version": PYTEST_BENCHMARK,
    }
    yield json.dumps(document, indent=4, allow_nan=False) + "\n"


def _common(results: Sequence[Result]) -> Environment:
    """The environment of all of them; those of several runtimes may have different packages."""
    each = {result.environment.fingerprint: result.environment for result in results}
    if len(each) == 1:
        return results[0].environment
    common = union(list(each.values()))
    if common is None:
        raise UsageError(
            f"these Results come from {len(each)} environments ({', '.join(sorted(each)[:3])}, …) that contradict each "
            "other, and a file of pytest-benchmark describes one; choose it with --environment"
        )
    return common


def _machine(environment: Environment) -> dict[str, Any]:
    """As pytest-benchmark describes a machine, but for its name: the fingerprint stands in its place."""
    processor = environment.processor
    implementation, _, version = environment.python.partition(" ")
    return {
        "node": environment.fingerprint,
        "processor": processor.model,
        "machine": processor.architecture,
        "python_compiler": "",
        "python_implementation": implementation,
        "python_implementation_version": version,
        "python_version": version,
        "python_build": ["", ""],
        "release": environment.os.release,
        "system": environment.os.system,
        "cpu": {"brand_raw": processor.model, "arch": processor.architecture, "count": processor.usable_cores},
    }


def _benchmark(result: Result) -> dict[str, Any]:
    scenario = result.scenario
    threads = [] if scenario.threads is None else [f"{scenario.threads}threads"]
    parts = (scenario.dataset, scenario.runtime, scenario.device, scenario.precision, f"batch{scenario.batch_size}")
    param = "-".join([*parts, *threads, scenario.mode])
    return {
        "group": f"{scenario.dataset}, batch {scenario.batch_size}",
        "name": f"{scenario.model}[{param}]",
        "fullname": f"zoo::{scenario.model}[{param}]",
        "params": scenario.to_json(),
        "param": param,
        "extra_info": {
            "id": result.id,
            "labels": list(result.labels),
            "images_per_second": result.measures.images_per_second,
            "accuracy": result.measures.accuracy and result.measures.accuracy.to_json(),
            "zoo_version": result.zoo_version,
        },
        "options": {},
        "stats": {
            **pytest_stats(_samples(result)),
            "data": _samples(result),
            "iterations": max(process.iterations for process in result.samples),
        },
    }


def _samples(result: Result) -> list[float]:
    """Seconds a call, of all processes."""
    return [sample for process in result.samples for sample in process.latency_s]


def pytest_stats(samples: Sequence[float]) -> dict[str, Any]:
    """The statistics of pytest-benchmark's `Stats`, by its own definitions, so that its numbers come out the same.

    :param samples: at least one.
    """
    ordered = sorted(samples)
    mean = statistics.mean(samples)
    deviation = statistics.stdev(samples) if len(samples) > 1 else 0
    first, third = _quartiles(ordered)
    low, high = first - 1.5 * (third - first), third + 1.5 * (third - first)
    far = len(samples) - (bisect_right(ordered, mean + deviation) - bisect_left(ordered, mean - deviation))
    within = ordered[bisect_left(ordered, low) : bisect_right(ordered, high)]
    beyond = len(samples) - len(within)
    total = sum(samples)
    return {
        "min": ordered[0],
        "max": ordered[-1],
        "mean": mean,
        "stddev": deviation,
        "rounds": len(samples),
        "median": statistics.median(ordered),
        "iqr": third - first,
        "q1": first,
        "q3": third,
        "iqr_outliers": beyond,
        "stddev_outliers": far,
        "outliers": f"{far};{beyond}",
        "ld15iqr": within[0],
        "hd15iqr": within[-1],
        "ops": len(samples) / total if total else 0,
        "total": total,
    }


def _quartiles(ordered: Sequence[float]) -> tuple[float, float]:
    """Method 2 of Wikipedia's "Quartile" for an even count, method 3 for an odd one."""
    if len(ordered) == 1:
        return ordered[0], ordered[0]
    half, rest = divmod(len(ordered), 2)
    if not rest:
        return statistics.median(ordered[:half]), statistics.median(ordered[half:])
    n, rest = divmod(len(ordered), 4)
    if rest == 1:
        return 0.25 * ordered[n - 1] + 0.75 * ordered[n], 0.75 * ordered[3 * n] + 0.25 * ordered[3 * n + 1]
    return 0.75 * ordered[n] + 0.25 * ordered[n + 1], 0.25 * ordered[3 * n + 1] + 0.75 * ordered[3 * n + 2]


def parse(content: bytes, name: str) -> Iterator[Result | Damaged]:
    """Read JSON Lines, a JSON array of Results as `zoo bench --json` prints it, or one Result.

    :param name: what to call the content where something in it is bad.
    :return: in their order, Results and what is bad: one doesn't keep another from being read.
    """
    try:
        whole = json.loads(content)
    except (RecursionError, ValueError) as error:
        yield from _parse_lines(content, name, error)
        return
    if not isinstance(whole, list):
        yield _parse_one(content, name)
        return
    for number, item in enumerate(whole, 1):
        yield _parse_one(json.dumps(item).encode(), f"{name}, item {number}")


def _parse_lines(content: bytes, name: str, error: Exception) -> Iterator[Result | Damaged]:
    lines = [(number, line.strip()) for number, line in enumerate(content.split(b"\n"), 1) if line.strip()]
    if lines and not any(line.startswith(b"{") and line.endswith(b"}") for _, line in lines):
        yield Damaged(name, f"is neither JSON nor JSON Lines: {error}")  # once, not for every line of a torn document
        return
    for number, line in lines:
        yield _parse_one(line, f"{name}, line {number}")


def _parse_one(content: bytes, where: str) -> Result | Damaged:
    try:
        return loads(content, where)
    except UsageError as error:
        return Damaged(where, str(error).removeprefix(f"{where} "))
