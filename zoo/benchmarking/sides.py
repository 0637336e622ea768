"""One scenario of those that are measured side by side: what its processes have recorded, and how they ended."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from zoo.benchmarking import peak
from zoo.benchmarking.assemble import PARTNER_ENDED, Ended, LostProcess, assemble
from zoo.benchmarking.computing import scoped
from zoo.benchmarking.plan import Step
from zoo.benchmarking.processes import Process, ProcessGroup
from zoo.benchmarking.reference import References
from zoo.benchmarking.schedule import Lost, Member
from zoo.data.state import dataset_state
from zoo.errors import EXIT_USAGE, UsageError
from zoo.executors.local import Failure
from zoo.record.environment import Environment
from zoo.record.result import Result
from zoo.record.worker import Refused, decode

OnPhase = Callable[[str], None]


@dataclass
class Side:
    """A scenario while it is measured.

    Attributes:
        load_at_start: of the machine, before the run.
        reference: the folder of what its logits are held to.
        processes: by their number, as the next two.
        records: what each process has recorded.
        lost: the processes that ended before they were done.
        ended: how the scenario ended without measures, whatever its processes say, if so.
        paired: whether each process takes turns with one of another side.
    """

    step: Step
    load_at_start: float | None
    reference: Path | None = None
    processes: dict[int, Process] = field(default_factory=dict)
    records: dict[int, Refused] = field(default_factory=dict)
    lost: dict[int, LostProcess] = field(default_factory=dict)
    ended: Ended | None = None
    paired: bool = False

    @classmethod
    def prepare(cls, step: Step, load_at_start: float | None, references: References, on_phase: OnPhase) -> Self:
        """Before the first process starts, but with the reference made.

        :raises UsageError: if making it shows that what was asked for is impossible here.
        """
        side = cls(step, load_at_start)
        if step.unavailable is not None:
            side.ended = Ended("unavailable", Failure(None, "Unavailable", step.unavailable))
            return side
        reference = references.find(step, on_phase)
        if isinstance(reference, Path):
            side.reference = reference
        else:
            side.ended = side._without_measures(Ended.of(reference))
        return side

    def start(self, number: int, group: ProcessGroup, on_phase: OnPhase, beside: int = 0) -> Process:
        """Start one more process.

        :param beside: how many others start at the same time.
        """
        task = self.step.task()
        more = {
            "score": task.job["score"] and not self.processes,  # it doesn't vary from process to process
            "beside": beside,
            "caller": os.getpid(),
            "reference": str(self.reference),
        }

        def on_event(event: dict[str, Any]) -> None:
            if event["event"] == "phase":
                on_phase(event["name"])

        task = replace(task, job={**task.job, **more})
        self.processes[number] = group.start(task, on_event, self.step.options.timeout_s)
        return self.processes[number]

    def take(self, member: Member) -> float | Lost:
        """Let a process finish, and take what it has recorded, or how it has ended.

        :return: how many seconds it scored the model.
        """
        process, number = self.processes[member.number], member.number
        completed = process.end()
        process.close()
        if completed.value is None:
            self._lose(member, Ended.of(completed))
            return Lost()
        try:
            record = decode(completed.value)
        except ValueError as error:
            why = f"what the process returned is malformed: {error}"
            self._lose(member, Ended("error", Failure("record", "Malformed", why)))
            return Lost()
        self.records[number] = replace(record, pair=member.set if self.paired else None)
        if not record.parity.accepted:
            self.ended = Ended("wrong", Failure("parity", "Wrong", record.parity.reason or "it is another model's"))
            return Lost(settles=True)
        return record.phases_s.get("accuracy", 0.0)

    def drop(self, member: Member) -> None:
        """Do without a process that nothing was wrong with, since another of its pair was lost."""
        self.processes[member.number].close()
        if member.number not in self.lost:
            self.records.pop(member.number, None)
            self._lose(member, PARTNER_ENDED)

    def _lose(self, member: Member, ended: Ended) -> None:
        turns = tuple(self.processes[member.number].turns)
        self.lost[member.number] = LostProcess(ended, turns, member.set if self.paired else None)

    def result(self, environment: Environment, run_id: str) -> Result:
        """The Result of the processes that finished, or of how it failed if none did.

        :param environment: this one, as `zoo.benchmarking.environment.collect` gives it; a side that is measured
            elsewhere has its own.
        :raises UsageError: if what was asked for is impossible here, such as a device that isn't there.
        """
        if self.step.elsewhere is not None:
            environment = self.step.elsewhere.environment
        ended, lost = self.ended, [self.lost[number] for number in sorted(self.lost)]
        if ended is None and not self.records:
            # what says most of why nothing is left: the first that ended by itself
            each = [process.ended for process in lost]
            ended = self._without_measures(next((one for one in each if one is not PARTNER_ENDED), each[0]))
        step = self.step
        if step.dataset_state is None:  # the dataset has been prepared meanwhile
            step = replace(step, dataset_state=dataset_state(step.job["dataset"]["folder"]))
        return assemble(
            step,
            scoped(environment, self.step.distributions),
            [self.records[number] for number in sorted(self.records)],
            lost=lost,
            ended=ended,
            load_at_start=self.load_at_start,
            peaks=peak.load(peak.fingerprint(environment), self.step.scenario.device_kind),
            run=run_id,
        )

    def _without_measures(self, ended: Ended) -> Ended:
        """How the scenario ended, if a process of it ended like that and there are no measures.

        :raises UsageError: if what was asked for is impossible here, and is not one of several ways to run a model.
        """
        if ended.failure.exit_code != EXIT_USAGE:
            return ended
        if not (self.step.in_matrix and ended.failure.phase == "import"):  # where a runtime looks at the machine
            raise UsageError(ended.failure.message)
        return Ended("unavailable", replace(ended.failure, log=None))
