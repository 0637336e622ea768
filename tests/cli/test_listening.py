"""`zoo bench` beside plugins that are told of Results, with real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from distributions import Site
from support import QUICK, Zoo, with_path

pytestmark = pytest.mark.real

HEARS = """
import os
import zoo

@zoo.hookimpl
def zoo_result_recorded(result):
    print("heard")
    with open(os.environ["HEARD"], "a") as file:
        print(result.scenario.batch_size, file=file)
"""
RAISES = "import zoo\n@zoo.hookimpl\ndef zoo_result_recorded(result):\n    raise RuntimeError('no network')\n"
HANGS = """
import os, signal, time
import zoo

@zoo.hookimpl
def zoo_result_recorded(result):
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with open(os.environ["HEARD"], "w") as file:
        file.write(str(os.getpid()))
    time.sleep(600)
"""
BENCH = ("bench", "small", "--batch-size", "1,2", "--no-accuracy", "--json")


@pytest.fixture
def site(tmp_path: Path, small: dict[str, str]) -> Site:
    site = Site(tmp_path / "site")
    site.folder.mkdir()
    return site


def variables(site: Site, small: dict[str, str]) -> dict[str, str]:
    folder = site.folder.parent
    return {
        "PYTHONPATH": os.pathsep.join([str(site.folder), small["PYTHONPATH"]]),
        "ZOO_STORE": str(folder / "store"),
        "HEARD": str(folder / "heard"),
    }


def test_plugins_hear_of_each_result_and_one_that_fails_is_a_warning(
    site: Site, small: dict[str, str], quick: Zoo, tmp_path: Path
) -> None:
    site.install("zoo-hears", HEARS)
    site.install("zoo-raises", RAISES)
    done = quick(*BENCH, **variables(site, small))
    assert done.returncode == 0, done.stderr
    ids = [result["id"] for result in json.loads(done.stdout)]
    assert (tmp_path / "heard").read_text() == "1\n2\n"
    lines = done.stderr.splitlines()
    assert len(lines) == len(ids) == 2
    for line, name in zip(lines, ids, strict=True):
        assert line.startswith(f"zoo: plugin zoo-raises 1.0 (plugin), told of {name}: RuntimeError: no network")
    off = quick("--no-plugin", "zoo-hears", "--no-plugin", "zoo-raises", *BENCH, **variables(site, small))
    assert (off.returncode, off.stderr) == (0, "")
    assert (tmp_path / "heard").read_text() == "1\n2\n"


def test_ctrl_c_ends_one_that_hangs_and_the_result_is_kept(
    site: Site, small: dict[str, str], home: Path, tmp_path: Path
) -> None:
    site.install("zoo-hangs", HANGS)
    running = subprocess.Popen(
        [*QUICK, *BENCH],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "ZOO_HOME": str(home), **with_path(variables(site, small))},
    )
    until = time.monotonic() + 100
    while not ((tmp_path / "heard").exists() and (tmp_path / "heard").read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=20)  # less than what a plugin is given
    assert (running.returncode, errors.strip()) == (130, "zoo: interrupted")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "heard").read_text()), 0)
    assert len(list((tmp_path / "store").glob("????-??/*.json"))) == 1
    assert len(list((tmp_path / "store" / "runs").iterdir())) == 1  # to be resumed
