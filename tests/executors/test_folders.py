"""Temporary folders: a dead owner's go, and nobody else's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from zoo.errors import UsageError
from zoo.executors import folders
from zoo.executors.folders import OWNER, RUN, TASK, make, owned_here, remove_if_left, sweep


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def abandoned(place: Path, name: str = "zoo-task-abcdefgh") -> Path:
    """What a killed owner leaves: nobody holds the lock."""
    folder = place / name
    (folder / "tmp").mkdir(parents=True)
    (folder / "tmp" / "half").write_text("half")
    (folder / OWNER).touch()
    return folder


def test_a_folder_goes_with_its_owner(place: Path) -> None:
    before = psutil.Process().num_fds()
    with make(TASK, place) as owned:
        assert owned.path.parent == place
        (owned.path / "file").touch()
    assert os.listdir(place) == []
    assert psutil.Process().num_fds() == before


@pytest.mark.parametrize(
    "name", ["zoo-task-abcdefgh", "zoo-run-12345678", "zoo-check-____abcd", ".zoo-preparing-a1b2c3d4"]
)
def test_what_an_owner_that_is_dead_has_left_is_removed_by_the_next_start(place: Path, name: str) -> None:
    left = abandoned(place, name)
    with make(RUN, place) as owned:
        assert not left.exists()
        assert os.listdir(place) == [owned.path.name]


def test_a_living_owners_folder_stays(place: Path) -> None:
    with make(TASK, place) as owned:
        sweep(place)
        assert (owned.path / OWNER).exists()


def test_it_stays_as_long_as_a_child_that_inherited_it_lives(place: Path) -> None:
    owned = make(TASK, place)
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, pass_fds=(owned.descriptor,)
    )
    os.close(owned.descriptor)  # as when this process is killed
    sweep(place)
    assert owned.path.exists()
    child.communicate()
    sweep(place)
    assert not owned.path.exists()


@pytest.mark.parametrize(
    "name",
    ["zoo-repro.abcdefgh", "zoo-abcdefgh", "zoo-task-mine", "zoo-task-abcdefghi", "other", "x-zoo-task-abcdefgh"],
)
def test_what_is_named_otherwise_is_somebody_elses(place: Path, name: str) -> None:
    left = abandoned(place, name)
    sweep(place)
    assert (left / "tmp" / "half").exists()


def test_a_folder_without_the_owners_file_is_somebody_elses(place: Path) -> None:
    left = abandoned(place)
    (left / OWNER).unlink()
    sweep(place)
    assert (left / "tmp" / "half").exists()


def test_a_link_is_not_followed(place: Path, tmp_path: Path) -> None:
    elsewhere = abandoned(tmp_path, "elsewhere")
    (place / "zoo-task-abcdefgh").symlink_to(elsewhere)
    inside = abandoned(place, "zoo-task-12345678")
    (inside / "tmp" / "link").symlink_to(elsewhere)
    sweep(place)
    assert not inside.exists()
    assert (elsewhere / "tmp" / "half").exists()


def test_another_users_folder_is_not_touched(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = abandoned(place)
    monkeypatch.setattr(folders.os, "geteuid", lambda: os.getuid() + 1)
    sweep(place)
    assert (left / "tmp" / "half").exists()


def test_a_pipe_in_place_of_the_owners_file_holds_up_nobody(place: Path) -> None:
    left = abandoned(place)
    (left / OWNER).unlink()
    os.mkfifo(left / OWNER)
    sweep(place)


@pytest.mark.parametrize("removes", ["before its file is made", "after"])
def test_one_that_another_removes_before_it_is_locked_is_made_again(
    place: Path, monkeypatch: pytest.MonkeyPatch, removes: str
) -> None:
    def remove_all() -> None:
        for path in place.iterdir():
            shutil.rmtree(path)

    if removes == "after":
        lock = folders._lock
        between_file_and_lock = iter([remove_all])

        def late(descriptor: int) -> bool:
            next(between_file_and_lock, lambda: None)()
            return lock(descriptor)

        monkeypatch.setattr(folders, "_lock", late)
    else:
        made, first = tempfile.mkdtemp, iter([True])

        def mkdtemp(**options: Any) -> str:
            path = made(**options)
            if next(first, False):
                os.rmdir(path)
            return path

        monkeypatch.setattr(folders.tempfile, "mkdtemp", mkdtemp)
    before = psutil.Process().num_fds()
    with make(TASK, place) as owned:
        assert os.listdir(place) == [owned.path.name]
        assert os.listdir(owned.path) == [OWNER]
    assert psutil.Process().num_fds() == before


def test_many_starts_at_once_remove_only_what_is_left(place: Path) -> None:
    for number in range(20):
        abandoned(place, f"zoo-task-{number:08}")
    failed: list[BaseException] = []
    start = threading.Barrier(8)

    def work() -> None:
        try:
            start.wait()
            for _ in range(20):
                sweep(place)
                with make(TASK, place) as owned:
                    sweep(place)
                    (owned.path / "mine").write_text("mine")
                    assert (owned.path / "mine").read_text() == "mine"
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert os.listdir(place) == []


def test_a_folder_that_is_not_the_zoos_is_not_removed_whoever_asks(place: Path) -> None:
    left, other = abandoned(place), abandoned(place, "photos")
    for folder in (left, other, place / "zoo-task-87654321"):
        remove_if_left(folder)
    assert os.listdir(place) == ["photos"]


def test_a_process_knows_the_folders_that_it_owns(place: Path) -> None:
    with make(RUN, place) as first, make(TASK, place) as second:
        assert owned_here()[-2:] == [first.path, second.path]
    assert not {first.path, second.path} & set(owned_here())


def test_a_place_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^can't write to .*nowhere: no such file or directory$"):
        make(TASK, tmp_path / "nowhere")
