"""Fixtures that keep apart what each test starts and writes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tasks import MARK, marked


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Logs and temporary folders of a test are its own."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path


@pytest.fixture
def mark(folders: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """In the environment of every process that the test starts, and of no other."""
    monkeypatch.setenv(MARK, str(folders))
    yield str(folders)
    for process in marked(str(folders)):  # what a failed test has left
        process.kill()
