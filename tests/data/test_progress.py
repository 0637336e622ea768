"""Why a connection fails, from real failures."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import urllib3

from zoo.data.prepare import explain
from zoo.data.progress import Progress, chain, trouble
from zoo.errors import DataError, UsageError


@pytest.fixture
def closed_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def progress(tmp_path: Path) -> Iterator[Progress]:
    heard = Progress(tmp_path / "downloads")
    log = logging.getLogger("urllib3.connectionpool")
    level = log.level
    log.addHandler(heard)
    log.setLevel(logging.DEBUG)
    yield heard
    log.removeHandler(heard)
    log.setLevel(level)


def get(port: int) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False  # no proxy
        session.mount("http://", requests.adapters.HTTPAdapter(max_retries=urllib3.Retry(1)))
        return session.get(f"http://127.0.0.1:{port}/file")


def test_the_host_and_why_it_cannot_be_reached_are_heard(progress: Progress, closed_port: int, tmp_path: Path) -> None:
    with pytest.raises(requests.ConnectionError) as error:
        get(closed_port)
    facts = progress.facts()
    assert (facts["host"], facts["trouble"]) == ("127.0.0.1", "connection refused")
    assert trouble(error.value) == "connection refused"
    explained = explain(error.value, "cifar10", tmp_path, facts["host"])
    assert isinstance(explained, DataError)
    assert str(explained) == "can't fetch cifar10: 127.0.0.1 can't be reached (connection refused)"


def test_bytes_are_counted_without_what_was_extracted(progress: Progress) -> None:
    assert progress.facts()["bytes"] == 0
    for name, size in (("toys/a.tmp.1/a", 10), ("toys/b", 5), ("extracted/b/c", 100)):
        path = progress.downloads / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    assert progress.facts()["bytes"] == 15


def test_an_error_that_causes_itself_comes_to_an_end() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert list(chain(first)) == [first, second]


@pytest.mark.parametrize("text", ["[Errno 28] No space left on device", "Not enough disk space. Needed: 3 GiB"])
def test_a_full_disk_is_said_to_be_full(tmp_path: Path, text: str) -> None:
    wrapped = RuntimeError("Failed to finalize writing")
    wrapped.__cause__ = OSError(text)
    explained = explain(wrapped, "cifar10", tmp_path)
    assert isinstance(explained, UsageError)
    assert str(explained) == f"can't prepare cifar10 in {tmp_path}: no space left on the device"


def test_anything_else_is_its_first_line(tmp_path: Path) -> None:
    explained = explain(ZeroDivisionError("one\ntwo"), "cifar10", tmp_path)
    assert str(explained) == "can't prepare cifar10: ZeroDivisionError: one"
