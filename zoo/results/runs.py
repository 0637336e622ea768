"""Runs: which scenarios a `zoo bench` set out to measure, so that an interrupted one can be continued.

A run's file stands in `<store>/runs/` from its beginning until its last Result is stored. What it has measured is
whatever Results of the store name it; the file itself never changes. A process that works on a run locks its file.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from zoo.benchmarking.identity import of_result, of_step
from zoo.benchmarking.plan import Step
from zoo.files import write_atomic
from zoo.record.environment import Environment
from zoo.record.identifiers import new_id
from zoo.record.result import Result
from zoo.record.scenario import Scenario
from zoo.results.rows import digest as digest_of
from zoo.results.store import Filter, Store

FOLDER = "runs"
OF_THE_SCENARIO = ("ok", "wrong", "unavailable")  # outcomes that would be the same again; others are tried again


@dataclass
class Run:
    """One run, begun or continued.

    Attributes:
        id: what its Results name as their `run`.
        file: where it is recorded while it lasts.
        lock: a descriptor that keeps other processes from continuing it; None where the file system has no locks.
        measured: the Results that it has already, by scenario.
    """

    id: str
    file: Path
    lock: int | None = None
    measured: dict[Scenario, Result] = field(default_factory=dict)

    def finish(self) -> None:
        """Forget that it was under way."""
        with contextlib.suppress(OSError):
            self.file.unlink()
        self.leave()

    def leave(self) -> None:
        """Let another process continue it."""
        if self.lock is not None:
            with contextlib.suppress(OSError):
                os.close(self.lock)
            self.lock = None


def begin(store: Store, steps: Sequence[Step], environment: Environment) -> Run:
    """Record that these steps are to be measured.

    :param environment: as `zoo.benchmarking.environment.collect` gives it.
    """
    run_id = new_id()
    file = store.folder / FOLDER / f"{run_id}.json"
    write_atomic(file, json.dumps({"plan": plan_digest(steps, environment)}).encode())
    return Run(run_id, file, _locked(file))


def resume(store: Store, steps: Sequence[Step], environment: Environment, *, anywhere: bool = False) -> Run:
    """Continue the newest interrupted run of the same steps in the same environment, or begin one if there is none.

    A run that another process is still working on is not interrupted.

    :param anywhere: whether Results of the run count that an executor had measured on other machines.
    """
    digest = plan_digest(steps, environment)
    for file in sorted((store.folder / FOLDER).glob("*.json"), reverse=True):
        with contextlib.suppress(OSError, ValueError, KeyError):
            if json.loads(file.read_bytes())["plan"] != digest:
                continue
            lock = _locked(file)
            return Run(file.stem, file, lock, _measured(store, file.stem, steps, environment, anywhere))
    return begin(store, steps, environment)


def existing(store: Store, steps: Sequence[Step], environment: Environment) -> dict[Scenario, Result]:
    """The newest ok Result that may stand for each step: of the same identity, and scored if the step is to be."""
    found: dict[Scenario, Result] = {}
    for step in steps:
        wanted, scenario = of_step(step, environment), step.scenario
        rows = store.select(Filter(model=scenario.model, dataset=scenario.dataset, environment=wanted.environment))
        same = (row for row in rows if row.outcome == "ok" and row.scenario == digest_of(scenario))
        for result in store.load(same, on_damaged=lambda _: None):
            scored = result.measures.accuracy is not None or step.no_accuracy is not None
            if of_result(result) == wanted and scored:
                found[scenario] = result
                break
    return found


def plan_digest(steps: Sequence[Step], environment: Environment) -> str:
    """Equal for the same scenarios measured in the same way, of the same weights and versions, in one environment.

    A dataset may be prepared only by the run itself: whether its files are as they were is asked of each Result.
    """
    plan = [repr((replace(of_step(step, environment), dataset=None), step.options.score)) for step in steps]
    return hashlib.sha256(json.dumps(plan).encode()).hexdigest()


def _measured(
    store: Store, run_id: str, steps: Sequence[Step], environment: Environment, anywhere: bool
) -> dict[Scenario, Result]:
    wanted = {step.scenario: of_step(step, environment) for step in steps}
    since = f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]}"
    rows = store.select(Filter(since=since), newest_first=False)
    results = store.load(rows, on_damaged=lambda _: None)
    return {
        result.scenario: result
        for result in results
        if result.run == run_id
        and result.outcome in OF_THE_SCENARIO
        and result.scenario in wanted
        and (
            anywhere
            or (
                result.environment.fingerprint == wanted[result.scenario].environment
                and result.dataset_state == wanted[result.scenario].dataset
            )
        )
    }


def _locked(file: Path) -> int | None:
    """A descriptor that holds the file's lock, until it is closed or this process ends.

    :raises OSError: if another process holds it.
    """
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:  # a file system without locks goes without
        os.close(descriptor)
        return None
    return descriptor
