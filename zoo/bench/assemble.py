"""From what a scenario's processes recorded to a Result."""

from __future__ import annotations

import datetime
import secrets
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.bench import environment as env
from zoo.bench.checks import check
from zoo.bench.plan import Step
from zoo.bench.stats import Stats, summarise
from zoo.executors.local import Completed
from zoo.results.publishable import failure_record, without_paths
from zoo.results.schema import MEASURES, Result

PHASES = ("import", "build", "load", "first_call")
STARTED_BESIDE = "another process started at the same time"
NO_COUNTER = "the CPU's memory is the process's: see peak_rss_bytes"


def assemble(
    step: Step,
    environment: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    *,
    failed: Completed | None = None,
    load_at_start: float | None = None,
    accelerator_processes: int | None = None,
    run: str | None = None,
) -> Result:
    """Make a Result of what a scenario's processes recorded. Pure, but for the clock, the load and the identifier.

    :param failed: the process that failed, if one did.
    """
    now = datetime.datetime.now(datetime.UTC)
    started = records[0]["started"] if records else {"device": step.scenario.device, "threads": None}
    common: dict[str, Any] = {
        "id": f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}",
        "created_at": now.isoformat(timespec="seconds"),
        "scenario": step.scenario.to_json(),
        "environment": {
            **environment,
            "device": started["device"],
            "threads": started["threads"],
            "load": {"start": load_at_start, "end": env.load_average()},
        },
        "plugin": {
            "distribution": step.entry.plugin.distribution,
            "version": step.entry.plugin.version,
        },
        "zoo_version": _zoo_version(),
        "labels": step.options.labels,
        "run": run,
    }
    if failed is not None:
        failure = failure_record(failed.failure)
        message = failure["message"] if failure else "failed"
        return Result(
            **common,
            outcome=failed.outcome,
            failure=failure,
            measures=dict.fromkeys(MEASURES),
            reasons=dict.fromkeys(MEASURES, f"{failed.outcome}: {message}"),
        )

    first = records[0]
    stats = summarise([record["samples_s"] for record in records], [record["blocks"] for record in records])
    began = min(record["blocks"][0]["start_s"] for record in records)
    measures, reasons = _measures(step, records, stats)
    scored = first["scored"]
    return Result(
        **common,
        outcome="ok",
        measures=measures,
        reasons=reasons,
        stats={
            "latency_s": stats.to_json(),
            "images_per_second": {
                "value": measures["images_per_second"],
                "low": step.scenario.batch_size / stats.mean_high,
                "high": step.scenario.batch_size / stats.mean_low,
            },
        },
        samples=tuple(
            {
                "pair": record["pair"],
                "started_beside": record["started_beside"],
                "latency_s": record["samples_s"],
                "turns": [{**block, "start_s": round(block["start_s"] - began, 6)} for block in record["blocks"]],
                "warmup_s": record["warmup_s"],
                "iterations": record["iterations"],
                "settled": record["settled"],
                "activity": record["activity"],
                "phases_s": record["phases_s"],
                "memory": record["memory"],
            }
            for record in records
        ),
        weights=first["weights"],
        predictions=None
        if scored is None
        else {
            "dataset_sha256": scored["dataset_sha256"],
            "split": scored["split"],
            "classes": scored["predictions"],
            "correct": scored["correct"],
        },
        checks=tuple(
            check(
                stats,
                records,
                load_at_start,
                environment["processor"]["usable_cores"],
                step.options.target_width,
                accelerator_processes,
            )
        ),
    )


def _measures(step: Step, records: Sequence[Mapping[str, Any]], stats: Stats) -> tuple[dict[str, Any], dict[str, str]]:
    """Every measure, and the reason for each that could not be taken."""
    first = records[0]
    scored = first["scored"]
    peak = max(record["memory"]["peak_bytes"] for record in records)
    above = max(record["memory"]["peak_bytes"] - record["memory"]["after_import_bytes"] for record in records)
    measures: dict[str, Any] = {
        **first["cost"],
        **{f"{name}_s": _phase(records, name) for name in PHASES},
        "latency_s": stats.median,
        "images_per_second": step.scenario.batch_size / stats.mean,
        "peak_rss_bytes": peak,
        "peak_rss_above_import_bytes": above,
        "peak_device_bytes": None,
        "accuracy": scored and {key: scored[key] for key in ("value", "low", "high", "images")},
    }
    reasons = {"peak_device_bytes": NO_COUNTER}
    if step.scenario.device != "cpu":
        reasons["peak_device_bytes"] = "the runtime has no counter for it"
    if all(record["started_beside"] for record in records):
        reasons |= dict.fromkeys([f"{name}_s" for name in PHASES], STARTED_BESIDE)
    if scored is None:
        reasons["accuracy"] = without_paths(step.no_accuracy or "not taken")
    return {name: measures[name] for name in MEASURES}, reasons


def _phase(records: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """The median over the processes that started while no other did."""
    seconds = [record["phases_s"][name] for record in records if not record["started_beside"]]
    return float(statistics.median(seconds)) if seconds else None


def _zoo_version() -> str:
    import zoo

    return zoo.__version__
