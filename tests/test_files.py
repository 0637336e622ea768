"""Files that are whole or not there, and folders that can be written to."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path
from typing import NoReturn

import pytest

from zoo import files, paths
from zoo.errors import UsageError


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.bin"
    files.write_atomic(path, b"\x00content")
    assert path.read_bytes() == b"\x00content"


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a longer content")
    files.write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_is_as_open_as_the_umask_allows(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        files.write_atomic(tmp_path / "file", b"x")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
def test_a_full_disk_is_one_line_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(*arguments: object, **options: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, step, full)
    with pytest.raises(UsageError, match="no space left on device"):
        files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_an_interruption_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def interrupted(*arguments: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_in_the_place_of_the_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(UsageError, match="is a directory"):
        files.write_atomic(tmp_path / "file", b"x")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("inside", ["file/x", "file/deeper/x"])
def test_a_file_in_the_place_of_a_folder_is_one_line(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(UsageError, match=r"^can't write to .*: [^\n]+$"):
        files.write_atomic(tmp_path / inside, b"x")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_reader_sees_the_old_or_the_new_file_and_nothing_between(tmp_path: Path) -> None:
    path, done, seen = tmp_path / "file", threading.Event(), set()
    contents = [bytes([digit]) * 100_000 for digit in range(8)]
    files.write_atomic(path, contents[0])

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for content in contents * 5:
        files.write_atomic(path, content)
    done.set()
    reader.join()
    assert seen <= set(contents)


def test_the_file_and_then_its_folder_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced, sync = [], os.fsync

    def record(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc to name what is synced")
    monkeypatch.setattr(files.os, "fsync", record)
    files.write_atomic(tmp_path / "file", b"x")
    assert [os.path.dirname(synced[0]), synced[1]] == [str(tmp_path), str(tmp_path)]


def test_a_writable_folder_is_made_and_returned(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert paths.writable_folder(folder) == folder
    assert folder.is_dir()


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser can write anywhere")
def test_a_folder_without_permission_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="permission denied"):
        paths.writable_folder(tmp_path)


def test_the_home_is_where_the_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    assert paths.home() == tmp_path
    assert paths.trained_weights("toy", "digits").is_relative_to(tmp_path)


def test_the_home_may_begin_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ZOO_HOME", "~/zoo")
    assert paths.home() == tmp_path / "zoo"


def test_without_the_variable_the_home_is_among_the_users_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZOO_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert paths.home().is_relative_to(tmp_path)
    assert not paths.home().exists()


def test_weights_of_two_datasets_never_share_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    places = {paths.trained_weights("toy", name) for name in ("a/b", "a-b", "a_b", "a.b")}
    assert len(places) == 4
