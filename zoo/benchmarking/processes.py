"""Processes that are alive at once and compute one at a time.

What the machine does meanwhile (its frequency, its other guests, its interrupts) then meets all of them alike. The
parent says whose turn it is: each process has two named pipes, for commands and for answers, a line of JSON each.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

from zoo.benchmarking import memory
from zoo.benchmarking.timing import Turn, TurnLength, TurnSource
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


class Parent(TurnSource):
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
        from concurrent.futures import ThreadPoolExecutor  # a worker imports this module too, and needs none

        self.timeout_s, self.control = timeout_s, Control()
        self.turns: list[Turn] = []
        self.resident_bytes = 0
        # both undo what was made before something failed; `before` holds what whoever runs the task then removes
        with contextlib.ExitStack() as before, contextlib.ExitStack() as stack:
            folder = before.enter_context(make_folder())
            for name in (COMMANDS, ANSWERS):
                os.mkfifo(folder.path / name)
            self.commands, self.answers = (
                stack.enter_context(contextlib.closing(_Line(folder.path / name))) for name in (COMMANDS, ANSWERS)
            )
            ends = os.pipe()
            self.over = stack.enter_context(os.fdopen(ends[0], "rb"))  # can be read when it has ended
            held = stack.enter_context(os.fdopen(ends[1], "wb"))
            runner = stack.enter_context(ThreadPoolExecutor(1, task.label))
            stack.callback(self.control.stop)
            task = replace(task, job={**task.job, "pipes": str(folder.path)})
            self.running = runner.submit(run, task, on_event, self.control, folder)
            self.running.add_done_callback(lambda _: held.close())
            before.pop_all()
            self.opened = stack.pop_all()

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
        if not self.running.done():
            answer = self._do(END)
            while answer["is"] != ENDED:
                answer = self._answer()
        return self.running.result()

    def close(self) -> None:
        """End it, if it is still there."""
        self.opened.close()

    def _do(self, what: str, **more: Any) -> dict[str, Any]:
        self.commands.write({"do": what, **more})
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        """Wait for its next message: also one that it sent before it ended, but none that it has not finished."""
        timeout_s = self.timeout_s
        while (message := self.answers.whole()) is None:
            readable = select.select([self.answers.descriptor, self.over.fileno()], [], [], timeout_s)[0]
            if self.answers.descriptor in readable:
                self.answers.fill()
            elif readable:
                self.running.result()  # raises what was raised there
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

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.control.stop()
        for process in self.processes:
            process.close()

    def start(self, task: Task, on_event: OnEvent, timeout_s: float | None) -> Process:
        """Start one more; it does what comes before warming up at once."""
        self.processes.append(Process(task, on_event, timeout_s))
        return self.processes[-1]
