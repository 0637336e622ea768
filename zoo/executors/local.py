"""Run a function in a fresh process and know how it ended.

The parent never imports a framework, and nothing that the function does can take the parent down.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from zoo import keras_backend
from zoo.errors import EXIT_FAILED, DataError, ModelError, SpecError, UsageError, WeightsError, ZooError
from zoo.executors import folders
from zoo.executors.folders import OwnedFolder
from zoo.paths import home, reason

Outcome = Literal["ok", "error", "timeout", "signal", "out_of_memory"]
OnEvent = Callable[[dict[str, Any]], None]

DEFAULT_TIMEOUT_S = 1800.0
POLL_S = 0.1
EXPIRE = b"t"  # what the supervisor is told when a deadline is over that the caller keeps
LOG_TAIL_LINES = 12
EVENTS_BYTES = 2**26  # that are read at once


@dataclass(frozen=True, slots=True)
class Task:
    """A function to run in a process of its own.

    Attributes:
        function: `"package.module:function"`, called as `function(job, report)`; returns JSON values.
        job: JSON values.
        environment: variables to set before the interpreter starts, besides the caller's own; None unsets one.
        timeout_s: after that many seconds the process and all its children are ended.
        memory_limit_bytes: resident size at which the process is ended; None is nine tenths of what is free.
        label: what to call it in the name of a log.
        python: the interpreter of another environment, which has a zoo of its own; None is this process's.
    """

    function: str
    job: Mapping[str, Any]
    environment: Mapping[str, str | None] = field(default_factory=dict)
    timeout_s: float | None = DEFAULT_TIMEOUT_S
    memory_limit_bytes: int | None = None
    label: str = "task"
    python: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """How a task that didn't return ended.

    Attributes:
        phase: the last phase it had reported.
        type: the exception's class, or the signal's name.
        message: one line.
        exit_code: what a command should end with.
        log: where what the process printed is kept.
    """

    phase: str | None
    type: str
    message: str
    exit_code: int = EXIT_FAILED
    log: str | None = None
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Completed:
    """A task's end: its value if it returned, else how it failed."""

    outcome: Outcome
    value: dict[str, Any] | None = None
    failure: Failure | None = None


class Control:
    """Ends a task that runs in another thread."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self.expired = threading.Event()

    def stop(self) -> None:
        """End it: nobody wants it any more."""
        self.stopped.set()

    def expire(self) -> None:
        """End it as one that has taken too long."""
        self.expired.set()


def call(task: Task, on_event: OnEvent | None = None) -> Any:
    """Run a task and return its value.

    :raises ZooError: one line, if it did not return.
    """
    completed = run(task, on_event)
    if completed.outcome == "ok":
        return completed.value
    failure = completed.failure
    assert failure is not None  # noqa: S101 - a task without a value has failed
    raise _as_error(failure)


def make_folder() -> OwnedFolder:
    """A folder for one task, which `run` takes away again.

    :raises UsageError: if there is no room for it.
    """
    return folders.make(folders.TASK)


def run(
    task: Task, on_event: OnEvent | None = None, control: Control | None = None, folder: OwnedFolder | None = None
) -> Completed:
    """Run a task to its end and say how it ended. Only the caller's own interruption is raised.

    :param on_event: called with each event that the function reports, as it arrives.
    :param control: for a caller that runs several in threads; the deadline is then the caller's to keep.
    :param folder: one that `make_folder` has made, for a caller that puts something there for the task. It is removed
        in any case.
    :raises TypeError: if the job is not JSON.
    :raises UsageError: if there is no room for temporary files.
    :raises ZooError: if no process can be started.
    """
    with folder or make_folder() as owned:
        content = json.dumps(
            {
                "function": task.function,
                "job": dict(task.job),
                "python": task.python,
                "timeout_s": task.timeout_s if control is None else None,
                "memory_limit_bytes": task.memory_limit_bytes,
                "callers_folders": [str(path) for path in folders.owned_here()],
            },
            allow_nan=False,
        )
        try:
            (owned.path / "tmp").mkdir()
            (owned.path / "task.json").write_text(content)
            variables = _variables(task, owned.path)
        except OSError as error:
            raise UsageError(f"can't write to {owned.path.parent}: {reason(error)}") from None
        events = _supervise(owned, variables, on_event or (lambda _: None), control or Control())
        return _completed(task, owned.path, events)


def _variables(task: Task, folder: Path) -> dict[str, str]:
    """The environment of a task's processes: the caller's, with a configuration of Keras that no user has changed."""
    ours = {**keras_backend.worker_environment(folder, task.environment), **task.environment}
    return {name: value for name, value in {**os.environ, **ours}.items() if value is not None}


def _supervise(owned: OwnedFolder, variables: Mapping[str, str], on_event: OnEvent, control: Control) -> _Events:
    """Start the supervisor, pass on events, and return when every process is gone."""
    with contextlib.ExitStack() as stack:
        over, held = os.pipe()  # `held` is the supervisor's alone: `over` can be read when it ends
        stack.callback(os.close, over)
        try:
            supervisor = _start_supervisor(owned, variables, held)
        finally:
            os.close(held)
        lifeline = supervisor.stdin
        assert lifeline is not None  # noqa: S101 - it was opened as a pipe
        stack.callback(supervisor.wait)
        stack.callback(lifeline.close)
        events = _Events(owned.path / "events.jsonl", on_event)
        told = False
        while not control.stopped.is_set() and not select.select([over], [], [], POLL_S)[0]:
            events.read()
            if control.expired.is_set() and not told:
                told = True
                with contextlib.suppress(BrokenPipeError):  # it has just ended by itself
                    lifeline.write(EXPIRE)
        if not control.stopped.is_set():
            supervisor.wait()
            events.read()
    return events


def _start_supervisor(owned: OwnedFolder, variables: Mapping[str, str], held: int) -> subprocess.Popen[bytes]:
    """:raises ZooError: if the system starts no process."""
    try:
        with (owned.path / "supervisor.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "zoo.executors.supervisor", str(owned.path)],
                stdin=subprocess.PIPE,  # held open: its end tells the supervisor that we are gone
                stdout=log,
                stderr=log,
                bufsize=0,
                env=variables,
                start_new_session=True,  # the terminal's Ctrl-C is for us; we end the supervisor ourselves
                pass_fds=(held, owned.descriptor),  # it owns the folder too: if we are killed, it removes it
            )
    except OSError as error:
        raise ZooError(f"can't start a process: {reason(error)}") from None


class _Events:
    """The lines that the child has appended to its file of events so far."""

    def __init__(self, path: Path, on_event: OnEvent) -> None:
        self.path = path
        self.on_event = on_event
        self.offset = 0
        self.phase: str | None = None

    def read(self) -> None:
        """Pass on what is new."""
        while self._read_some():
            pass

    def _read_some(self) -> bool:
        """Pass on what is new, up to a limit. Whether there may be more."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                content = file.read(EVENTS_BYTES)
        except FileNotFoundError:
            return False
        more = len(content) == EVENTS_BYTES
        whole, _, _ = content.rpartition(b"\n")
        if not whole:
            self.offset += len(content) * more  # no event is that long
            return more
        self.offset += len(whole) + 1
        for line in whole.splitlines():
            event = _event(line)
            if event is None:
                continue
            if event["event"] == "phase":
                self.phase = event["name"]
            self.on_event(event)
        return more


def _event(line: bytes) -> dict[str, Any] | None:
    """What a child has reported. The file lies open to all the code that it runs: what is no event is passed over."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        return None
    return None if event["event"] == "phase" and not isinstance(event.get("name"), str) else event


def _completed(task: Task, folder: Path, events: _Events) -> Completed:
    end = _read_json(folder / "exit.json")
    returned = _read_json(folder / "returned.json")
    if returned is not None and "value" in returned:
        return Completed("ok", returned["value"])

    log = _keep_log(task, folder)
    phase = events.phase

    def failed(
        outcome: Outcome, kind: str, message: str, exit_code: int = EXIT_FAILED, ours: bool = False
    ) -> Completed:
        return Completed(outcome, None, Failure(phase, kind, message, exit_code, log, ours))

    if returned is not None:
        error = returned["error"]
        outcome: Outcome = "out_of_memory" if error["out_of_memory"] else "error"
        return failed(outcome, error["type"], error["message"], error["exit_code"], error["ours"])
    if end is None:
        return failed("error", "SupervisorError", "the supervising process itself was ended")
    if end["ended_for"] == "timeout":
        return failed("timeout", "Timeout", f"not done after {task.timeout_s:g} s")
    if end["ended_for"] == "memory":
        limit = end["memory_limit_bytes"] / 2**20
        return failed("out_of_memory", "MemoryLimit", f"used more than {limit:,.0f} MiB of memory")
    if end["ended_for"] == "kernel":
        return failed("out_of_memory", "OutOfMemory", "ended by the system for want of memory")
    if end["signal"] is not None:
        return failed("signal", end["signal"], f"ended by {end['signal']}")
    return failed("error", "Exit", f"exited with code {end['exit_code']} before it was done")


def _keep_log(task: Task, folder: Path) -> str | None:
    """Move what the failed process printed to where the user can read it."""
    try:
        logs = home() / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        kept = logs / f"{time.strftime('%Y%m%d-%H%M%S')}-{task.label}-{folder.name[-8:]}.log"
        parts = [p for p in (folder / "log", folder / "supervisor.log") if p.exists()]
        kept.write_bytes(b"".join(p.read_bytes() for p in parts))
    except OSError:
        return None  # a full disk must not hide the failure itself
    return str(kept)


def _as_error(failure: Failure) -> ZooError:
    kinds: dict[str, type[ZooError]] = {
        kind.__name__: kind for kind in (UsageError, SpecError, DataError, WeightsError, ModelError)
    }
    if failure.ours and (kind := kinds.get(failure.type)):
        return kind(failure.message)
    where = f" in {failure.phase}" if failure.phase else ""
    kept = f"; its log is {failure.log}" if failure.log else ""
    return ZooError(f"the worker failed{where}: {failure.message}{kept}")


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content
