"""What the processes of one scenario have recorded, and how they ended."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from zoo.benchmarking import peak
from zoo.benchmarking.assemble import Ended, assemble
from zoo.benchmarking.plan import Step
from zoo.benchmarking.reference import References
from zoo.benchmarking.stats import summarise
from zoo.benchmarking.turns import Group, Member
from zoo.errors import EXIT_USAGE, UsageError
from zoo.executors.local import Failure
from zoo.record.result import Result

OnPhase = Callable[[str], None]


@dataclass
class Taken:
    """What the processes of one scenario have recorded so far.

    Attributes:
        load_at_start: of the machine, before the run.
        reference: the folder of what its logits are held to.
        ended: how it ended without measures, if so.
    """

    step: Step
    load_at_start: float | None
    reference: Path | None = None
    records: list[dict[str, Any]] = field(default_factory=list)
    ended: Ended | None = None
    started: int = 0

    @classmethod
    def nothing_yet(cls, step: Step, load_at_start: float | None, references: References, on_phase: OnPhase) -> Self:
        """Before the first process starts, but with the reference made.

        :raises UsageError: if making it shows that what was asked for is impossible here.
        """
        taken = cls(step, load_at_start)
        if step.unavailable is not None:
            taken.ended = Ended("unavailable", Failure(None, "Unavailable", step.unavailable))
            return taken
        reference = references.find(step, on_phase)
        if not isinstance(reference, Path):
            taken.fail(Ended.of(reference))
            return taken
        taken.reference = reference
        return taken

    def start(self, group: Group, on_phase: OnPhase, beside: int = 0) -> Member:
        """Start one more process.

        :param beside: how many others start at the same time.
        """
        task = self.step.task()
        score = task.job["score"] and self.started == 0  # it doesn't vary from process to process
        self.started += 1
        job = {
            **task.job,
            "score": score,
            "beside": beside,
            "caller": os.getpid(),
            "reference": str(self.reference),
        }
        task = dataclasses.replace(task, job=job)

        def on_event(event: dict[str, Any]) -> None:
            if event["event"] == "phase":
                on_phase(event["name"])

        return group.start(task, on_event, self.step.options.timeout_s)

    def take(self, member: Member, pair: int | None = None) -> None:
        """Let a process finish and take what it has recorded.

        :param pair: the number of the pair that it belongs to.
        :raises UsageError: if what was asked for is impossible here, such as a device that isn't there.
        """
        completed = member.end()
        if completed.value is None:
            self.fail(Ended.of(completed))
            return
        self.records.append({**completed.value, "pair": pair})
        parity = completed.value["parity"]
        if not parity["accepted"]:
            self.ended = Ended("wrong", Failure("parity", "Wrong", parity["reason"]))

    def fail(self, ended: Ended) -> None:
        """It has ended without measures.

        :raises UsageError: if what was asked for is impossible here, and is not one of several ways to run a model.
        """
        if ended.failure.exit_code == EXIT_USAGE:
            if not (self.step.in_matrix and ended.failure.phase == "import"):  # where a runtime looks at the machine
                raise UsageError(ended.failure.message)
            ended = Ended("unavailable", dataclasses.replace(ended.failure, log=None))
        self.ended = ended

    def width(self) -> float:
        """The interval of the median, as a share of it."""
        stats = summarise([record["samples_s"] for record in self.records])
        return (stats.high - stats.low) / stats.median

    def result(self, environment: Mapping[str, Any], run_id: str) -> Result:
        """The Result of what was recorded."""
        return assemble(
            self.step,
            environment,
            self.records,
            ended=self.ended,
            load_at_start=self.load_at_start,
            peaks=peak.load(environment["fingerprint"], self.step.scenario.device_kind),
            run=run_id,
        )
