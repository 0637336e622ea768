"""Read plugins: each is imported, and its hooks are called, in a process of its own with a time limit."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from multiprocessing.connection import wait
from typing import Any

import msgspec

from zoo import __version__
from zoo.errors import SpecError
from zoo.executors.process_tree import signal_group, signal_name
from zoo.findings import Finding
from zoo.installed import CORE, Plugin, normalised, read_text
from zoo.paths import reason
from zoo.plugins.forkserver import News
from zoo.plugins.record import MAX_FILES, Record
from zoo.plugins.settings import time_limit
from zoo.references import below, find

SERVE = (
    "import json, sys; task = json.loads(sys.stdin.readline()); sys.path[:] = task['path'];"
    "from zoo.plugins.forkserver import serve; serve(task)"
)
GRACE_S = 5.0
POLL_S = 0.5
START_S = 60.0  # for the server itself, however busy the machine is
TRIES = 2  # to read a plugin: who has ended the server, with all that it was reading, can't be told


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
    :param observer: `"package.module:Class"` of what looks at what else they do (`zoo.plugins.examine`).
    :raises UsageError: if `ZOO_PLUGIN_TIMEOUT` is not a number of seconds.
    """
    if not plugins:
        return []
    limit_s = time_limit() if timeout_s is None else timeout_s
    folders = [os.path.abspath(folder) for folder in (sys.path if path is None else path)]
    task = {
        "path": folders,
        "timeout_s": limit_s,
        "at_once": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "observer": observer,
    }
    records: dict[int, Record] = {}
    tries: Counter[int] = Counter()
    groups = [list(range(len(plugins)))]
    while groups:
        group = groups.pop()
        news, problem = _serve({**task, "references": {number: plugins[number].reference for number in group}})
        for end in (one for one in news if one.number in group and one.status is not None):
            prints = observer is not None
            records[end.number] = _record(plugins[end.number], end, folders, limit_s, prints=prints)
        left = [number for number in group if number not in records]
        begun = [number for number in left if number in {one.number for one in news}]
        tries.update(begun or left)
        for number in (number for number in left if tries[number] >= TRIES):
            records[number] = _unread(plugins[number], problem, folders, begun=number in begun)
        # Something has ended the server. Those that it had begun come anew, each alone.
        again = [number for number in left if number not in records]
        groups += [[number] for number in again if number in begun]
        groups += filter(None, [[number for number in again if number not in begun]])
    return [records[number] for number in range(len(plugins))]


def _serve(task: Mapping[str, Any]) -> tuple[list[News], str]:
    """Have a fresh process read plugins. Returns its news, and what else it printed: nothing, unless it failed."""
    turns = -(-len(task["references"]) // task["at_once"])
    deadline = time.monotonic() + START_S + turns * (task["timeout_s"] + 2)
    try:
        server = subprocess.Popen(
            [sys.executable, "-P", "-c", SERVE],
            bufsize=0,
            stdin=subprocess.PIPE,  # held open: its end tells the server that we are gone
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # the terminal's Ctrl-C is for us
        )
    except OSError as error:
        return [], reason(error)
    assert server.stdin and server.stdout  # noqa: S101, PT018 - they were opened as pipes
    answers, printed, problems = server.stdout.fileno(), bytearray(), []
    with server:
        try:
            with contextlib.suppress(BrokenPipeError):
                server.stdin.write(f"{json.dumps(task)}\n".encode())
            while time.monotonic() < deadline:
                if not wait([answers], POLL_S):
                    server.send_signal(signal.SIGCONT)  # in case a plugin has stopped it
                elif chunk := os.read(answers, 1 << 20):
                    printed += chunk
                else:
                    break
            else:
                problems.append("the process that reads plugins was not done in time")
        finally:
            server.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(GRACE_S)
            signal_group(server.pid, signal.SIGKILL)
    news = []
    for line in printed.splitlines():
        try:
            news.append(msgspec.json.decode(line, type=News))
        except (msgspec.DecodeError, RecursionError):
            problems.append(line.decode("utf-8", "replace"))
    return news, "\n".join(problems)


def _unread(plugin: Plugin, problem: str, path: Sequence[str], *, begun: bool) -> Record:
    """The record of a plugin that was not read. That may be nobody's fault, so it is tried again the next time."""
    if begun:
        finding = Finding("dies", plugin.reference, "ended the process that reads plugins", problem)
    else:
        text = problem.strip().rpartition("\n")[2] or "the process that reads plugins was ended"
        finding = Finding("unread", plugin.reference, f"can't be read: {text}", problem)
    return _failed(plugin, finding, path, transient=True)


def _record(plugin: Plugin, end: News, path: Sequence[str], timeout_s: float, *, prints: bool) -> Record:
    """What came back, or why nothing did."""
    try:
        record = Record.from_json(plugin, json.loads(end.answer))
    except SpecError as error:
        text = f"what it declares is no longer what it made: {error}"
        record = _failed(plugin, Finding(error.code, plugin.reference, text), path)
    except (ValueError, RecursionError):
        # Whoever is out of memory kills like that, too.
        transient = end.status == signal.SIGKILL and not end.timed_out
        record = _failed(plugin, _end(plugin, end, path, timeout_s), path, transient=transient)
    if prints and (end.out or (end.err and not record.imports and not record.failed)):
        text = end.out + end.err  # what a framework logs to standard error is not the plugin's
        first = next((line for line in text.splitlines() if line.strip()), "")
        record = record.with_findings(Finding("prints", plugin.reference, f"prints {ascii(first)[:80]}", text))
    return _judged(record)


def _failed(plugin: Plugin, finding: Finding, path: Sequence[str], *, transient: bool = False) -> Record:
    """The record of a plugin that could not say what it has loaded: it depends on all of its package."""
    spec = find(plugin.package, path)
    found = [spec.origin] if spec and spec.origin else []
    found += islice(below((spec and spec.submodule_search_locations) or ()), MAX_FILES)
    files = tuple(map(os.path.abspath, found))
    return Record(plugin, findings=(finding,), files=files, unmet=True, transient=transient)


def _end(plugin: Plugin, end: News, path: Sequence[str], timeout_s: float) -> Finding:
    """How a process ended that left no answer."""
    where = _innermost(plugin, end.answer, path)
    if end.timed_out:
        return Finding("too-slow", where, f"was not read within {timeout_s:g} s", end.answer)
    code = os.waitstatus_to_exitcode(end.status or 0)
    if code == 0 and end.answer:
        return Finding("invalid-spec", plugin.reference, "what came back is not what a plugin declares")
    how = f"by {signal_name(-code)}" if code < 0 else f"with exit code {code}"
    return Finding("dies", where, f"ended its process {how}", end.answer + end.err)


def _innermost(plugin: Plugin, trace: str, path: Sequence[str]) -> str:
    """The innermost line of the plugin's own in what a dying process wrote of where it was."""
    for line in trace.splitlines():  # `  File "/folder/package/module.py", line 3 in function`, innermost first
        place, _, rest = line.strip().removeprefix('File "').partition('", line ')
        folder = max((f for f in path if place.startswith(f + os.sep)), key=len, default="")
        inside = place[len(folder) + 1 :]
        if rest and (inside.startswith(plugin.package + os.sep) or inside == f"{plugin.package}.py"):
            return f"{inside}:{rest.partition(' ')[0]}"
    return plugin.reference


def _judged(record: Record) -> Record:
    """The record; where something failed, and the distribution requires another zoo, with that as the only error.

    A plugin of which nothing fails is used, whatever it requires: pip has been told to ignore that, too.
    """
    unmet = _unmet(record.plugin.metadata) if record.failed else None
    if unmet is None:
        return record
    message = f"requires {unmet}, and this is {CORE.distribution} {__version__}"
    errors = [finding for finding in record.findings if finding.level == "error"]
    detail = "\n".join(f"{finding}\n{finding.detail}" for finding in errors)
    finding = Finding("needs-another-zoo", record.plugin.reference, message, detail)
    findings = (finding, *(finding for finding in record.findings if finding not in errors))
    return Record(
        record.plugin, findings=findings, load_s=record.load_s, files=record.files, transient=record.transient
    )


def _unmet(metadata: str) -> str | None:
    """What a distribution's `Requires-Dist` says of the zoo, if this zoo doesn't meet it."""
    from packaging.requirements import InvalidRequirement, Requirement

    for line in read_text(metadata).partition("\n\n")[0].splitlines():
        key, _, text = line.partition(":")
        with contextlib.suppress(InvalidRequirement):
            if key.lower() != "requires-dist" or normalised((required := Requirement(text)).name) != CORE.distribution:
                continue
            applies = required.marker is None or required.marker.evaluate({"extra": ""})
            if applies and not required.specifier.contains(__version__, prereleases=True):
                return str(required)
    return None
