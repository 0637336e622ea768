"""`zoo bench --on NAME`: an executor of a plugin, which here measures in processes of this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from distributions import Site
from support import QUICK, Zoo, install, with_path

from zoo.findings import codes

HERE = Path(__file__).parent
BENCH = ("bench", "small", "--batch-size", "1,2", "--no-accuracy", "--json")


@pytest.fixture
def variables(tmp_path: Path, small: dict[str, str]) -> dict[str, str]:
    """The variables under which the executors and a model are installed, with a store."""
    folder = tmp_path / "executors"
    folder.mkdir()
    install(folder, HERE / "local_executor.py")
    return {
        "PYTHONPATH": os.pathsep.join([str(folder), small["PYTHONPATH"]]),
        "ZOO_STORE": str(tmp_path / "store"),
    }


def stored(variables: dict[str, str]) -> set[str]:
    return {path.stem for path in Path(variables["ZOO_STORE"]).glob("????-??/*.json")}


@pytest.mark.real
def test_results_come_as_they_would_from_here(variables: dict[str, str], quick: Zoo) -> None:
    done = quick(*BENCH, "--on", "beside", "--label", "far", **variables)
    assert (done.returncode, done.stderr) == (0, "")
    results = json.loads(done.stdout)
    assert [result["scenario"]["batch_size"] for result in results] == [1, 2]
    assert [(result["outcome"], result["labels"]) for result in results] == [("ok", ["far"])] * 2
    assert len({result["run"] for result in results}) == 1
    assert stored(variables) == {result["id"] for result in results}
    assert not list((Path(variables["ZOO_STORE"]) / "runs").iterdir())
    # It is this machine: what was measured by the executor stands for what would be measured without.
    again = quick(*BENCH, "--label", "far", "--skip-existing", **variables)
    assert [result["id"] for result in json.loads(again.stdout)] == [result["id"] for result in results]


@pytest.mark.real
def test_a_lost_task_is_reported_as_failed_and_measured_again_alone(variables: dict[str, str], quick: Zoo) -> None:
    done = quick(*BENCH, "--on", "loses", **variables)
    assert done.returncode == 3
    assert done.stderr == (
        "zoo: 1 report of the executor loses does not count: the task is unknown or was reported before\n"
    )
    first, lost = json.loads(done.stdout)
    assert (first["outcome"], lost["outcome"]) == ("ok", "error")
    assert lost["failure"]["message"].startswith("the executor loses: it failed: exited with code 9 before it was done")
    assert stored(variables) == {first["id"], lost["id"]}
    again = quick(*BENCH, "--on", "beside", "--skip-existing", **variables)
    assert again.returncode == 0
    kept, measured = json.loads(again.stdout)
    assert (kept["id"], measured["outcome"]) == (first["id"], "ok")
    assert stored(variables) == {first["id"], lost["id"], measured["id"]}


@pytest.mark.real
def test_ctrl_c_leaves_nothing_behind_and_the_run_is_resumed(variables: dict[str, str], quick: Zoo, home: Path) -> None:
    running = subprocess.Popen(
        [*QUICK, *BENCH, "--on", "hangs"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "ZOO_HOME": str(home), **with_path(variables)},
    )
    until = time.monotonic() + 300
    while not (stored(variables) and _sleeping()) and time.monotonic() < until:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert (running.returncode, errors.strip()) == (130, "zoo: interrupted")
    assert not _sleeping()
    (first,) = stored(variables)
    done = quick(*BENCH, "--on", "beside", "--resume", **variables)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert results[0]["id"] == first
    assert stored(variables) == {result["id"] for result in results}
    assert len({result["run"] for result in results}) == 1


def _sleeping() -> bool:
    return any(process.info["cmdline"] == ["sleep", "1234"] for process in psutil.process_iter(["cmdline"]))


@pytest.mark.real
def test_a_comparison_is_measured_together(variables: dict[str, str], quick: Zoo) -> None:
    done = quick(
        *("bench", "small", "--against", "small", "--processes", "2", "--batch-size", "1", "--no-accuracy", "--json"),
        *("--on", "beside"),
        **variables,
    )
    assert done.returncode == 0, done.stderr
    assert len(stored(variables)) == 2
    samples = [
        [process["pair"] for process in json.loads(path.read_text())["samples"]]
        for path in Path(variables["ZOO_STORE"]).glob("????-??/*.json")
    ]
    assert samples == [[0, 1], [0, 1]]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--on", "besides"], "unknown executor 'besides'; did you mean 'beside'? the executors are local, beside, l"),
        (["--on", "besides", "--dry-run"], "unknown executor 'besides'; did you mean 'beside'?"),
        (["--on", "x" * 70], "the executors are local, beside, loses, lacks, hangs"),
        (["--on", "lacks"], "lacks: no-such-dist is not installed; X"),
        (["--on", "beside", "--batch-size", "max"], "--batch-size max is found on this machine alone; name sizes"),
        (["--on", "beside", "--against-python", "/p"], "is measured on this machine; leave out --on beside"),
    ],
)
def test_a_mistake_is_one_line(variables: dict[str, str], in_process: Zoo, arguments: list[str], line: str) -> None:
    done = in_process("bench", "small", *arguments, **variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
    assert not Path(variables["ZOO_STORE"]).exists()


def test_the_name_local_is_reserved(tmp_path: Path, in_process: Zoo) -> None:
    site = Site(tmp_path / "site")
    site.folder.mkdir()
    spec = "zoo.ExecutorSpec(name='local', summary='s', run='a:b')"
    site.install("zoo-local", f"import zoo\n@zoo.hookimpl\ndef zoo_executors():\n    return [{spec}]")
    done = in_process("plugins", "--why", "zoo-local", PYTHONPATH=str(site.folder))
    assert "the executor 'local' is the zoo's own; choose another name" in done.stdout
    assert "reserved-name" in done.stdout
    assert "reserved-name" in codes()
