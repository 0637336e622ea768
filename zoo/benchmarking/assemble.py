"""From what a scenario's processes recorded to a Result."""

from __future__ import annotations

import datetime
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import zoo
from zoo.benchmarking import environment as env
from zoo.benchmarking.checks import check, not_whole
from zoo.benchmarking.definitions import memory_bytes
from zoo.benchmarking.energy import energy_measures
from zoo.benchmarking.peak import Peaks
from zoo.benchmarking.plan import Step
from zoo.benchmarking.roofline import Explanation, explain
from zoo.benchmarking.stats import Stats, summarise
from zoo.benchmarking.timing import Turn
from zoo.executors.local import Completed, Failure
from zoo.record import result
from zoo.record.cost import ModelCost
from zoo.record.environment import Environment, Load
from zoo.record.identifiers import new_id
from zoo.record.measures import MEASURES, LatencyStats, Measures, Process, Rate, Statistics, TurnRecord
from zoo.record.redaction import failure_record, without_paths
from zoo.record.result import Parity, Result
from zoo.record.scenario import Scenario
from zoo.record.worker import Copies, Measured, Refused, Scored

COUNTED = tuple(field.name for field in fields(ModelCost))
COPIES = tuple(field.name for field in fields(Copies))
OF_A_PROCESS = (
    *("pair", "started_beside", "warmup_s", "iterations", "settled", "activity"),
    *("phases_s", "memory", "energy", "accelerator"),
)
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


PARTNER_ENDED = Ended("error", Failure(None, "Ended", "the process that it was measured in turn with has ended"))


@dataclass(frozen=True, slots=True)
class LostProcess:
    """A process that ended before it was done. Its samples count for nothing, and are kept.

    Attributes:
        ended: how; `PARTNER_ENDED` if nothing was wrong with it, but the process beside it was lost.
        turns: those that it completed.
        pair: the number of the pair that it belonged to, or None.
    """

    ended: Ended
    turns: tuple[Turn, ...] = ()
    pair: int | None = None

    def recorded(self, began_s: float) -> result.LostProcess:
        """As a Result has it.

        :param began_s: when the first turn of all began.
        """
        return result.LostProcess(
            pair=self.pair,
            outcome=self.ended.outcome,
            failure=failure_record(self.ended.failure),
            latency_s=tuple(sample for turn in self.turns for sample in turn.samples_s),
            turns=_from_the_first(self.turns, began_s),
        )


def assemble(
    step: Step,
    environment: Environment,
    records: Sequence[Refused],
    *,
    lost: Sequence[LostProcess] = (),
    ended: Ended | None = None,
    load_at_start: float | None = None,
    peaks: Peaks | None = None,
    run: str | None = None,
) -> Result:
    """Make a Result of what a scenario's processes recorded. Pure, but for the clock, the load and the identifier.

    :param records: of the processes that returned; unless `ended` is given, each is a `Measured`.
    :param lost: the processes that ended before they were done.
    :param ended: how it ended, if without measures.
    :param peaks: of the machine, if they have been measured.
    """
    now = datetime.datetime.now(datetime.UTC)
    measured = [record for record in records if isinstance(record, Measured)]
    starts = [record.turns[0].start_s for record in measured if record.turns]
    began = min([*starts, *(process.turns[0].start_s for process in lost if process.turns)], default=0.0)
    first = records[0] if records else None
    found = Result(
        id=new_id(now),
        created_at=now.isoformat(timespec="seconds"),
        outcome="ok",
        scenario=step.scenario,
        environment=replace(
            environment,
            device=first.started.device if first else step.scenario.device,
            threads=first.started.threads if first else None,
            cuda=first.cuda if first else None,
            load=Load(start=load_at_start, end=env.load_average()),
        ),
        measures=Measures(),
        reasons={},
        plugin=step.plugin,
        zoo_version=step.elsewhere.zoo_version if step.elsewhere else zoo.__version__,
        code=step.code,
        dataset_state=step.dataset_state,
        policy=step.policy(),
        labels=tuple(step.options.labels),
        run=run,
        parity=_parity(records),
        lost=tuple(process.recorded(began) for process in lost),
    )
    if ended is None:
        return _with_measures(found, step, measured, lost, peaks, began)
    failure = failure_record(ended.failure)
    reasons = dict.fromkeys(MEASURES, f"{ended.outcome}: {failure.message}")
    return replace(found, outcome=ended.outcome, failure=failure, reasons=reasons)


def _with_measures(
    found: Result,
    step: Step,
    records: Sequence[Measured],
    lost: Sequence[LostProcess],
    peaks: Peaks | None,
    began: float,
) -> Result:
    """The Result of a scenario that went well.

    :param began: when its first turn did.
    """
    stats = summarise([record.samples_s for record in records], [record.turns for record in records])
    measures, reasons = _measures(step, records, stats, peaks)
    scored, batch_size = _scored(records), step.scenario.batch_size
    rate = Rate(value=batch_size / stats.mean, low=batch_size / stats.mean_high, high=batch_size / stats.mean_low)
    return replace(
        found,
        measures=measures,
        reasons=reasons,
        stats=Statistics(latency_s=LatencyStats(**stats.to_json()), images_per_second=rate),
        samples=tuple(_process(record, began) for record in records),
        weights=records[0].weights,
        predictions=scored.predictions if scored else None,
        quality=scored.quality if scored else None,
        images=scored.images if scored else None,
        checks=tuple(
            check(
                stats,
                records,
                found.environment.load.start,
                found.environment.processor.usable_cores,
                step.options.target_width,
                reasons.get("flops_share", ""),
                measures.macs_left_out or (),
                scored.note if scored else None,
                scored.images.damaged if scored and scored.images else 0,
                [process.ended.failure for process in lost],
            )
        ),
    )


def _process(record: Measured, began: float) -> Process:
    """One process's raw samples, as a Result has them.

    :param began: when the scenario's first turn did.
    """
    return Process(
        latency_s=record.samples_s,
        turns=_from_the_first(record.turns, began),
        **{name: getattr(record, name) for name in OF_A_PROCESS},
    )


def _from_the_first(turns: Sequence[Turn | TurnRecord], began: float) -> tuple[TurnRecord, ...]:
    return tuple(TurnRecord(start_s=round(turn.start_s - began, 6), rounds=turn.rounds) for turn in turns)


def _measures(
    step: Step, records: Sequence[Measured], stats: Stats, peaks: Peaks | None
) -> tuple[Measures, dict[str, str]]:
    """Every measure, and the reason for each that could not be taken."""
    first, scored, batch_size = records[0], _scored(records), step.scenario.batch_size
    peak, imported, on_device = (
        memory_bytes([getattr(record.memory, name) or 0 for record in records])
        for name in ("peak_bytes", "after_import_bytes", "peak_device_bytes")
    )
    bound = _explain(step.scenario, first, stats.median, peaks)
    energy = energy_measures(
        [(record.energy, [turn.rounds * record.iterations * batch_size for turn in record.turns]) for record in records]
    )
    alone = [record.phases_s for record in records if not record.started_beside]
    values: dict[str, Any] = {
        **{name: getattr(first.cost, name) for name in COUNTED},
        **{f"{name}_s": statistics.median(phases[name] for phases in alone) if alone else None for name in PHASES},
        **{name: statistics.median(getattr(record.copies, name) for record in records) for name in COPIES},
        **{name: reading.value for name, reading in energy.items()},
    }
    measures = Measures(
        **values,
        latency_s=stats.median,
        images_per_second=batch_size / stats.mean,
        peak_rss_bytes=peak,
        peak_rss_above_import_bytes=peak - imported,
        peak_device_bytes=on_device or None,
        flops_share=bound.flops_share,
        bound_by=bound.bound_by,
        accuracy=scored.accuracy if scored else None,
    )
    reasons = {
        "peak_device_bytes": NO_COUNTER if step.scenario.device == "cpu" else "the runtime has no counter for it",
        **dict.fromkeys(("flops_share", "bound_by"), bound.reason),
        **{name: reading.reason for name, reading in energy.items()},
        **dict.fromkeys([f"{name}_s" for name in PHASES], STARTED_BESIDE),
        "accuracy": without_paths(step.no_accuracy or first.unscored or SCORER_LOST),
    }
    return measures, {name: why for name, why in reasons.items() if getattr(measures, name) is None}


def _scored(records: Sequence[Measured]) -> Scored | None:
    """What the only process that scores the model says of it, if it is among them."""
    return next((record.scored for record in records if record.scored is not None), None)


def _explain(scenario: Scenario, record: Measured, latency_s: float, peaks: Peaks | None) -> Explanation:
    """How close to the machine the scenario came, and what kept it from coming closer.

    :param record: of the first process.
    """
    if peaks is None:
        return Explanation(reason=NO_PEAK)
    if record.cost.macs_left_out:  # of a part of the work, nothing follows
        return Explanation(reason=not_whole(record.cost.macs_left_out))
    return explain(
        latency_s,
        batch_size=scenario.batch_size,
        layers=record.layers,
        peaks=peaks,
        precision=scenario.precision,
        threads=record.started.threads if scenario.device_kind == "cpu" else None,
    )


def _parity(records: Sequence[Refused]) -> Parity | None:
    """Of the process whose logits were the farthest from the reference's, or are not accepted."""
    found = [record.parity for record in records]
    return max(found, key=lambda parity: (not parity.accepted, parity.max_difference or 0.0), default=None)
