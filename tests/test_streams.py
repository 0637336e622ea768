"""What is written while a plugin is loaded goes to standard error, whatever the way; nothing else does."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from zoo import streams
from zoo.streams import stdout_to_stderr

C = ctypes.CDLL(None)
WAYS: dict[str, Callable[[str], object]] = {
    "print": print,
    "Python's own": lambda text: print(text, file=sys.__stdout__),
    "the system": lambda text: os.write(1, f"{text}\n".encode()),
    "C": lambda text: C.printf(f"{text}\n".encode()),
    "a child": lambda text: subprocess.run(["echo", text], check=True),
}


@pytest.mark.parametrize("way", WAYS)
def test_only_what_is_written_meanwhile_goes_to_standard_error(way: str, capfd: pytest.CaptureFixture[str]) -> None:
    write = WAYS[way]
    write("before")
    with stdout_to_stderr():
        write("meanwhile")
    write("after")
    C.fflush(None)
    out, err = capfd.readouterr()
    assert out.split() == ["before", "after"]
    assert err.split() == ["meanwhile"]


def test_an_exception_passes_and_standard_output_is_back(capfd: pytest.CaptureFixture[str]) -> None:
    descriptors = set(os.listdir("/dev/fd"))
    with pytest.raises(SystemExit), stdout_to_stderr():
        raise SystemExit
    os.write(1, b"after")
    assert capfd.readouterr().out == "after"
    assert set(os.listdir("/dev/fd")) == descriptors


def test_what_closes_its_standard_output_closes_nobody_elses(capfd: pytest.CaptureFixture[str]) -> None:
    with stdout_to_stderr():
        os.close(1)
    os.write(1, b"after")
    assert capfd.readouterr().out == "after"


@pytest.mark.parametrize(("closed", "left"), [(">&-", ""), ("2>&-", "end\n"), (">&- 2>&-", "")])
def test_a_process_without_the_one_or_the_other_does_without(closed: str, left: str) -> None:
    script = "from zoo.streams import stdout_to_stderr\nwith stdout_to_stderr():\n    print('meanwhile')\nprint('end')"
    command = f'"{sys.executable}" -c "{script}" {closed}'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == left


@pytest.mark.parametrize(("file", "expected"), [("/x/a.so", True), ("/x/a.py", False), (None, False)])
def test_cs_buffer_is_looked_at_only_where_c_was_loaded(
    monkeypatch: pytest.MonkeyPatch, file: str | None, expected: bool
) -> None:
    module = ModuleType("acme_c")
    module.__file__ = file
    monkeypatch.setitem(sys.modules, "acme_c", module)
    monkeypatch.delitem(sys.modules, "_ctypes")
    assert streams._runs_c({"acme_c", "not_there"}) is expected
