"""Have scenarios measured by an executor, which a plugin brings. The caller alone decides what counts as measured.

The executor's function runs in a process of its own. What it reports is believed as little as what a stranger writes:
only Results of tasks that it was given count, each once, and only if they are of what was asked for.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from zoo.benchmarking import environment as env
from zoo.benchmarking.assemble import Ended, assemble
from zoo.benchmarking.computing import scoped
from zoo.benchmarking.identity import of_result, of_step
from zoo.benchmarking.plan import Step
from zoo.benchmarking.runner import OnStep
from zoo.benchmarking.tasks import MeasuringTask, Side
from zoo.errors import UsageError
from zoo.executors.local import Completed, Control, Failure, Task, run
from zoo.record.environment import Environment
from zoo.record.reading import loads
from zoo.record.result import Result
from zoo.references import resolve
from zoo.registry import Entry
from zoo.specs import ExecutorSpec
from zoo.text import line

MOST_CHARACTERS = 2**24  # of what is reported of one task
BEGUN, FINISHED, FAILED = "begun", "finished", "failed"

Row = Sequence[Step]


def execute(job: Mapping[str, Any], report: Callable[..., None]) -> None:
    """In a process of its own: call the executor's function with the tasks and with what it reports by."""
    lock = threading.Lock()

    def tell(task: str, what: str, text: str = "") -> None:
        if not all(isinstance(value, str) for value in (task, what, text)):
            raise TypeError("a task, what has become of it, and the text that belongs to it must be strings")
        if what not in (BEGUN, FINISHED, FAILED):
            raise ValueError(f"{what!r} is not one of {BEGUN}, {FINISHED}, {FAILED}")
        if len(text) > MOST_CHARACTERS:
            raise ValueError(f"what is reported has at most {MOST_CHARACTERS:,} characters, and this has {len(text):,}")
        with lock:  # an executor may report from several threads
            report("told", task=task, what=what, text=text)

    resolve(job["run"])(dict(job["tasks"]), tell)


@dataclass(frozen=True, slots=True)
class Told:
    """What an executor reports of a task."""

    task: str
    what: Literal["begun", "finished", "failed"]
    text: str


class Ledger:
    """Which tasks are still to be measured, and what those have become that are not. Starts nothing.

    :param rows: the steps of each task.
    :param environment: of this machine, for the Results of tasks that are lost.
    :param is_known: whether there is a Result of that id already.
    """

    def __init__(
        self,
        name: str,
        rows: Sequence[Row],
        environment: Environment,
        run_id: str,
        is_known: Callable[[str], bool],
    ) -> None:
        self.name, self.environment, self.run_id, self.is_known = name, environment, run_id, is_known
        self.waiting = {str(number): row for number, row in enumerate(rows)}
        self.ids: set[str] = set()
        self.refused = 0

    def tasks(self, disabled: Sequence[str]) -> dict[str, str]:
        """The text of each task that is waiting, by its id.

        :raises UsageError: if a file of weights can't be read.
        """
        return {
            task: MeasuringTask(
                id=task, run=self.run_id, sides=tuple(map(Side.of, row)), disabled=tuple(disabled)
            ).dumps()
            for task, row in self.waiting.items()
        }

    def settle(self, told: Told) -> tuple[Result, ...] | None:
        """The Results of a task of which an executor reports that it has ended.

        :return: None, and it is counted as refused, if the task is not one that is waiting.
        """
        row = self.waiting.pop(told.task, None)
        if row is None:
            self.refused += 1
            return None
        if told.what == FAILED:
            return self._failed(row, line(told.text) or "it gives no reason")
        try:
            return self._results(row, told.text)
        except (UsageError, ValueError, RecursionError) as error:
            return self._failed(row, f"what it returned is refused: {line(str(error))}")

    def lost(self, reason: str) -> Iterator[tuple[Result, ...]]:
        """The Results of the tasks that are left."""
        while self.waiting:
            task, row = next(iter(self.waiting.items()))
            del self.waiting[task]
            yield self._failed(row, reason)

    def unavailable(self) -> Iterator[tuple[Result, ...]]:
        """The Results of tasks of which it is known that they can't be measured."""
        for task, row in list(self.waiting.items()):
            if reason := next((step.unavailable for step in row if step.unavailable), None):
                del self.waiting[task]
                yield self._ended(row, Ended("unavailable", Failure(None, "Unavailable", reason)))

    def _results(self, row: Row, text: str) -> tuple[Result, ...]:
        if len(text) > MOST_CHARACTERS:
            raise UsageError(f"it has {len(text):,} characters")
        values = json.loads(text)
        if not isinstance(values, list) or len(values) != len(row):
            raise UsageError(f"it is not a list of as many Results as were asked for, which is {len(row)}")
        results = tuple(loads(json.dumps(value).encode()) for value in values)
        for step, result in zip(row, results, strict=True):
            self._check(step, result)
        ids = {result.id for result in results}
        if len(ids) < len(results) or ids & self.ids or any(map(self.is_known, ids)):
            raise UsageError("a Result of that id is there already")
        self.ids |= ids
        return results

    def _check(self, step: Step, result: Result) -> None:
        """:raises UsageError: if it is not a Result of the step, as far as can be told without its machine."""
        found, wanted = of_result(result), of_step(step, self.environment)
        for what in ("scenario", "plugin", "zoo_version", "code", "policy", *(["weights"] * (result.outcome == "ok"))):
            if getattr(found, what) != getattr(wanted, what):
                raise UsageError(f"its {what.replace('_', ' ')} is not what was asked for")
        if result.run != self.run_id or result.labels != tuple(step.options.labels):
            raise UsageError("it is of another run")

    def _failed(self, row: Row, reason: str) -> tuple[Result, ...]:
        return self._ended(row, Ended("error", Failure(None, "Executor", f"the executor {self.name}: {reason}")))

    def _ended(self, row: Row, ended: Ended) -> tuple[Result, ...]:
        return tuple(
            assemble(step, scoped(self.environment, step.distributions), [], ended=ended, run=self.run_id)
            for step in row
        )


def measure_on(
    entry: Entry[ExecutorSpec],
    rows: Sequence[Row],
    on_step: OnStep | None = None,
    *,
    run_id: str,
    disabled: Sequence[str] = (),
    is_known: Callable[[str], bool] = lambda _: False,
    on_warning: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[Result, ...]]:
    """Have an executor measure each row, and yield the Results of each as they come; of lost ones, that they failed.

    :param on_step: called as a row begins, with how many are done, how many there are, and its last step.
    :param disabled: plugins to leave alone.
    :param is_known: whether there is a Result of that id already; it is then refused.
    :param on_warning: told in a line where the executor reports what doesn't count.
    :raises UsageError: if a file of weights can't be read.
    """
    ledger = Ledger(entry.spec.name, rows, env.collect(), run_id, is_known)
    yield from ledger.unavailable()
    if not ledger.waiting:
        return
    job = {"run": entry.spec.run, "tasks": ledger.tasks(disabled)}
    events = _Events(Task(f"{__name__}:execute", job, timeout_s=None, label=f"on-{entry.spec.name}"))
    try:
        for told in events:
            if told.what != BEGUN:
                if (results := ledger.settle(told)) is not None:
                    yield results
            elif on_step and told.task in ledger.waiting:
                done = len(rows) - len(ledger.waiting)
                on_step(done, len(rows), ledger.waiting[told.task][-1])(line(told.text) or f"on {entry.spec.name}")
    finally:
        events.stop()
    if ledger.refused:
        number, verb = f"{ledger.refused:,} report{'s' * (ledger.refused > 1)}", "do" if ledger.refused > 1 else "does"
        reports = f"{number} of the executor {entry.spec.name}"
        on_warning(f"{reports} {verb} not count: the task is unknown or was reported before")
    yield from ledger.lost(_why(events.completed))


def _why(completed: Completed | None) -> str:
    """Why tasks are lost that an executor did not report."""
    if completed is None or completed.failure is None:
        return "it ended without a Result of this task"
    kept = f"; its log is {completed.failure.log}" if completed.failure.log else ""
    return f"it failed: {completed.failure.message}{kept}"


class _Events:
    """What a task reports while it runs, in a thread, until it has ended."""

    def __init__(self, task: Task) -> None:
        self.task, self.control = task, Control()
        self.told: queue.SimpleQueue[Told | None] = queue.SimpleQueue()
        self.completed: Completed | None = None
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def __iter__(self) -> Iterator[Told]:
        while (told := self.told.get()) is not None:
            yield told
        self.thread.join()
        if self.error is not None:
            raise self.error

    def stop(self) -> None:
        """End the process and all that it has started, if it is still there."""
        self.control.stop()
        self.thread.join()

    def _run(self) -> None:
        try:
            self.completed = run(self.task, self._hear, self.control)
        except BaseException as error:  # the caller raises it
            self.error = error
        finally:
            self.told.put(None)

    def _hear(self, event: Mapping[str, Any]) -> None:
        """Pass on what is well formed; a task of which nothing else is heard is lost."""
        try:
            self.told.put(msgspec.convert({name: event.get(name) for name in ("task", "what", "text")}, Told))
        except msgspec.ValidationError:
            return
