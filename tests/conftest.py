"""Fixtures for the tests that run real models in real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from support import Zoo

ROOT = Path(__file__).resolve().parent.parent
CIFAR10_FOLDER = ROOT.parent / "shared" / "data"


def pytest_configure() -> None:
    """Hear SIGINT and SIGHUP, and let what is started hear them: in the background and under nohup they are ignored."""
    for number, default in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, default)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that of several processes none is left with one at the end."""
    marks: dict[Path, set[str]] = defaultdict(set)
    for item in items:
        marks[item.path] |= {mark.name for mark in item.iter_markers()}
    items.sort(key=lambda item: [name not in marks[item.path] for name in ("slow", "real")])


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zoo's own folder for this run of the tests: the real one is left alone."""
    return tmp_path_factory.mktemp("zoo-home")


@pytest.fixture(autouse=True)
def _own_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(home))
    for name in ("ZOO_DATA_DIR", "ZOO_STORE", "ZOO_DISABLE_PLUGINS", "KERAS_BACKEND"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def zoo(home: Path) -> Zoo:
    """Run the installed command as a user does; returns the completed process."""

    def run(*arguments: str, timeout: float = 300, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).parent / "zoo", *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, "ZOO_HOME": str(home), **variables},
        )

    return run


@pytest.fixture(scope="session")
def toy_results(zoo: Zoo) -> list[dict[str, Any]]:
    """What `zoo bench toy_resnet --json` prints, measured once for all tests."""
    done = zoo("bench", "toy_resnet", "--max-time", "4", "--batch-size", "1,32", "--json")
    assert done.returncode == 0, done.stderr
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return results


@pytest.fixture(scope="session")
def cifar10_folder() -> Path:
    """A data directory with the real CIFAR-10, prepared by TFDS."""
    if not (CIFAR10_FOLDER / "cifar10").is_dir():
        pytest.skip(f"CIFAR-10 is not prepared in {CIFAR10_FOLDER}")
    return CIFAR10_FOLDER
