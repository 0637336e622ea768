"""A file comes from a server whole and as it is declared, or there is one line."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from file_server import Server, redirects, sends, serving

from zoo.errors import UsageError, WeightsError, ZooError
from zoo.weights.download import download

CONTENT = bytes(range(256)) * 1000
SHA256, MD5 = hashlib.sha256(CONTENT).hexdigest(), hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "a.h5").write_bytes(CONTENT)
    with serving(tmp_path) as running:
        yield running


def fetched(url: str, output: Path, **file: str) -> Any:
    job = {"file": {"url": url, **file}, "output": str(output), "most_bytes": 2 * len(CONTENT)}
    return download(job, lambda *_, **__: None)


@pytest.mark.parametrize("digests", [{}, {"sha256": SHA256}, {"md5": MD5}, {"sha256": SHA256, "md5": MD5}])
def test_a_file_arrives_whole(server: Server, tmp_path: Path, digests: dict[str, str]) -> None:
    done = fetched(f"{server.url}/a.h5", tmp_path / "out", **digests)
    assert done == {"sha256": SHA256, "bytes": len(CONTENT)}
    assert (tmp_path / "out").read_bytes() == CONTENT


def test_a_length_need_not_be_said(server: Server, tmp_path: Path) -> None:
    server.answers["b.h5"] = sends(CONTENT, length=-1)
    assert fetched(f"{server.url}/b.h5", tmp_path / "out", sha256=SHA256)["bytes"] == len(CONTENT)


@pytest.mark.parametrize(
    ("path", "digests", "kind", "line"),
    [
        ("a.h5", {"sha256": "0" * 64}, WeightsError, f"its sha256 is {SHA256[:12]}…, and should be 000000000000…"),
        ("a.h5", {"md5": "0" * 32}, WeightsError, f"its md5 is {MD5[:12]}…, and should be 000000000000…"),
        ("a.h5", {"md5": MD5, "sha256": "0" * 64}, WeightsError, "its sha256 is"),
        ("none.h5", {}, WeightsError, "is not there: 127.0.0.1 answers 404 Not Found"),
        ("cut.h5", {}, WeightsError, f"broke off after 256,000 of {len(CONTENT) + 1:,} bytes; fetch it again"),
        ("claims.h5", {}, WeightsError, "is larger than 512,000 bytes, the most it could take"),
        ("large.h5", {}, WeightsError, "is larger than 512,000 bytes, the most it could take"),
        ("down.h5", {}, WeightsError, "is said to be at http://example.org/a.h5, and only https is followed"),
        ("file.h5", {}, WeightsError, "is not there: 127.0.0.1 answers 302 Found"),
        ("garbage.h5", {}, WeightsError, "can't be reached: 127.0.0.1: BadStatusLine"),
    ],
)
def test_what_a_server_does_wrong_is_one_line(
    server: Server, tmp_path: Path, path: str, digests: dict[str, str], kind: type[ZooError], line: str
) -> None:
    server.answers |= {
        "cut.h5": sends(CONTENT, length=len(CONTENT) + 1),
        "claims.h5": sends(CONTENT, length=10**12),
        "large.h5": sends(CONTENT * 3, length=-1),
        "down.h5": redirects("http://example.org/a.h5"),
        "file.h5": redirects("file:///etc/passwd"),
        "garbage.h5": lambda handler: handler.wfile.write(b"\x1b[2J\r\n\r\n") and None,
    }
    with pytest.raises(kind) as raised:
        fetched(f"{server.url}/{path}", tmp_path / "out", **digests)
    assert line in str(raised.value)
    assert str(raised.value).isprintable()


def test_a_redirection_to_https_is_followed(server: Server, tmp_path: Path) -> None:
    with socket.socket() as closed:  # bound and not listening: nobody else answers there
        closed.bind(("127.0.0.1", 0))
        server.answers["up.h5"] = redirects(f"https://127.0.0.1:{closed.getsockname()[1]}/a.h5")
        with pytest.raises(WeightsError, match=r"^can't be reached: 127\.0\.0\.1: connection refused"):
            fetched(f"{server.url}/up.h5", tmp_path / "out")


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(WeightsError, match=r"127\.0\.0\.1: connection refused; is there a network\?$"):
            fetched(f"http://127.0.0.1:{closed.getsockname()[1]}/a.h5", tmp_path / "out")


def test_a_full_disk_is_one_line(server: Server) -> None:
    with pytest.raises(UsageError, match=r"^can't write to /dev: no space left on device$"):
        fetched(f"{server.url}/a.h5", Path("/dev/full"))
