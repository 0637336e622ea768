"""Work through the queue of `steps.py` for as many minutes as there are, most valuable first.

    python benchmarks/gpu/run.py --minutes 9 --out FOLDER --data-dir DIR

A step that no longer fits is not started. Every finished step's files are whole in FOLDER at once: Results as JSON
Lines, weights with their provenance, logs; at most 8 files of at most 16 MiB. Give the files of an earlier window back
with `--earlier FOLDER`, and what it finished is not done again. `--rehearse` works through the queue at toy size on a
CPU. `docs/gpu.md` says how to get here on a machine without a network.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shelf import Done, Shelf
from steps import QUEUE, Step, short, toy
from tabulate import tabulate

HERE = Path(__file__).resolve().parent
ENDING_S = 10.0  # of the window, for what is being written when it closes
GRACE_S = 3.0


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, required=True, help="until the window closes")
    parser.add_argument("--out", type=Path, required=True, help="where what is finished is left")
    parser.add_argument("--earlier", type=Path, help="what an earlier window has left")
    parser.add_argument("--data-dir", type=Path, help="where cifar10 is prepared")
    parser.add_argument("--rehearse", action="store_true", help="at toy size, on a CPU")
    parser.add_argument("--short", action="store_true", help="only the first step of each kind")
    chosen = parser.parse_args(given)
    if not chosen.minutes > 0:
        parser.error("--minutes must be more than 0")
    if chosen.earlier is not None and not chosen.earlier.is_dir():
        parser.error(f"{chosen.earlier} is no folder of an earlier window")
    if not chosen.rehearse and not (chosen.data_dir and (chosen.data_dir / "cifar10").is_dir()):
        parser.error("--data-dir must name a folder that holds cifar10 as TFDS prepares it")
    return chosen


class Window:
    """The time that there is, and what is done in it."""

    def __init__(self, shelf: Shelf, minutes: float, data_dir: Path | None) -> None:
        self.shelf, self.data_dir = shelf, data_dir
        self.opened = time.monotonic()
        self.closes_s = 60 * minutes - ENDING_S
        self.number = shelf.windows + 1

    def spent_s(self) -> float:
        """Since the window opened."""
        return time.monotonic() - self.opened

    def work(self, steps: Sequence[Step]) -> None:
        """Do what is left, in its order, as far as it fits."""
        for step in steps:
            if self.shelf.is_finished(step.name):
                continue
            if self.spent_s() + step.seconds > self.closes_s:
                say(f"{step.name} needs {step.seconds:.0f} s and {self.closes_s - self.spent_s():.0f} s are left")
                continue
            say(f"{step.name} …")
            done = self.do(step)
            say(f"{step.name} {done.outcome} after {done.seconds:.0f} s{f': {done.why}' if done.why else ''}")

    def do(self, step: Step) -> Done:
        """Run a step's command and put what it leaves on the shelf."""
        began = self.spent_s()
        with tempfile.TemporaryDirectory(prefix="zoo-gpu-", ignore_cleanup_errors=True) as place:
            work = Path(place)
            code, output, log = self._run(step, work)
            outcome = {0: "finished", None: "cut"}.get(code, "failed")
            why = None if code == 0 else "the window closed" if code is None else _last_line(log, code)
            results: list[str] = []
            record, weights = None, None
            if step.kind == "results":
                results = exported(work / "store")
                if results and code == 3:  # some scenarios failed, which their Results say
                    outcome, why = "finished", None
            elif outcome == "finished" and step.kind == "record":
                try:
                    record = json.loads(output)
                except ValueError:
                    outcome, why = "failed", f"it printed no JSON value: {output.strip()[:100]!r}"
            elif outcome == "finished":
                weights = work / "weights.safetensors"
            done = Done(
                name=step.name,
                outcome=outcome,
                began_s=round(began, 1),
                seconds=round(self.spent_s() - began, 1),
                expected_s=step.seconds,
                window=self.number,
                record=record,
                why=why,
            )
            return self.shelf.add(done, results=results, weights=weights, log=log)

    def _run(self, step: Step, work: Path) -> tuple[int | None, str, str]:
        """The exit code (None: cut at the end of the window), standard output, and the log."""
        with (work / "output").open("w+") as output, (work / "log").open("w+") as log:
            process = subprocess.Popen(
                self._command(step, work),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self._variables()},
            )
            try:
                code: int | None = process.wait(timeout=max(1.0, self.closes_s - self.spent_s()))
            except subprocess.TimeoutExpired:
                code = None
            finally:
                _end(process)
            for file in (output, log):
                file.seek(0)
            return code, output.read(), log.read()

    def _command(self, step: Step, work: Path) -> list[str]:
        word, *rest = step.command
        if word != "zoo":
            return [sys.executable, str(HERE / word), *rest]
        if step.kind == "results":
            rest += ["--store", str(work / "store")]
        if step.kind == "weights":
            rest += ["--output", str(work / "weights.safetensors"), "--run-dir", str(work / "run")]
        return [str(Path(sys.executable).parent / "zoo"), *rest]

    def _variables(self) -> dict[str, str]:
        return {"ZOO_DATA_DIR": str(self.data_dir)} if self.data_dir else {}


def exported(store: Path) -> list[str]:
    """The Results of a store, a line each."""
    from zoo.results.store import Store

    if not store.is_dir():
        return []
    there = Store(store)
    return [result.dumps() for result in there.load(there.select(newest_first=False), lambda _: None)]


def keep_peaks(shelf: Shelf) -> None:
    """Put back the peaks that an earlier window measured: a Result says its share of them."""
    from zoo.benchmarking.peak import Peaks, keep

    if shelf.is_finished("peak"):
        keep(Peaks.from_json(shelf.done["peak"].record))


def summary(shelf: Shelf, steps: Sequence[Step]) -> str:
    """What is done and what is not, and what came out."""
    rows = []
    for step in steps:
        done = shelf.done.get(step.name)
        if done is None:
            rows.append([step.name, "not begun", f"{step.seconds:.0f}", None, None, None])
        else:
            took = f"{done.seconds:.0f}"
            rows.append([step.name, done.outcome, f"{step.seconds:.0f}", took, done.window, done.why or _what(done)])
    headers = ["step", "outcome", "expected, s", "took, s", "window", "what"]
    finished = sum(shelf.is_finished(step.name) for step in steps)
    table = tabulate(rows, headers, tablefmt="simple", disable_numparse=True)
    return f"{table}\n\n{finished} of {len(steps)} steps are finished; the files are in {shelf.folder.name}\n"


def _what(done: Done) -> str:
    if done.record is not None:
        ratio = done.record.get("ratio") if isinstance(done.record, dict) else None
        return f"ratio {ratio:.3f}" if isinstance(ratio, float) else "recorded"
    if len(done.kept) == 1:
        return done.kept[0]
    return f"{len(done.kept)} Results"


def _last_line(log: str, code: int) -> str:
    lines = [line for line in log.splitlines() if line.strip()]
    return (lines[-1] if lines else f"exit code {code}")[:200]


def _end(process: subprocess.Popen[Any]) -> None:
    """End what a step has left, politely at first: the zoo then ends its own processes."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=GRACE_S)
            return


def end_with_parent() -> None:
    """In a step's process: be killed if the runner is. The next window then has the GPU to itself (Linux)."""
    if sys.platform == "linux":
        import ctypes

        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def say(line: str) -> None:
    """To whoever watches."""
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Do as much as there is time for; 0 if every step that was begun is finished, else 3."""
    chosen = arguments()
    steps = tuple(map(toy, QUEUE)) if chosen.rehearse else QUEUE
    steps = short(steps) if chosen.short else steps
    try:
        shelf = Shelf.open(chosen.out, rehearsed=chosen.rehearse, earlier=chosen.earlier)
    except ValueError as error:
        say(f"run.py: {error}")
        return 2
    window = Window(shelf, chosen.minutes, chosen.data_dir)
    try:
        keep_peaks(shelf)
        window.work(steps)
    except KeyboardInterrupt:
        say("interrupted; what is finished is kept")
        return 130
    finally:
        text = summary(shelf, steps)
        shelf.summarise(text)
        print(text, end="", flush=True)
    return 0 if all(shelf.is_finished(step.name) for step in steps if step.name in shelf.done) else 3


if __name__ == "__main__":
    sys.exit(main())
