"""Read plugins: each is imported, and its hooks are called, in a process of its own with a time limit."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.errors import SpecError
from zoo.executors import folders as temporary
from zoo.findings import Finding
from zoo.installed import Plugin
from zoo.paths import reason
from zoo.plugins import requirement, sources
from zoo.plugins.record import Record
from zoo.plugins.settings import time_limit

ZYGOTE = Path(__file__).with_name("zygote.py")
GRACE_S = 5.0
POLL_S = 0.5
START_S = 60.0  # for the reader itself, however busy the machine is


def read(
    plugins: Sequence[Plugin],
    *,
    path: Sequence[str] | None = None,
    timeout_s: float | None = None,
    observer: str | None = None,
) -> list[Record]:
    """What each plugin declares, in the order given. It raises nothing that a plugin does: that becomes findings.

    :param plugins: as `zoo.installed.entry_points` finds them, or made from a pyproject.toml.
    :param path: what `sys.path` is for them; by default this process's. A source tree need not be installed.
    :param timeout_s: seconds for each; by default those of `ZOO_PLUGIN_TIMEOUT`, else 60.
    :param observer: `"package.module:Class"` of what else is looked for (`zoo.plugins.examine.Observer`), and what the
        plugin prints.
    :raises UsageError: if `ZOO_PLUGIN_TIMEOUT` is not a number of seconds, or there is no room for temporary files.
    """
    if not plugins:
        return []
    timeout_s = time_limit() if timeout_s is None else timeout_s
    folders = [os.path.abspath(folder) for folder in (sys.path if path is None else path)]
    with temporary.make(temporary.PLUGINS) as owned:
        folder = owned.path
        references = {number: plugin.reference for number, plugin in enumerate(plugins)}
        problem = _run(folder, references, folders, timeout_s, observer)
        while left := [number for number in references if _json(folder / f"{number}.end") is None]:
            # One of them has ended the process that reads them all. Those that it had begun come anew, each alone.
            begun = [number for number in left if (folder / f"{number}.trace").exists()]
            if not begun:
                break
            for number in begun:
                problem = _run(folder, {number: references.pop(number)}, folders, timeout_s, observer)
            if rest := {number: references[number] for number in left if number in references}:
                problem = _run(folder, rest, folders, timeout_s, observer)
        return [
            _record(plugin, folder / str(number), folders, timeout_s, problem, prints=observer is not None)
            for number, plugin in enumerate(plugins)
        ]


def _run(
    folder: Path, references: Mapping[int, str], path: Sequence[str], timeout_s: float, observer: str | None
) -> str:
    """Have a fresh process read them. Returns what it printed, which is nothing unless it failed."""
    at_once = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    task = {"references": references, "path": path, "timeout_s": timeout_s, "at_once": at_once, "observer": observer}
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
    deadline = time.monotonic() + START_S + -(-len(references) // at_once) * (timeout_s + 2)
    log = folder / "reader.log"
    try:
        with log.open("wb") as errors:
            reader = subprocess.Popen(
                [sys.executable, "-P", str(ZYGOTE), str(folder)],
                stdin=subprocess.PIPE,  # held open: its end tells the reader that we are gone
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,  # the terminal's Ctrl-C is for us
            )
    except OSError as error:
        return reason(error)
    with reader:
        try:
            while time.monotonic() < deadline:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    reader.wait(POLL_S)
                    break
                reader.send_signal(signal.SIGCONT)  # in case a plugin has stopped it
            else:
                return "the process that reads plugins was not done in time"
        finally:
            assert reader.stdin is not None  # noqa: S101 - it was opened as a pipe
            reader.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                reader.wait(GRACE_S)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(reader.pid, signal.SIGKILL)
    return log.read_text(encoding="utf-8", errors="replace")


def _record(plugin: Plugin, name: Path, path: Sequence[str], timeout_s: float, problem: str, *, prints: bool) -> Record:
    """What came back, or why nothing did."""
    answer, end = _json(name.with_suffix(".json")), _json(name.with_suffix(".end"))
    try:
        record = Record.from_json(plugin, answer) if answer else None
    except SpecError as error:
        finding = Finding(error.code, plugin.reference, f"what it declares is no longer what it made: {error}")
        record = Record(plugin, findings=(finding,))
    if record is None:
        finding = _end(plugin, name, end, path, timeout_s, problem)
        files = tuple(sources.files(plugin.reference, path))
        record = Record(plugin, findings=(finding,), files=files, unmet=True)
    if prints and end and (printed := _prints(record, end)):
        record = record.with_findings(printed)
    return requirement.judge(record, plugin.metadata)


def _end(
    plugin: Plugin, name: Path, end: Mapping[str, Any] | None, path: Sequence[str], timeout_s: float, problem: str
) -> Finding:
    """How a process ended that left no answer."""
    if end is None:
        if problem:
            return Finding("unread", plugin.reference, f"can't be read: {problem.strip().splitlines()[-1]}", problem)
        return Finding("dies", plugin.reference, "ended the process that reads plugins")
    trace, where = _trace(name.with_suffix(".trace"), plugin, path)
    if end["timed_out"]:
        return Finding("too-slow", where, f"was not read within {timeout_s:g} s", trace)
    how = f"by {signal_name(end['signal'])}" if end["signal"] is not None else f"with exit code {end['exit_code']}"
    return Finding("dies", where, f"ended its process {how}", trace + end["err"])


def signal_name(number: int) -> str:
    """Such as SIGSEGV."""
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


def _trace(file: Path, plugin: Plugin, path: Sequence[str]) -> tuple[str, str]:
    """What the dying process wrote of where it was, and the innermost line of the plugin's own."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "", plugin.reference
    package = plugin.reference.partition(":")[0].partition(".")[0]
    for line in text.splitlines():  # `  File "/folder/package/module.py", line 3 in function`, innermost first
        place, _, rest = line.strip().removeprefix('File "').partition('", line ')
        folder = max((f for f in path if place.startswith(f + os.sep)), key=len, default="")
        inside = place[len(folder) + 1 :]
        if rest and (inside.startswith(package + os.sep) or inside == f"{package}.py"):
            return text, f"{inside}:{rest.partition(' ')[0]}"
    return text, plugin.reference


def _prints(record: Record, end: Mapping[str, str]) -> Finding | None:
    """The finding for what it printed. What a framework logs to standard error is not the plugin's."""
    if not end["out"] and (record.imports or record.failed or not end["err"]):
        return None
    text = end["out"] + end["err"]
    first = next((line for line in text.splitlines() if line.strip()), "")
    return Finding("prints", record.plugin.reference, f"prints {ascii(first)[:80]}", text)


def _json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
