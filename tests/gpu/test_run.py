"""The queue in a window: what fits is done, once, and what was finished survives the end of the window."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import run
from shelf import Shelf
from steps import Step

SCRIPT = Path(run.__file__)
# The real runner on a queue of processes that do nothing but print a number.
QUICK = """
import sys
sys.path.insert(0, {folder!r})
import steps
steps.QUEUE = tuple(
    steps.Step(name=f"step-{{n}}", command=({script!r}, str(n)), seconds=0.2, kind="record") for n in range(8)
)
import run
sys.exit(run.main())
"""
# The real queue on JAX, which starts soonest. replay.py has its own test, in tests/runtimes/test_cuda_graph.py.
REHEARSAL = """
import sys
sys.path.insert(0, {folder!r})
import steps
steps.ON_A_CPU.update({{"--runtime": "jax", "--batch-size": "1"}})
steps.QUEUE = tuple(step for step in steps.QUEUE if step.command[0] != "replay.py")
import run
sys.exit(run.main())
"""
PRINTS = "import sys, time; time.sleep(0.05); print(sys.argv[1])"


def window(tmp_path: Path, minutes: float = 10) -> run.Window:
    return run.Window(Shelf.open(tmp_path / "out", rehearsed=True), minutes, None)


def step(tmp_path: Path, name: str, code: str, seconds: float = 1.0) -> Step:
    script = tmp_path / f"{name}.py"
    script.write_text(code)
    return Step(name=name, command=(str(script),), seconds=seconds, kind="record")


def test_what_is_finished_is_not_done_again(tmp_path: Path) -> None:
    steps = [step(tmp_path, "a", f"print(1); open({str(tmp_path / 'ran')!r}, 'a').write('x')")]
    for _ in range(2):
        window(tmp_path).work(steps)
    assert (tmp_path / "ran").read_text() == "x"
    assert window(tmp_path).shelf.done["a"].record == 1


def test_what_no_longer_fits_is_not_started_and_what_is_shorter_is(tmp_path: Path) -> None:
    made = window(tmp_path, minutes=0.5)
    made.work([step(tmp_path, "long", "print(1)", seconds=60), step(tmp_path, "short", "print(2)")])
    assert set(made.shelf.done) == {"short"}


def test_a_step_that_fails_says_why_and_the_others_go_on(tmp_path: Path) -> None:
    made = window(tmp_path)
    made.work([step(tmp_path, "bad", "raise SystemExit('no such thing')"), step(tmp_path, "good", "print([2])")])
    assert (made.shelf.done["bad"].outcome, made.shelf.done["bad"].why) == ("failed", "no such thing")
    assert made.shelf.is_finished("good")
    assert "1 of 2 steps are finished" in run.summary(made.shelf, [step(tmp_path, n, "") for n in ("bad", "good")])


def test_a_step_that_prints_no_json_has_failed(tmp_path: Path) -> None:
    made = window(tmp_path)
    made.work([step(tmp_path, "odd", "print('not JSON')"), step(tmp_path, "good", "print(1)")])
    assert made.shelf.done["odd"].outcome == "failed"
    assert made.shelf.is_finished("good")


def test_a_step_is_cut_when_the_window_closes(tmp_path: Path) -> None:
    made = window(tmp_path, minutes=(run.ENDING_S + 1.5) / 60)
    made.work([step(tmp_path, "endless", "import time; time.sleep(60)")])
    assert made.shelf.done["endless"].outcome == "cut"
    assert made.spent_s() < run.ENDING_S


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--minutes", "0"], "--minutes must be more than 0"),
        (["--minutes", "5"], "--data-dir must name a folder that holds cifar10"),
        (["--minutes", "5", "--earlier", "/not/there"], "/not/there is no folder of an earlier window"),
    ],
)
def test_wrong_arguments_get_one_line(given: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run.arguments([*given, "--out", "out"])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


@pytest.mark.real
def test_a_kill_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    script = tmp_path / "prints.py"
    script.write_text(PRINTS)
    code = QUICK.format(folder=str(SCRIPT.parent), script=str(script))
    command = [sys.executable, "-c", code, "--rehearse", "--minutes", "5", "--out", str(tmp_path / "out")]
    seen: set[str] = set()
    for seed in range(10):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
        assert process.stderr is not None
        process.stderr.readline()  # a step has begun
        time.sleep(random.Random(seed).uniform(0, 0.3))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()
        found = Shelf.open(tmp_path / "out", rehearsed=True)
        finished = {name for name in found.done if found.is_finished(name)}
        assert seen <= finished
        assert all(found.done[name].record == int(name.removeprefix("step-")) for name in finished)
        seen = finished
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "8 of 8 steps are finished" in done.stdout
    state = json.loads((tmp_path / "out" / "state.json").read_text())
    assert [one["record"] for one in state["steps"]] == list(range(8))


@pytest.mark.real
@pytest.mark.slow
def test_the_short_rehearsal_finishes_every_step(tmp_path: Path, home: Path) -> None:
    code = REHEARSAL.format(folder=str(SCRIPT.parent))
    done = subprocess.run(
        [sys.executable, "-c", code, "--rehearse", "--short", "--minutes", "15", "--out", tmp_path / "out"],
        capture_output=True,
        text=True,
        env={**os.environ, "ZOO_HOME": str(home)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 of 4 steps are finished" in done.stdout
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"state.json", "summary.txt", "logs.txt", "results-1.jsonl", "weights-1.tar"}
