"""From what a scenario's processes recorded to a Result."""

from __future__ import annotations

import datetime
import secrets
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from zoo.benchmarking import environment as env
from zoo.benchmarking.checks import check, not_whole
from zoo.benchmarking.definitions import memory_bytes
from zoo.benchmarking.energy import Energy, figures
from zoo.benchmarking.lost import LostProcess, lost_check
from zoo.benchmarking.peak import Peaks
from zoo.benchmarking.plan import Step
from zoo.benchmarking.roofline import explain
from zoo.benchmarking.stats import Stats, summarise
from zoo.executors.local import Completed, Failure
from zoo.record.measures import MEASURES, Stretch
from zoo.record.redaction import failure_record, without_paths
from zoo.record.result import Result
from zoo.record.scenario import Scenario

COPIES = ("place_s", "fetch_s", "end_to_end_s")
PHASES = ("import", "build", "load", "first_call")
STARTED_BESIDE = "another process started at the same time"
SCORER_LOST = "the process that scores the model ended too early"
NO_COUNTER = "the CPU's memory is the process's: see peak_rss_bytes"
NO_PEAK = "what this machine can do has not been measured; 'zoo peak' does it"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a scenario ended that has no measures: an outcome of `zoo.record.scenario.OUTCOMES`, and why."""

    outcome: str
    failure: Failure

    @classmethod
    def of(cls, completed: Completed) -> Self:
        """Of a process that did not return."""
        return cls(completed.outcome, completed.failure or Failure(None, "Failure", "failed"))


def assemble(
    step: Step,
    environment: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    *,
    lost: Sequence[LostProcess] = (),
    ended: Ended | None = None,
    load_at_start: float | None = None,
    peaks: Peaks | None = None,
    run: str | None = None,
) -> Result:
    """Make a Result of what a scenario's processes recorded. Pure, but for the clock, the load and the identifier.

    :param lost: the processes that ended before they were done.
    :param ended: how it ended, if without measures.
    :param peaks: of the machine, if they have been measured.
    """
    now = datetime.datetime.now(datetime.UTC)
    starts = [record["blocks"][0]["start_s"] for record in records if record.get("blocks")]
    began = min([*starts, *(process.turns[0].start_s for process in lost if process.turns)], default=0.0)
    started = records[0]["started"] if records else {"device": step.scenario.device, "threads": None}
    common: dict[str, Any] = {
        "id": f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}",
        "created_at": now.isoformat(timespec="seconds"),
        "scenario": step.scenario.to_json(),
        "environment": {
            **environment,
            "device": started["device"],
            "threads": started["threads"],
            **({"cuda": records[0]["cuda"]} if records and records[0].get("cuda") else {}),
            "load": {"start": load_at_start, "end": env.load_average()},
        },
        "plugin": step.plugin.to_json(),
        "zoo_version": step.elsewhere.zoo_version if step.elsewhere else _zoo_version(),
        "code": step.code,
        "policy": step.policy(),
        "labels": step.options.labels,
        "run": run,
        "parity": _parity(records),
        "lost": tuple(process.to_json(began) for process in lost),
    }
    if ended is None:
        try:
            return Result.from_json(
                {**common, **_measured(step, environment, records, lost, load_at_start, peaks, began)}
            )
        except msgspec.ValidationError as error:  # a plugin's runtime has given something else than it should
            ended = Ended("error", Failure("record", type(error).__name__, f"what was recorded is malformed: {error}"))
            common |= {"parity": None, "lost": ()}
            common["environment"] |= {"device": step.scenario.device, "threads": None, "cuda": None}
    failure = failure_record(ended.failure)
    return Result.from_json(
        {
            **common,
            "outcome": ended.outcome,
            "failure": failure,
            "measures": {},
            "reasons": dict.fromkeys(MEASURES, f"{ended.outcome}: {failure['message']}"),
        }
    )


def _measured(
    step: Step,
    environment: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    lost: Sequence[LostProcess],
    load_at_start: float | None,
    peaks: Peaks | None,
    began: float,
) -> dict[str, Any]:
    """What a Result that is ok says beyond what every Result does.

    :param began: when the scenario's first turn did.
    """
    first = records[0]
    stats = summarise(
        [record["samples_s"] for record in records],
        [[Stretch(**block) for block in record["blocks"]] for record in records],
    )
    measures, reasons = _measures(step, records, stats, peaks)
    scored = _scored(records)
    return {
        "outcome": "ok",
        "measures": measures,
        "reasons": reasons,
        "stats": {
            "latency_s": stats.to_json(),
            "images_per_second": {
                "value": measures["images_per_second"],
                "low": step.scenario.batch_size / stats.mean_high,
                "high": step.scenario.batch_size / stats.mean_low,
            },
        },
        "samples": [_process(record, began) for record in records],
        "weights": first["weights"],
        "predictions": scored
        and {
            "dataset_sha256": scored["dataset_sha256"],
            "split": scored["split"],
            "classes": scored["predictions"],
            "correct": scored["correct"],
        },
        "checks": [
            *check(
                stats,
                records,
                load_at_start,
                environment["processor"]["usable_cores"],
                step.options.target_width,
                reasons.get("flops_share", ""),
                measures["macs_left_out"],
                scored.get("note") if scored else None,
            ),
            *lost_check(lost, len(records) + len(lost)),
        ],
    }


def _process(record: Mapping[str, Any], began: float) -> dict[str, Any]:
    """One process's raw samples, as a Result has them.

    :param began: when the scenario's first turn did.
    """
    same = ("pair", "started_beside", "warmup_s", "iterations", "settled", "activity", "phases_s", "memory", "energy")
    return {
        **{name: record[name] for name in (*same, "accelerator")},
        "latency_s": record["samples_s"],
        "turns": [{**block, "start_s": round(block["start_s"] - began, 6)} for block in record["blocks"]],
    }


def _measures(
    step: Step, records: Sequence[Mapping[str, Any]], stats: Stats, peaks: Peaks | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Every measure, and the reason for each that could not be taken."""
    first = records[0]
    scored = _scored(records)
    peak, imported, on_device = (
        memory_bytes([record["memory"][name] or 0 for record in records])
        for name in ("peak_bytes", "after_import_bytes", "peak_device_bytes")
    )
    explained, reasons = _explain(step.scenario, first, stats, peaks)
    energy, no_energy = _energy(records, step.scenario.batch_size)
    reasons |= no_energy
    measures: dict[str, Any] = {
        **first["cost"],
        **{f"{name}_s": _phase(records, name) for name in PHASES},
        "latency_s": stats.median,
        "images_per_second": step.scenario.batch_size / stats.mean,
        "peak_rss_bytes": peak,
        "peak_rss_above_import_bytes": peak - imported,
        "peak_device_bytes": on_device or None,
        **{name: statistics.median(record["copies"][name] for record in records) for name in COPIES},
        **explained,
        **energy,
        "accuracy": scored and {key: scored[key] for key in ("value", "low", "high", "images")},
    }
    if step.scenario.device == "cpu":
        reasons["peak_device_bytes"] = NO_COUNTER
    elif measures["peak_device_bytes"] is None:
        reasons["peak_device_bytes"] = "the runtime has no counter for it"
    if all(record["started_beside"] for record in records):
        reasons |= dict.fromkeys([f"{name}_s" for name in PHASES], STARTED_BESIDE)
    if scored is None:
        reasons["accuracy"] = without_paths(step.no_accuracy or first.get("unscored") or SCORER_LOST)
    return {name: measures[name] for name in MEASURES}, reasons


def _scored(records: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """What the only process that scores the model says of it, if it is among them."""
    return next((record["scored"] for record in records if record["scored"] is not None), None)


def _explain(
    scenario: Scenario, record: Mapping[str, Any], stats: Stats, peaks: Peaks | None
) -> tuple[dict[str, float | str | None], dict[str, str]]:
    """How close to the machine the scenario came, and what kept it from coming closer; with reasons for what is None.

    :param record: of the first process: its `layers` are those of `zoo.modeling.cost`.
    """
    found = explain(
        stats.median,
        batch_size=scenario.batch_size,
        layers=record["layers"],
        peaks=peaks,
        precision=scenario.precision,
        most_s=stats.high,
        threads=record["started"]["threads"] if scenario.device_kind == "cpu" else None,
    )
    values = {"flops_share": found.flops_share, "bound_by": found.bound_by}
    why = NO_PEAK if peaks is None else found.sentence
    if peaks is not None and (left_out := [name for x in record["layers"] for name in x.get("left_out", ())]):
        values, why = dict.fromkeys(values), not_whole(left_out)  # of a part of the work, nothing follows
    return values, {name: why for name, value in values.items() if value is None}


def _energy(records: Sequence[Mapping[str, Any]], batch_size: int) -> tuple[dict[str, float | None], dict[str, str]]:
    """What energy the scenario took, with reasons for what is None."""
    taken = [
        (
            Energy.from_json(record["energy"]),
            [block["rounds"] * record["iterations"] * batch_size for block in record["blocks"]],
        )
        for record in records
    ]
    found = figures(taken)
    readings = {
        "energy_per_image_j": found.per_image_j,
        "energy_per_image_net_j": found.per_image_net_j,
        "power_w": found.power_w,
        "idle_power_w": found.idle_power_w,
    }
    return (
        {name: reading.value for name, reading in readings.items()},
        {name: reading.reason for name, reading in readings.items() if reading.value is None},
    )


def _parity(records: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Of the process whose logits were the farthest from the reference's, or are not accepted."""
    if not records:
        return None
    found: list[dict[str, Any]] = [record["parity"] for record in records]
    return max(found, key=lambda parity: (not parity["accepted"], parity["max_difference"] or 0.0))


def _phase(records: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """The median over the processes that started while no other did."""
    seconds = [record["phases_s"][name] for record in records if not record["started_beside"]]
    return float(statistics.median(seconds)) if seconds else None


def _zoo_version() -> str:
    import zoo

    return zoo.__version__
