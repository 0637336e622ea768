"""Runs: which scenarios a `zoo bench` set out to measure, so that an interrupted one can be continued.

A run's file stands in `<store>/runs/` from its beginning until its last Result is stored. What it has measured is
whatever Results of the store name it; the file itself never changes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zoo.benchmarking.plan import Step
from zoo.benchmarking.runner import new_run_id
from zoo.files import write_atomic
from zoo.record.result import Result
from zoo.record.scenario import Scenario
from zoo.results.store import Filter, Store

FOLDER = "runs"


@dataclass
class Run:
    """One run, begun or continued.

    Attributes:
        id: what its Results name as their `run`.
        file: where it is recorded while it lasts.
        measured: the Results that it has already, by scenario.
    """

    id: str
    file: Path
    measured: dict[Scenario, Result] = field(default_factory=dict)

    def finish(self) -> None:
        """Forget that it was under way."""
        with contextlib.suppress(OSError):
            self.file.unlink()


def begin(store: Store, steps: Sequence[Step]) -> Run:
    """Record that these steps are to be measured."""
    run_id = new_run_id()
    file = store.folder / FOLDER / f"{run_id}.json"
    write_atomic(file, json.dumps({"plan": plan_digest(steps)}).encode())
    return Run(run_id, file)


def resume(store: Store, steps: Sequence[Step]) -> Run:
    """Continue the newest interrupted run of the same steps, or begin one if there is none."""
    digest = plan_digest(steps)
    for file in sorted((store.folder / FOLDER).glob("*.json"), reverse=True):
        with contextlib.suppress(OSError, ValueError, KeyError):
            if json.loads(file.read_bytes())["plan"] == digest:
                return Run(file.stem, file, _measured(store, file.stem))
    return begin(store, steps)


def existing(store: Store, steps: Sequence[Step], fingerprint: str) -> dict[Scenario, Result]:
    """The newest ok Result of each step's scenario that this environment has measured before."""
    found = store.find_scenarios([step.scenario for step in steps], fingerprint)
    return {scenario: store.get(name) for scenario, name in found.items()}


def plan_digest(steps: Sequence[Step]) -> str:
    """Equal for the same scenarios measured in the same way."""
    plan = [[step.job, step.options.least_processes(), step.options.target_width] for step in steps]
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()


def _measured(store: Store, run_id: str) -> dict[Scenario, Result]:
    since = f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]}"
    rows = store.select(Filter(since=since), newest_first=False)
    results = store.load(rows, on_damaged=lambda _: None)
    return {result.scenario: result for result in results if result.run == run_id}
