"""What a Result says of a failure can be shown to anybody."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.executors.local import Failure
from zoo.record.redaction import failure_record, without_paths
from zoo.record.result import FailureRecord


@pytest.fixture(autouse=True)
def _folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A home, which is a link; and a temporary folder."""
    (tmp_path / "disk" / "jane").mkdir(parents=True)
    (tmp_path / "jane").symlink_to(tmp_path / "disk" / "jane")
    monkeypatch.setenv("HOME", str(tmp_path / "jane"))
    monkeypatch.setattr(tempfile, "tempdir", "/scratch/jane")


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("can't read {home}/data/digits: damaged", "can't read ~/data/digits: damaged"),
        ("can't write to {home}.", "can't write to ~."),
        ("{disk}/weights.safetensors", "~/weights.safetensors"),
        ("file://{home}/x", "file://~/x"),
        ("{home}-old/x", "…/x"),
        ("{home}.old/x", "…/x"),
        ("No such file: '{home}/two words/x'", "No such file: '~/two words/x'"),
        ("can't write to /scratch/jane/zoo-x1/y", "can't write to $TMPDIR/zoo-x1/y"),
        ("can't write to /scratch/jane/zoo-x1/tmp/y", "can't write to $TMPDIR/y"),
        ("can't write to /scratch/jane/zoo-task-x1_yz/tmp/y", "can't write to $TMPDIR/y"),
        ("/srv/acme/secret/x.bin is damaged", "…/x.bin is damaged"),
        ("at /opt/acme/model.py:12, in f", "at …/model.py:12, in f"),
        ("'/srv/two words/of acme/x y.bin' is not there", "'…/x y.bin' is not there"),
        ('"/srv/acme/x.bin", "/srv/acme/y.bin"', '"…/x.bin", "…/y.bin"'),
        ("PATH=/srv/acme/bin:/srv/acme/sbin", "PATH=…/bin:…/sbin"),
        ("file:///srv/acme/x", "…/x"),
        ("in /srv/acme/", "in …/"),
    ],
)
def test_a_path_is_made_short(tmp_path: Path, text: str, short: str) -> None:
    assert without_paths(text.format(home=tmp_path / "jane", disk=tmp_path / "disk" / "jane")) == short


@pytest.mark.parametrize(
    "text",
    [
        "see https://keras.io/api/layers and http://x/y/z",
        "/job:localhost/replica:0/task:0/device:CPU:0 ran out of memory",
        "{{node toy/conv2d/Conv2D}} at 3 images/s",
        "the weights in weights/digits.safetensors or ../x/y don't fit",
        "split by '/' or '//'",
        "ZeroDivisionError: 1 / 0",
        "",
    ],
)
def test_what_is_no_absolute_path_stays_as_it_is(text: str) -> None:
    assert without_paths(text) == text


parts = st.lists(
    st.text("abcxyz._- ", min_size=1).filter(lambda part: part.strip(". ") == part), min_size=2, max_size=5
)


@given(parts)
@settings(max_examples=200, deadline=None, database=None, derandomize=True)
def test_nothing_but_the_last_part_of_a_quoted_path_is_left(path: list[str]) -> None:
    assert without_paths(f"[Errno 2] No such file: '/{'/'.join(path)}'") == f"[Errno 2] No such file: '…/{path[-1]}'"


def test_of_a_log_only_its_name_is_told() -> None:
    failure = Failure("build", "OSError", "no /srv/acme/x", 3, "/home/jane/zoo/logs/a.log", ours=True)
    assert failure_record(failure) == FailureRecord(
        phase="build", type="OSError", message="no …/x", exit_code=3, log="a.log"
    )


def test_a_user_whose_home_is_the_root_has_no_name_to_hide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/")
    assert without_paths("see /etc and 1 / 2") == "see /etc and 1 / 2"
