"""Processes that are alive at once and compute one at a time.

What the machine does meanwhile (its frequency, its other guests, its interrupts) then meets all of them alike. The
parent says whose turn it is: each process has two named pipes, for commands and for answers, a line of JSON each.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from zoo.benchmarking import memory
from zoo.benchmarking.timing import Turn, TurnLength
from zoo.executors.local import Completed, Control, Task, make_folder, run

COMMANDS, ANSWERS = "commands", "answers"
WARM_UP, SAMPLE, END = "warm_up", "sample", "end"
READY, WARM, SAMPLED, ENDED = "ready", "warm", "sampled", "ended"

OnEvent = Callable[[dict[str, Any]], None]


class _Line:
    """A named pipe, open for both directions: opening it waits for nobody, and what is written early is not lost."""

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDWR)
        self.rest = b""

    def write(self, message: Mapping[str, Any]) -> None:
        content = memoryview(json.dumps(message).encode() + b"\n")
        while content:
            content = content[os.write(self.descriptor, content) :]

    def read(self) -> dict[str, Any]:
        """Wait for a message."""
        while (message := self.whole()) is None:
            self.fill()
        return message

    def fill(self) -> None:
        """Wait for a part of a message."""
        self.rest += os.read(self.descriptor, 65536)

    def whole(self) -> dict[str, Any] | None:
        """The next message, if all of it is here."""
        line, newline, rest = self.rest.partition(b"\n")
        if not newline:
            return None
        self.rest = rest
        message: dict[str, Any] = json.loads(line)
        return message

    def close(self) -> None:
        os.close(self.descriptor)


class Parent:
    """In a worker: the process that started it and says when it is to compute."""

    def __init__(self, folder: Path) -> None:
        self.commands, self.answers = _Line(folder / COMMANDS), _Line(folder / ANSWERS)
        self.warm = False

    def warm_up(self) -> None:
        """Wait for the command to warm up: nobody else computes then."""
        self.answers.write({"is": READY, "resident_bytes": memory.resident_bytes()})
        self.commands.read()

    def next_turn(self) -> TurnLength | None:
        """Wait for the next turn; None at the end."""
        if not self.warm:
            self.warm = True
            self.answers.write({"is": WARM})
        command = self.commands.read()
        return TurnLength(**command["length"]) if command["do"] == SAMPLE else None

    def hand_over(self, turn: Turn) -> None:
        """Tell the parent what was sampled."""
        self.answers.write({"is": SAMPLED, "turn": asdict(turn)})


class Process:
    """In the parent: a process that is started now and computes when it is told to.

    :param timeout_s: after which it is ended, of time that it was its turn.
    """

    def __init__(self, task: Task, on_event: OnEvent, timeout_s: float | None) -> None:
        with contextlib.ExitStack() as undo:  # of what goes before something that fails
            self.folder = undo.enter_context(make_folder())
            self.commands, self.answers = (self._line(name, undo) for name in (COMMANDS, ANSWERS))
            self.over, self.held = os.pipe()  # `over` can be read when it has ended
            undo.callback(os.close, self.over)
            undo.callback(os.close, self.held)
            self.task = replace(task, job={**task.job, "pipes": str(self.folder.path)})
            self._start(task.label, on_event, timeout_s)
            undo.pop_all()

    def _line(self, name: str, undo: contextlib.ExitStack) -> _Line:
        os.mkfifo(self.folder.path / name)
        line = _Line(self.folder.path / name)
        undo.callback(line.close)
        return line

    def _start(self, name: str, on_event: OnEvent, timeout_s: float | None) -> None:
        self.on_event, self.timeout_s = on_event, timeout_s
        self.control = Control()
        self.turns: list[Turn] = []
        self.resident_bytes = 0
        self.completed: Completed | None = None
        self.error: BaseException | None = None
        self.closed = False
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.completed = run(self.task, self.on_event, self.control, self.folder)
        except BaseException as error:  # the parent raises it
            self.error = error
        finally:
            os.close(self.held)

    def ready(self) -> bool:
        """Wait until it is ready to warm up. False, here and below: it has ended instead."""
        answer = self._answer()
        self.resident_bytes = answer.get("resident_bytes", 0)
        return bool(answer["is"] == READY)

    def warm_up(self) -> bool:
        """Have it warm up."""
        return bool(self._do(WARM_UP)["is"] == WARM)

    def sample(self, length: TurnLength) -> bool:
        """Have it sample, to `turns`."""
        answer = self._do(SAMPLE, length=asdict(length))
        if answer["is"] != SAMPLED:
            return False
        turn = answer["turn"]
        self.turns.append(Turn(turn["start_s"], turn["seconds"], tuple(turn["samples_s"])))
        return True

    def end(self) -> Completed:
        """Let it finish what follows sampling, and say how it ended."""
        if self.completed is None:
            answer = self._do(END)
            while answer["is"] != ENDED:
                answer = self._answer()
        assert self.completed is not None  # noqa: S101 - what has ended without an error has completed
        return self.completed

    def close(self) -> None:
        """End it, if it is still there."""
        if self.closed:
            return
        self.closed = True
        self.control.stop()
        self.thread.join()
        for line in (self.commands, self.answers):
            line.close()
        os.close(self.over)

    def _do(self, what: str, **more: Any) -> dict[str, Any]:
        self.commands.write({"do": what, **more})
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        """Wait for its next message: also one that it sent before it ended, but none that it has not finished."""
        timeout_s = self.timeout_s
        while (message := self.answers.whole()) is None:
            readable = select.select([self.answers.descriptor, self.over], [], [], timeout_s)[0]
            if self.answers.descriptor in readable:
                self.answers.fill()
            elif readable:
                self.thread.join()
                if self.error is not None:
                    raise self.error
                return {"is": ENDED}
            else:
                self.control.expire()
                timeout_s = None
        return message


class ProcessGroup:
    """The processes that are alive; at its end none of them is left."""

    def __init__(self) -> None:
        self.processes: list[Process] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes:
            process.control.stop()
        for process in self.processes:
            process.close()

    def start(self, task: Task, on_event: OnEvent, timeout_s: float | None) -> Process:
        """Start one more; it does what comes before warming up at once."""
        self.processes.append(Process(task, on_event, timeout_s))
        return self.processes[-1]
