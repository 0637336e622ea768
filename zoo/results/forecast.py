"""How long a plan will take: what its scenarios took before, else what the policy says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zoo.benchmarking.plan import MAX_BATCH, Step
from zoo.record.environment import Environment
from zoo.record.result import Result
from zoo.results.runs import existing
from zoo.results.store import Store

START_S = 12.0  # importing, building, the first call, the checks, the accuracy: a guess until it has been measured


@dataclass(frozen=True, slots=True)
class Forecast:
    """What one scenario is expected to take.

    Attributes:
        measured: whether an earlier Result says so; else it is a guess.
    """

    step: Step
    seconds: float
    measured: bool

    def to_json(self) -> dict[str, Any]:
        """The scenario and the rest as JSON values."""
        batch_size = MAX_BATCH if self.step.seeks_batch_size else self.step.scenario.batch_size
        return {
            "scenario": {**self.step.scenario.to_json(), "batch_size": batch_size},
            "expected_s": round(self.seconds, 1),
            "measured_before": self.measured,
            "unavailable": self.step.unavailable,
        }


def forecast(steps: Sequence[Step], store: Store | None, environment: Environment) -> list[Forecast]:
    """One for each step.

    :param store: whose Results of this environment are asked first.
    :param environment: as `zoo.benchmarking.environment.collect` gives it.
    """
    known = {} if store is None else existing(store, [step for step in steps if step.unavailable is None], environment)
    found = []
    for step in steps:
        if step.unavailable is not None:
            found.append(Forecast(step, 0.0, measured=True))
        elif not step.seeks_batch_size and step.scenario in known:
            found.append(Forecast(step, _as_before(step, known[step.scenario]), measured=True))
        else:
            policy = step.options.policy
            one_s = START_S + policy.warmup_min_s + policy.min_time_s
            found.append(Forecast(step, one_s * step.options.least_processes(), measured=False))
    return found


def _as_before(step: Step, result: Result) -> float:
    """The phases of the processes then, for as many as there are to be now."""
    seconds: list[float] = [
        sum(process.phases_s.values()) + process.iterations * sum(process.warmup_s) for process in result.samples
    ]
    return step.options.least_processes() * sum(seconds) / len(seconds)
