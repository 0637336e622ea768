"""Models that misbehave, in one matrix with one that behaves; and runs that are killed in the middle."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from support import QUICK, Zoo, install, with_path

pytestmark = pytest.mark.real

RUNTIME = ("--runtime", "eager")

EXPECTED = {
    "hangs": ("timeout", "build", "not done after 20 s"),
    "exits": ("error", "build", "exited with code 0 before it was done"),
    "segfaults": ("signal", "build", "ended by SIGSEGV"),
    "allocates": ("out_of_memory", "build", "used more than 2,048 MiB of memory"),
    "prints_and_forks": ("ok", None, None),
    "raises_in_build": ("error", "build", "ZeroDivisionError: division by zero"),
    "raises_in_first_call": ("error", "reference", "call 1 fails"),
    "raises_in_hundredth_call": ("error", "parity", "call 100 fails"),
    "raises_in_300th_call": ("error", "steady", "call 300 fails"),
    "behaves": ("ok", None, None),
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH with the plugin installed."""
    return install(tmp_path_factory.mktemp("hostile"), Path(__file__).with_name("hostile_models.py"))


@pytest.fixture(scope="module")
def matrix(quick: Zoo, hostile: Path) -> dict[str, Any]:
    """All of them in one run."""
    done = quick(
        *(
            "bench",
            *EXPECTED,
            *RUNTIME,
            "--batch-size",
            "1",
            "--max-time",
            "1",
            "--timeout",
            "20",
            "--memory-limit",
            "2GiB",
        ),
        "--json",
        timeout=400,
        PYTHONPATH=str(hostile),
    )
    assert done.returncode == 3
    assert done.stderr == ""
    return {result["scenario"]["model"]: result for result in json.loads(done.stdout)}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_outcome_is_named_rightly(matrix: dict[str, Any], home: Path, name: str) -> None:
    outcome, phase, message = EXPECTED[name]
    result = matrix[name]
    assert result["outcome"] == outcome
    if message is None:
        assert result["failure"] is None
        assert result["measures"]["latency_s"] > 0
    else:
        assert result["failure"]["phase"] == phase
        assert message in result["failure"]["message"]
        log = result["failure"]["log"]
        assert Path(log).name == log
        assert (home / "logs" / log).is_file()


def test_a_side_that_fails_ends_the_comparison_at_once(quick: Zoo, hostile: Path) -> None:
    done = quick(
        *("bench", "behaves", "--against", "raises_in_hundredth_call", *RUNTIME, "--batch-size", "1"),
        *("--processes", "2"),
        PYTHONPATH=str(hostile),
    )
    assert done.returncode == 3
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert "call 100 fails" in lines[0]
    assert "behaves: error: the process that it was measured in turn with has ended" in lines[1]


def test_what_a_worker_prints_is_kept_within_bounds(matrix: dict[str, Any], home: Path) -> None:
    logs = list((home / "logs").glob("*bench-*"))
    assert logs
    assert max(log.stat().st_size for log in logs) < 2 * 2**20


def test_no_process_is_left(matrix: dict[str, Any]) -> None:
    left = [p.info["cmdline"] for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "987"]]
    assert left == []


def test_every_result_is_in_the_store(matrix: dict[str, Any], in_process: Zoo) -> None:
    for result in matrix.values():
        shown = in_process("results", "show", result["id"], "--json")
        assert json.loads(shown.stdout)["outcome"] == result["outcome"]


def test_a_killed_run_is_resumed_and_nothing_is_measured_twice(
    home: Path, quick: Zoo, hostile: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    arguments = (
        "bench",
        "behaves",
        "--runtime",
        "jax",
        "--max-time",
        "1",
        "--batch-size",
        "1,2",
        "--store",
        str(store),
    )
    variables = {"PYTHONPATH": str(hostile)}
    running = subprocess.Popen(
        [*QUICK, *arguments],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "ZOO_HOME": str(home), **with_path(variables)},
    )
    until = time.monotonic() + 300
    while not _files(store) and time.monotonic() < until:
        time.sleep(0.05)
    running.kill()
    running.wait()
    before = _files(store)
    assert len(before) == 1

    done = quick(*arguments, "--resume", "--json", **variables)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert [r["scenario"]["batch_size"] for r in results] == [1, 2]
    assert len(_files(store)) == 2
    assert before < _files(store)
    assert len({r["run"] for r in results}) == 1
    assert not list((store / "runs").iterdir())

    again = quick(*arguments, "--skip-existing", "--json", **variables)
    assert [r["id"] for r in json.loads(again.stdout)] == [r["id"] for r in results]
    assert len(_files(store)) == 2


def _files(store: Path) -> set[str]:
    return {path.name for path in store.glob("????-??/*.json")}
