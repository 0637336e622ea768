"""What a window leaves is whole, whatever happens while it is written."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
import shelf as shelves
from hypothesis import given
from hypothesis import strategies as st
from shelf import MOST_BYTES, Done, Shelf


def done(name: str, outcome: str = "finished", window: int = 1) -> Done:
    return Done(name=name, outcome=outcome, began_s=0.0, seconds=1.0, expected_s=1.0, window=window)


def line(number: int, size: int = 0) -> str:
    return json.dumps({"id": f"id-{number}", "padding": "x" * size})


def read(folder: Path) -> tuple[set[str], dict[str, bytes]]:
    """Ids of Results and weights by name, from the files alone."""
    lines = [
        one for name in shelves.RESULTS if (folder / name).exists() for one in (folder / name).read_text().splitlines()
    ]
    weights = {}
    for name in shelves.WEIGHTS:
        if (folder / name).exists():
            with tarfile.open(folder / name) as file:
                weights |= {member.name: file.extractfile(member).read() for member in file}
    return {json.loads(one)["id"] for one in lines}, weights


def test_what_is_kept_can_be_read_back(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(b"weights")
    shelf = Shelf.open(tmp_path / "out", rehearsed=False)
    shelf.add(done("bench"), results=[line(1), line(2)], log="a log\n")
    shelf.add(done("train-resnet20"), weights=tmp_path / "w")
    again = Shelf.open(tmp_path / "out", rehearsed=False)
    assert again.done == shelf.done
    assert again.done["bench"].kept == ("id-1", "id-2")
    assert read(tmp_path / "out") == ({"id-1", "id-2"}, {"resnet20.safetensors": b"weights"})
    assert "a log" in (tmp_path / "out" / "logs.txt").read_text()


def test_an_earlier_window_is_taken_over(tmp_path: Path) -> None:
    first = Shelf.open(tmp_path / "first", rehearsed=False)
    first.add(done("bench"), results=[line(1)])
    first.add(done("other", "cut"))
    second = Shelf.open(tmp_path / "second", rehearsed=False, earlier=tmp_path / "first")
    assert second.is_finished("bench")
    assert not second.is_finished("other")
    assert second.windows == 1
    assert read(tmp_path / "second")[0] == {"id-1"}


def test_a_rehearsal_and_a_real_window_are_kept_apart(tmp_path: Path) -> None:
    Shelf.open(tmp_path, rehearsed=True).add(done("bench"))
    with pytest.raises(ValueError, match="holds files of a rehearsal; name another folder with --out"):
        Shelf.open(tmp_path, rehearsed=False)


def test_files_stay_below_their_limit_and_what_finds_no_room_costs_its_step(tmp_path: Path) -> None:
    shelf = Shelf.open(tmp_path, rehearsed=False)
    third = MOST_BYTES // 3
    added = [shelf.add(done(f"step-{n}"), results=[line(n, third)]) for n in range(6)]
    assert [one.outcome for one in added] == ["finished"] * 4 + ["failed"] * 2
    assert "the files for them are full" in (added[-1].why or "")
    assert read(tmp_path)[0] == {f"id-{n}" for n in range(4)}
    assert len(list(tmp_path.iterdir())) <= 8
    assert all(path.stat().st_size <= MOST_BYTES for path in tmp_path.iterdir())


class CutError(Exception):
    """Stands for a kill at that moment."""


@given(steps=st.lists(st.sampled_from(["results", "weights"]), min_size=1, max_size=5), cut=st.integers(0, 12))
def test_a_kill_at_any_write_loses_no_finished_step(
    steps: list[str], cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("shelf")
    weights = folder / "weights"
    weights.write_bytes(b"values")
    written = 0

    def write(path: Path, content: bytes) -> None:
        nonlocal written
        if written == cut:
            raise CutError
        written += 1
        path.write_bytes(content)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelves, "write_atomic", write)
        try:
            shelf = Shelf.open(folder / "out", rehearsed=False)
            for number, kind in enumerate(steps):
                given = {"results": [line(number)]} if kind == "results" else {"weights": weights}
                shelf.add(done(f"train-{number}"), **given)
        except CutError:
            pass
    after = Shelf.open(folder / "out", rehearsed=False)
    ids, members = read(folder / "out")
    for name, step in after.done.items():
        assert after.is_finished(name)
        assert set(step.kept) <= ids | set(members)
    finished = len(after.done)
    assert list(after.done) == [f"train-{number}" for number in range(finished)]
    assert finished == min(len(steps), cut // 3)  # three writes a step: what it left, its log, the state
