"""The process that reads plugins: it imports the zoo once and forks a child for each plugin.

It has no threads and imports no plugin itself, so that to fork it is safe. It ends a child, with its group, whose time
is over, and everything when its caller has gone. Run as a script: what `sys.path` is, is part of its task.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import functools
import json
import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn

TICK_S = 0.02
GRACE_S = 1.0  # between the deadline, at which a child says where it is and ends itself, and its end by force
OUTPUT_BYTES = 64 * 1024
CHUNKS = 64
LIFELINE = 0
exit_now = os._exit  # whatever a plugin makes of os._exit: a child that went on would be a second zygote


class Child:
    """A process that reads one plugin."""

    def __init__(self, number: int, pid: int, streams: dict[int, str], deadline: float) -> None:
        self.number = number
        self.pid = pid
        self.streams = streams
        self.deadline = deadline
        self.printed = dict.fromkeys(streams.values(), b"")

    def drain(self) -> None:
        """Take what it has printed, and keep the beginning. One that prints without end is not waited for."""
        for descriptor, name in self.streams.items():
            with contextlib.suppress(BlockingIOError):
                for _ in range(CHUNKS):
                    chunk = os.read(descriptor, 65536)
                    self.printed[name] += chunk[: OUTPUT_BYTES - len(self.printed[name])]
                    if not chunk:
                        break

    def close(self) -> None:
        """Let go of its streams."""
        for descriptor in self.streams:
            os.close(descriptor)


def main(folder: str) -> None:
    """Read the plugins that `task.json` in the folder names; leave `N.json` and `N.end` there for each."""
    with open(os.path.join(folder, "task.json"), encoding="utf-8") as file:
        task = json.load(file)
    sys.path[:] = task["path"]
    sys.dont_write_bytecode = True  # a new __pycache__ would look like a change of the plugin
    from zoo.plugins.examine import examine
    from zoo.references import resolve

    observer = resolve(task["observer"]) if task["observer"] else None
    look = functools.partial(examine, observer=observer)

    _prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: whatever a plugin starts comes back to us when its parent ends
    waiting = list(task["references"].items())[::-1]
    running: list[Child] = []
    try:
        while waiting or running:
            while waiting and len(running) < task["at_once"]:
                number, reference = waiting.pop()
                running.append(_start(folder, int(number), reference, task["timeout_s"], look))
            if (
                LIFELINE
                in select.select([LIFELINE, *(d for child in running for d in child.streams)], [], [], TICK_S)[0]
            ):
                shutil.rmtree(folder, ignore_errors=True)  # nobody is left to read it
                return
            time.sleep(TICK_S / 10)  # a stream that a child has closed is always ready
            for child in list(running):
                child.drain()
                if (status := _ended(child)) is not None:
                    running.remove(child)
                    _finish(folder, child, status)
    finally:
        for child in running:
            _kill(child.pid)
        _kill_all()


def _start(folder: str, number: int, reference: str, timeout_s: float, examine: Callable[[str], str]) -> Child:
    out, err = os.pipe(), os.pipe()
    deadline = time.monotonic() + timeout_s + GRACE_S  # before the child's own begins
    pid = os.fork()
    if pid == 0:
        try:
            _child(os.path.join(folder, str(number)), reference, timeout_s, examine, out[1], err[1])
        finally:
            exit_now(70)
    for ours, theirs in (out, err):
        os.set_blocking(ours, False)
        os.close(theirs)
    streams = {out[0]: "out", err[0]: "err"}
    return Child(number, pid, streams, deadline)


def _child(name: str, reference: str, timeout_s: float, examine: Callable[[str], str], out: int, err: int) -> NoReturn:
    os.setsid()
    _prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: end with the zygote
    pid = os.getpid()
    null = os.open(os.devnull, os.O_RDONLY)
    for descriptor, standard in ((null, 0), (out, 1), (err, 2)):
        os.dup2(descriptor, standard)
    os.closerange(3, 1024)
    trace = open(f"{name}.trace", "w", encoding="utf-8")  # noqa: SIM115 - faulthandler writes to it to the end
    faulthandler.enable(trace)
    faulthandler.dump_traceback_later(timeout_s, exit=True, file=trace)
    text = examine(reference)
    faulthandler.cancel_dump_traceback_later()
    if os.getpid() != pid:  # a process that the plugin forked, and that came back from there
        exit_now(0)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    with contextlib.suppress(Exception):
        ctypes.CDLL(None).fflush(None)
    with open(f"{name}.part", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(f"{name}.part", f"{name}.json")
    exit_now(0)


def _ended(child: Child) -> int | None:
    """The wait status of a child that has ended, by itself or because its time is over."""
    pid, status = os.waitpid(child.pid, os.WNOHANG)
    if pid:
        return status
    if time.monotonic() < child.deadline:
        return None
    _kill(child.pid)
    return os.waitpid(child.pid, 0)[1]


def _finish(folder: str, child: Child, status: int) -> None:
    """Write down how a child ended."""
    _kill(child.pid)  # whatever it has left in its group
    child.drain()
    child.close()
    end = {
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
        "exit_code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        "timed_out": time.monotonic() >= child.deadline - GRACE_S,
        **{name: text.decode("utf-8", "replace") for name, text in child.printed.items()},
    }
    path = os.path.join(folder, f"{child.number}.end")
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        json.dump(end, file)
    os.rename(f"{path}.part", path)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _kill_all() -> None:
    """End whatever has left its group and come back to us."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:  # there are none, as almost always
        return
    import psutil

    for _ in range(100):
        left = psutil.Process().children(recursive=True)
        if not left:
            return
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=0.1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)


if __name__ == "__main__":
    main(sys.argv[1])
