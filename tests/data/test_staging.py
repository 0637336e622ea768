"""What is made out of sight: gone when it fails, whole when it doesn't, swept when its process was killed."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.data.staging import publish, staging
from zoo.errors import UsageError


def test_what_is_left_in_it_is_gone_with_every_folder_made_for_it(tmp_path: Path) -> None:
    with contextlib.suppress(ZeroDivisionError), staging(tmp_path / "a" / "b") as folder:
        assert folder.parent == tmp_path / "a" / "b"
        (folder / "downloads").mkdir()
        (folder / "downloads" / "half").write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_finished_folder_stands_in_its_place(tmp_path: Path) -> None:
    with staging(tmp_path / "data") as folder:
        made = folder / "toys" / "1.0.0"
        made.mkdir(parents=True)
        (made / "dataset_info.json").write_text("{}")
        publish(made, tmp_path / "data" / "toys" / "1.0.0")
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.json")] == ["data/toys/1.0.0/dataset_info.json"]
    assert [p.name for p in (tmp_path / "data").iterdir()] == ["toys"]


def test_what_another_process_has_put_there_stays(tmp_path: Path) -> None:
    place = tmp_path / "toys" / "1.0.0"
    place.mkdir(parents=True)
    (place / "dataset_info.json").write_text("theirs")
    made = tmp_path / "made"
    made.mkdir()
    (made / "dataset_info.json").write_text("ours")
    publish(made, place)
    assert (place / "dataset_info.json").read_text() == "theirs"


@pytest.mark.parametrize("place", ["toys/1.0.0", "file/1.0.0"])
def test_something_else_in_its_place_is_left_alone_and_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "toys" / "1.0.0").mkdir(parents=True)
    (tmp_path / "toys" / "1.0.0" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("")
    (tmp_path / "made").mkdir()
    with pytest.raises(UsageError, match=f"can't write .*{place}"):
        publish(tmp_path / "made", tmp_path / place)
    assert (tmp_path / "toys" / "1.0.0" / "mine.txt").read_text() == "mine"


def test_what_a_killed_process_has_left_is_swept_and_what_a_living_one_uses_is_not(tmp_path: Path) -> None:
    hold = (
        "import sys, time; from pathlib import Path; from zoo.data.staging import staging\n"
        "with staging(Path(sys.argv[1])) as folder:\n"
        "    print(folder.name, flush=True)\n"
        "    time.sleep(60)\n"
    )
    holders = [
        subprocess.Popen([sys.executable, "-c", hold, tmp_path], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    try:
        killed, living = (str(holder.stdout and holder.stdout.readline()).strip() for holder in holders)
        assert {p.name for p in tmp_path.iterdir()} == {killed, living}
        holders[0].send_signal(signal.SIGKILL)
        holders[0].wait()
        with staging(tmp_path) as folder:
            assert {p.name for p in tmp_path.iterdir()} == {folder.name, living}
    finally:
        for holder in holders:
            holder.kill()
            holder.communicate()


@pytest.mark.parametrize("path", ["file", "file/below"])
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="can't write to"), staging(tmp_path / path):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
