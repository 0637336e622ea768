"""Standard output and standard error that are closed, full, read by nobody, or of an encoding with few characters."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from support import COMMAND

from zoo import streams

SHOWN = ("list", "runtimes", "data list", "plugins", "doctor --quick")


def shell(line: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash in which `zoo` is the command; it prints the exit code of `zoo` last on standard error."""
    script = f'set -o pipefail; zoo() {{ {COMMAND[0]} "$@"; }}; {line}'
    return subprocess.run(["bash", "-c", script], capture_output=True, env={**os.environ, **variables}, check=False)


@pytest.mark.parametrize("command", SHOWN)
@pytest.mark.parametrize("encoding", ["latin-1", "iso8859-15", "koi8-r"])
def test_a_table_in_every_encoding(command: str, encoding: str) -> None:
    done = shell(f"zoo {command}", PYTHONIOENCODING=encoding)
    whole = shell(f"zoo {command}", PYTHONIOENCODING="utf-8")
    assert (done.returncode, done.stderr) == (0, whole.stderr.decode().encode(encoding, "replace"))
    assert len(done.stdout.splitlines()) == len(whole.stdout.splitlines())
    done.stdout.decode(encoding)


def test_both_ways_of_starting_print_the_same_in_every_encoding() -> None:
    short = shell("zoo list", PYTHONIOENCODING="koi8-r")
    long = shell("zoo --no-plugin no-such-plugin list", PYTHONIOENCODING="koi8-r")
    assert short.stdout == long.stdout
    assert b"32x32x3" in short.stdout


def test_json_loses_no_character() -> None:
    done = shell("zoo runtimes --json", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout) == json.loads(shell("zoo runtimes --json", PYTHONIOENCODING="utf-8").stdout)


@pytest.mark.parametrize("command", SHOWN)
def test_a_reader_that_has_gone(command: str) -> None:
    done = shell(f"zoo {command} | true")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize("command", SHOWN)
def test_a_full_disk(command: str) -> None:
    done = shell(f"zoo {command} > /dev/full")
    assert (done.returncode, done.stderr) == (3, b"zoo: can't write to standard output: no space left on device\n")


@pytest.mark.parametrize("command", SHOWN)
def test_a_closed_standard_output(command: str) -> None:
    done = shell(f"zoo {command} >&-")
    assert done.returncode == 3
    assert done.stderr == b"zoo: standard output is closed; '> /dev/null' discards what is printed\n"


@pytest.mark.parametrize("command", [*SHOWN, "runtimes --json"])
def test_a_closed_standard_error(command: str) -> None:
    done = shell(f"zoo {command} 2>&-")
    assert (done.returncode, done.stdout) == (0, shell(f"zoo {command}").stdout)


def test_a_mistake_with_a_closed_standard_error() -> None:
    assert shell("zoo no-such-command 2>&-").returncode == 2


def test_characters_that_have_a_likeness() -> None:
    streams.prepare()
    assert "3×3 – 1 µs ± 2 ☃".encode("ascii", streams.HANDLER) == b"3x3 - 1 us +- 2 ?"
