"""The process that reads plugins: it imports the zoo once and forks a child for each plugin.

It has no threads and imports no plugin itself, so that to fork it is safe. It ends a child, with its group, whose time
is over, and everything when its caller has gone. All that is said goes through pipes: no file can be full or removed.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import fcntl
import functools
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import wait
from typing import Any, NamedTuple

from zoo.executors.process_tree import adopt_orphans, die_with_parent, end_all, signal_group
from zoo.findings import codes
from zoo.plugins.examine import MAX_BYTES, examine
from zoo.references import resolve

TICK_S = 0.02
GRACE_S = 1.0  # between the deadline, at which a child says where it is and ends itself, and its end by force
LIFELINE = 0  # standard input: its end tells that the caller has gone
KEPT_BYTES = (2 * MAX_BYTES, 65536, 65536)  # of a child's answer, standard output and standard error
HIGH = 200  # a descriptor that programs which close "all" descriptors rarely get at
exit_now = os._exit  # whatever a plugin makes of os._exit: a child that went on would be a second server


class News(NamedTuple):
    """That a plugin is being read, or has been. It is said in a line of JSON.

    Attributes:
        number: of the plugin in the task.
        status: the wait status of its process; None when it has just begun.
        answer: what it declares, as JSON; where it did not come to that, the trace of where it was.
        out, err: the beginning of what it printed.
    """

    number: int
    status: int | None = None
    timed_out: bool = False
    answer: str = ""
    out: str = ""
    err: str = ""


class Child:
    """A process that reads one plugin."""

    def __init__(self, number: int, read: Callable[[], str], timeout_s: float) -> None:
        pipes = [os.pipe() for _ in KEPT_BYTES]
        self.number = number
        self.deadline = time.monotonic() + timeout_s + GRACE_S  # before the child's own begins
        self.written = {ours: bytearray() for ours, _ in pipes}
        self.kept = dict(zip(self.written, KEPT_BYTES, strict=True))
        self.open = set(self.written)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _child(read, timeout_s, *(theirs for _, theirs in pipes))
            finally:
                exit_now(70)
        for ours, theirs in pipes:
            os.set_blocking(ours, False)
            os.close(theirs)

    def take(self, descriptor: int) -> None:
        """Take what it has written to a stream, and keep the beginning."""
        with contextlib.suppress(BlockingIOError):
            chunk = os.read(descriptor, 1 << 20)  # as much as a pipe can hold
            self.written[descriptor] += chunk[: self.kept[descriptor] - len(self.written[descriptor])]
            if not chunk:
                self.open.discard(descriptor)

    def ended(self) -> News | None:
        """How it ended, once it has: by itself, or because its time is over. It leaves nothing of its group behind."""
        late = time.monotonic() >= self.deadline
        if late:
            signal_group(self.pid, signal.SIGKILL)
        pid, status = os.waitpid(self.pid, 0 if late else os.WNOHANG)
        if not pid:
            return None
        signal_group(self.pid, signal.SIGKILL)
        for descriptor in self.written:
            self.take(descriptor)
            os.close(descriptor)
        texts = [written.decode("utf-8", "replace") for written in self.written.values()]
        return News(self.number, status, time.monotonic() >= self.deadline - GRACE_S, *texts)


def serve(task: Mapping[str, Any]) -> None:
    """Read the plugins of a task (`zoo.plugins.reader`), some at once, and print the news of each."""
    sys.dont_write_bytecode = True  # a new __pycache__ would look like a change of the plugin
    codes()  # read here, they need not be read in each child
    read = functools.partial(examine, observer=resolve(task["observer"]) if task["observer"] else None)
    adopt_orphans()
    waiting = list(task["references"].items())[::-1]
    running: list[Child] = []
    try:
        while waiting or running:
            while waiting and len(running) < task["at_once"]:
                number, reference = waiting.pop()
                print(json.dumps(News(int(number))), flush=True)
                running.append(Child(int(number), functools.partial(read, reference), task["timeout_s"]))
            streams = {descriptor: child for child in running for descriptor in child.open}
            ready: list[Any] = wait([LIFELINE, *streams], TICK_S)
            if LIFELINE in ready:
                return
            for descriptor in ready:
                streams[descriptor].take(descriptor)
            for child in list(running):
                if news := child.ended():
                    running.remove(child)
                    print(json.dumps(news), flush=True)
    finally:
        for child in running:
            signal_group(child.pid, signal.SIGKILL)
        end_all()


def _child(read: Callable[[], str], timeout_s: float, answer: int, out: int, err: int) -> None:
    os.setsid()
    die_with_parent()
    pid = os.getpid()
    answer = fcntl.fcntl(answer, fcntl.F_DUPFD, HIGH)
    for descriptor, standard in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
        os.dup2(descriptor, standard)
    os.closerange(3, answer)
    os.closerange(answer + 1, 1024)
    faulthandler.enable(answer)
    faulthandler.dump_traceback_later(timeout_s, exit=True, file=answer)
    text = read()
    faulthandler.cancel_dump_traceback_later()
    if os.getpid() != pid:  # a process that the plugin forked, and that came back from there
        exit_now(0)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    with contextlib.suppress(Exception):
        ctypes.CDLL(None).fflush(None)
    with open(answer, "wb") as file:
        file.write(text.encode())
    exit_now(0)
