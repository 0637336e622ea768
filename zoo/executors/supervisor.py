"""The process between the caller and the work.

It outlives both: when the caller's end of its standard input closes (it finished, was interrupted, or was killed), it
ends the child and everything the child has started. It sleeps almost always, so that it doesn't disturb what is timed.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from zoo.executors.process_tree import adopt_orphans, end_all, signal_group, signal_name

TICK_S = 0.1
FAMILY_S = 1.0
GRACE_S = 2.0
LOG_HEAD_BYTES = 256 * 1024
LOG_TAIL_BYTES = 256 * 1024
FREE_MEMORY_SHARE = 0.9
# By these an environment leads its Python to its own packages: another environment's would find them too.
OF_AN_ENVIRONMENT = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


def main(folder: Path) -> None:
    """Run the child on the task in `folder` and leave `exit.json` there."""
    task = json.loads((folder / "task.json").read_text())
    limit = task["memory_limit_bytes"] or int(psutil.virtual_memory().available * FREE_MEMORY_SHARE)
    adopt_orphans()
    kills_before = _kernel_kills()
    python = task["python"]
    variables = foreign_environment(os.environ) if python else os.environ
    child = subprocess.Popen(
        [python or sys.executable, "-P", "-m", "zoo.executors.child", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**variables, "TMPDIR": str(folder / "tmp")},  # what it leaves there goes with the folder
        start_new_session=True,
    )
    log = _Log(folder / "log")
    try:
        status, ended_for = _watch(child, log, task["timeout_s"], limit)
    finally:
        signal_group(child.pid, signal.SIGKILL)
        end_all()
        log.close()

    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    if number == signal.SIGKILL and ended_for is None and _kernel_kills() > kills_before:
        ended_for = "kernel"
    if ended_for == "caller":  # nobody is left to read it
        shutil.rmtree(folder, ignore_errors=True)
        _remove_left(task["callers_folders"])
        return
    _write(
        folder / "exit.json",
        {
            "exit_code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
            "signal": None if number is None else signal_name(number),
            "ended_for": ended_for,
            "memory_limit_bytes": limit,
        },
    )


def foreign_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables for a Python of another environment: without those that lead to the packages of this one."""
    return {name: value for name, value in variables.items() if name not in OF_AN_ENVIRONMENT}


def _remove_left(paths: Sequence[str]) -> None:
    """Remove what a caller that was killed can't remove. What one that lives still owns stays."""
    from zoo.executors.folders import remove_if_left

    for path in paths:
        remove_if_left(Path(path))


def _watch(
    child: subprocess.Popen[bytes], log: _Log, timeout_s: float | None, memory_limit: int
) -> tuple[int, str | None]:
    """Wait for the child, its deadline, its memory limit or the caller's end, whichever is first.

    :return: the child's wait status, and "timeout", "memory" or "caller" if it was ended for that.
    """
    output = child.stdout
    assert output is not None  # noqa: S101 - it was opened as a pipe
    os.set_blocking(output.fileno(), False)
    process = psutil.Process(child.pid)
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    next_family = time.monotonic() + FAMILY_S

    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin.fileno(), selectors.EVENT_READ, "caller")
        selector.register(output, selectors.EVENT_READ, "output")
        if hasattr(os, "pidfd_open"):  # Linux: wakes us at once; elsewhere the tick notices
            selector.register(os.pidfd_open(child.pid), selectors.EVENT_READ, "ended")
        while True:
            for key, _ in selector.select(TICK_S):
                if key.data == "output" and not log.copy(output.fileno()):
                    selector.unregister(output)
                elif key.data == "caller":
                    if not os.read(sys.stdin.fileno(), 1):
                        return _end(child.pid), "caller"
                    return _end(child.pid, log, output.fileno()), "timeout"  # the caller keeps the deadline
            pid, status, _ = os.wait4(child.pid, os.WNOHANG)
            if pid:
                log.copy(output.fileno())
                return status, None
            if deadline is not None and time.monotonic() > deadline:
                return _end(child.pid, log, output.fileno()), "timeout"
            whole_family = time.monotonic() > next_family
            if whole_family:
                next_family = time.monotonic() + FAMILY_S
            if _memory(process, whole_family=whole_family) > memory_limit:
                return _end(child.pid), "memory"


def _memory(process: psutil.Process, *, whole_family: bool) -> int:
    """Resident bytes of the child, and where asked for of all that it has started.

    Finding those costs a look at every process of the machine, so that isn't done at each tick. What they share with
    the child counts once (the proportional size), where the system tells it.
    """
    with contextlib.suppress(psutil.Error):
        if not whole_family or not (children := process.children(recursive=True)):
            return int(process.memory_info().rss)
        sizes = []
        for member in (process, *children):
            with contextlib.suppress(psutil.Error):  # it has ended meanwhile
                full = member.memory_full_info()
                sizes.append(getattr(full, "pss", full.rss))
        return int(sum(sizes))
    return 0


def _end(pid: int, log: _Log | None = None, output: int = -1) -> int:
    """Ask the child's group to end, wait a little, then insist. Returns its wait status."""
    signal_group(pid, signal.SIGTERM if log else signal.SIGKILL)
    until = time.monotonic() + GRACE_S
    while time.monotonic() < until:
        ended, status, _ = os.wait4(pid, os.WNOHANG)
        if log:
            log.copy(output)
        if ended:
            return status
        time.sleep(0.02)
    signal_group(pid, signal.SIGKILL)
    return os.wait4(pid, 0)[1]


def _kernel_kills() -> int:
    """How many processes the kernel has killed for want of memory since it started (Linux)."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


class _Log:
    """What the child prints: the beginning and the end of it, however much it is."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb")
        self.head_left = LOG_HEAD_BYTES
        self.tail: deque[bytes] = deque()
        self.tail_bytes = 0
        self.left_out = 0

    def copy(self, descriptor: int) -> bool:
        """Take what is there to read. False at its end."""
        while True:
            try:
                chunk = os.read(descriptor, 65536)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            self.add(chunk)
            if len(chunk) < 65536:
                return True

    def add(self, chunk: bytes) -> None:
        head, rest = chunk[: self.head_left], chunk[self.head_left :]
        self.head_left -= len(head)
        with contextlib.suppress(OSError):  # a full disk must not end the work
            self.file.write(head)
            self.file.flush()
        self.tail.append(rest)
        self.tail_bytes += len(rest)
        while self.tail and self.tail_bytes - len(self.tail[0]) >= LOG_TAIL_BYTES:
            dropped = len(self.tail.popleft())
            self.tail_bytes -= dropped
            self.left_out += dropped

    def close(self) -> None:
        with contextlib.suppress(OSError):
            if self.left_out:
                self.file.write(f"\n… {self.left_out:,} bytes left out …\n".encode())
            self.file.write(b"".join(self.tail))
            self.file.close()


def _write(path: Path, content: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content))
    part.rename(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
