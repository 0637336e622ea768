"""Fixtures that several folders share: the command in a process or in this one, and what is measured once for all."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from support import COMMAND, QUICK, Zoo, install, running, with_path

ROOT = Path(__file__).resolve().parent.parent
FRAMEWORKS = {"tensorflow", "keras", "jax", "torch"}
CIFAR10_FOLDER = ROOT.parent / "shared" / "data"


def pytest_configure() -> None:
    """Compile each module once, and hear SIGINT and SIGHUP.

    Where the environment keeps Python from writing bytecode, each of a thousand processes would compile the zoo again,
    and pytest the tests. In the background and under nohup the signals are ignored, by what is started too.
    """
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
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
    """Run the installed command as a user does."""
    return running(COMMAND, home)


@pytest.fixture(scope="session")
def quick(home: Path) -> Zoo:
    """Run `quick_zoo.py`: for tests of all that surrounds a measurement, and not of its figures."""
    return running(QUICK, home)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables under which the model of `small.py` is installed."""
    return {"PYTHONPATH": str(install(tmp_path_factory.mktemp("small"), Path(__file__).with_name("small.py")))}


@pytest.fixture(scope="session")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory in which TFDS has prepared the dataset of `letters.py`."""
    folder = tmp_path_factory.mktemp("letters")
    subprocess.run([sys.executable, Path(__file__).with_name("letters.py"), folder], check=True)
    return folder


@pytest.fixture(scope="session")
def in_process(home: Path) -> Zoo:
    """Run the command in this process, which spares the start of one: for mistakes, and for what only reads.

    It fails the test if the command imports a framework, which no command may do in the process that you start.
    """
    from zoo import cli

    def run(*arguments: str, timeout: float = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        assert timeout == 0, "nothing ends a command that runs in this process"
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        before = FRAMEWORKS & sys.modules.keys()
        with pytest.MonkeyPatch.context() as patched:
            for name, value in {"ZOO_HOME": str(home), **with_path(variables)}.items():
                patched.setenv(name, value)
            for path in filter(None, variables.get("PYTHONPATH", "").split(os.pathsep)):
                patched.syspath_prepend(path)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
                cli.main([*arguments])
        assert FRAMEWORKS & sys.modules.keys() == before
        printed = [stream.buffer.getvalue().decode() for stream in (out, err)]
        assert isinstance(ended.value.code, int)
        return subprocess.CompletedProcess([*arguments], ended.value.code, *printed)

    return run


@pytest.fixture(scope="session")
def cifar10_folder() -> Path:
    """A data directory with the real CIFAR-10, prepared by TFDS."""
    if not (CIFAR10_FOLDER / "cifar10").is_dir():
        pytest.skip(f"CIFAR-10 is not prepared in {CIFAR10_FOLDER}")
    return CIFAR10_FOLDER
