"""A reference is taken from the cache only if nothing has changed on which it depends. No real process."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support import make_environment

from zoo import index
from zoo.benchmarking import files_read, identity, reference
from zoo.benchmarking.files_read import FilesRead, hold
from zoo.benchmarking.identity import of_reference
from zoo.benchmarking.kept_references import STATES, KeptReferences
from zoo.benchmarking.plan import Options, Step
from zoo.executors.local import Completed, Failure, Task
from zoo.record.result import Origin
from zoo.record.scenario import Scenario
from zoo.specs import ModelSpec

KEY = "0" * 64
SPEC = ModelSpec(name="one", summary="x", build="acme:net", input_shape=(8, 8, 1), classes=10, parameters=10)
HERE = make_environment(python="CPython 3.11.7", packages={"keras": "3.12"})
Event = Callable[[str, tuple[Any, ...]], None]


def step(version: str = "1.0", **job: Any) -> Step:
    weights = {"source": "plugin", "path": None, "sha256": "1" * 64}
    return Step(
        scenario=Scenario(model="one", dataset="digits"),
        plugin=Origin(distribution="acme", version=version),
        job={"model": SPEC.to_json(), "dataset": {"name": "digits"}, "weights": weights, **job},
        keras_backend="jax",
        no_accuracy=None,
        options=Options(),
        code="0" * 64,
    )


def made(folder: Path, *depends_on: Path, size: int = 10) -> Path:
    """The folder of a reference that depends on these files."""
    folder.mkdir()
    (folder / "images.npy").write_bytes(os.urandom(size))
    (folder / "logits.npy").write_bytes(b"logits")
    (folder / "source.json").write_text('"Keras"')
    (folder / STATES).write_text(json.dumps([(index.state(str(path)), str(path)) for path in depends_on]))
    return folder


@pytest.fixture
def kept(tmp_path: Path) -> KeptReferences:
    return KeptReferences(tmp_path / "cache")


# What is kept


def test_what_was_kept_is_given_back(kept: KeptReferences, tmp_path: Path) -> None:
    before, again = made(tmp_path / "made"), tmp_path / "again"
    again.mkdir()
    kept.keep(KEY, before)
    assert kept.restore(KEY, again)
    files = {path.name: path.read_bytes() for path in before.iterdir() if path.name != STATES}
    assert {path.name: path.read_bytes() for path in again.iterdir()} == files
    assert not kept.restore("1" * 64, again)


@pytest.mark.parametrize("place", [0, 40, -1])
def test_one_that_is_damaged_is_as_good_as_none(kept: KeptReferences, tmp_path: Path, place: int) -> None:
    kept.keep(KEY, made(tmp_path / "made"))
    content = bytearray((kept.folder / KEY).read_bytes())
    content[place] ^= 1
    (kept.folder / KEY).write_bytes(content)
    assert not kept.restore(KEY, tmp_path / "made")


@pytest.mark.parametrize("change", ["written", "replaced", "removed"])
def test_one_whose_files_have_changed_is_as_good_as_none(kept: KeptReferences, tmp_path: Path, change: str) -> None:
    code = tmp_path / "model.py"
    code.write_text("layers = 2")
    kept.keep(KEY, made(tmp_path / "made", code))
    assert kept.restore(KEY, tmp_path / "made")
    if change == "written":
        code.write_text("layers = 3")
    else:
        code.unlink()
    if change == "replaced":
        (tmp_path / "other.py").write_text("layers = 3")
        (tmp_path / "other.py").rename(code)
    assert not kept.restore(KEY, tmp_path / "made")


def test_one_that_may_depend_on_anything_is_not_kept(kept: KeptReferences, tmp_path: Path) -> None:
    before = made(tmp_path / "made")
    (before / STATES).unlink()
    kept.keep(KEY, before)
    assert not kept.folder.exists()


def test_what_was_not_used_for_the_longest_time_makes_room(tmp_path: Path) -> None:
    kept = KeptReferences(tmp_path / "cache", limit_bytes=10_000)
    keys = [f"{number:064}" for number in range(5)]
    for number, key in enumerate(keys):
        kept.keep(key, made(tmp_path / key, size=2_000))
        os.utime(kept.folder / key, (number, number))
        if number == 2:
            assert kept.restore(keys[0], tmp_path / key)
    assert sorted(path.name for path in kept.folder.iterdir()) == [keys[0], *keys[2:]]
    kept.keep("9" * 64, made(tmp_path / "large", size=2_600))  # it would drive out the others
    assert sorted(path.name for path in kept.folder.iterdir()) == [keys[0], *keys[2:]]


def test_a_folder_that_cannot_be_written_to_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    KeptReferences(tmp_path / "file" / "cache").keep(KEY, made(tmp_path / "made"))


# By which key


def key_of(one: Step, **changes: Any) -> str | None:
    return of_reference(one, **{"environment": HERE, "backend": "tensorflow", "calibrated": False, **changes})


def test_the_key_holds_all_that_can_be_told_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    key = key_of(step())
    threads = replace(step(), scenario=Scenario(model="one", dataset="digits", threads=2))
    others = [
        key_of(step("1.1")),
        key_of(step(model={**SPEC.to_json(), "arguments": {"width": 32}})),
        key_of(step(dataset={"name": "digits", "version": "2.0.0"})),
        key_of(step(weights={"source": "plugin", "path": None, "sha256": "2" * 64})),
        key_of(step(weights=None)),
        key_of(threads),
        key_of(step(), environment=dataclasses.replace(HERE, packages={"keras": "3.13"})),
        key_of(step(), backend="jax"),
        key_of(step(), calibrated=True),
    ]
    monkeypatch.setattr(identity, "interpreter", lambda: ("another folder before the others",))
    others.append(key_of(step()))
    assert len({key, *others}) == 1 + len(others)


def test_the_key_does_not_hold_what_has_no_part_in_the_reference() -> None:
    other = replace(step(), scenario=Scenario(model="one", dataset="digits", runtime="jax", batch_size=256))
    assert key_of(other) == key_of(step())
    later = dataclasses.replace(HERE, packages={**HERE.packages, "mypy": "1.0", "jax": "0.7"})
    assert key_of(step(), environment=later) == key_of(step())


def test_the_key_holds_what_a_file_of_weights_holds(tmp_path: Path) -> None:
    path = tmp_path / "trained.safetensors"
    one = step(weights={"source": "file", "path": str(path), "sha256": None})
    assert key_of(one) is None
    path.write_bytes(b"1")
    key = key_of(one)
    path.write_bytes(b"2")
    assert key is not None
    assert key_of(one) not in (None, key)


# On which files it depends


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that is loaded, whose files have not changed for a while."""
    folder = tmp_path / "acme"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "table.txt").touch()
    module = ModuleType("acme")
    module.__file__, module.__path__ = str(folder / "__init__.py"), [str(folder)]
    monkeypatch.setitem(sys.modules, "acme", module)
    monkeypatch.setattr(files_read, "_loaded", lambda: [str(folder / "__init__.py")])
    monkeypatch.setattr(files_read, "_sites", list)
    return folder


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """The audit hooks that would be added: a real one could not be taken away again."""
    added: list[Event] = []
    monkeypatch.setattr(sys, "addaudithook", added.append)
    return added


def later() -> int:
    return time.time_ns() + 10**9


def test_what_a_process_has_read_counts(
    package: Path, tmp_path: Path, hooks: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("read", "listed", "written", "run/own")
    read, listed, written, own = paths = [tmp_path / name for name in names]
    own.parent.mkdir()
    listed.mkdir()
    for path in (read, written, own):
        path.touch()
    link = tmp_path / "link"
    link.symlink_to(read)
    files = FilesRead(later(), own=[own.parent])
    now = later()
    monkeypatch.setattr(time, "time_ns", lambda: now)
    (hook,) = hooks
    hook("open", (str(link), "rb", os.O_RDONLY | os.O_CLOEXEC))
    hook("os.scandir", (os.fsencode(listed),))
    hook("open", (str(written), "wb", os.O_WRONLY | os.O_CREAT))
    hook("open", (str(own), "rb", os.O_RDONLY))
    hook("open", ("/proc/cpuinfo", "r", os.O_RDONLY))
    hook("open", (3, "rb", os.O_RDONLY))
    hook("compile", (None, str(written)))
    states = files.states("acme")
    assert states is not None
    assert {path for _, path in states} == {
        *map(str, (package, package / "__init__.py", package / "table.txt", link, read, listed))
    }
    assert hold(states)
    for path in paths:
        path.write_text("other") if path.is_file() else (path / "more").touch()
    assert not hold(states)


def test_what_may_have_changed_while_it_was_read_is_not_certain(package: Path, hooks: list[Event]) -> None:
    assert FilesRead(later(), own=[]).states("acme") is not None
    assert FilesRead(time.time_ns(), own=[]).states("acme") is None  # within a tick of the file system's clock
    files = FilesRead(later(), own=[])
    hooks[-1]("open", (str(package / "gone"), "rb", os.O_RDONLY))
    assert files.states("acme") is None


def test_code_that_cannot_be_seen_is_not_certain(
    package: Path, hooks: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert FilesRead(later(), own=[]).states("no_such_package") is None
    monkeypatch.setattr(files_read, "MAX_FILES", 2)
    assert FilesRead(later(), own=[]).states("acme") is None


# In a run


def test_a_second_run_starts_no_process_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    started: list[str] = []

    def pretended(task: Task, _: object) -> Completed:
        started.append(task.function)
        folder = Path(task.job["folder"])
        folder.rmdir()
        made(folder)
        return Completed("ok", {})

    monkeypatch.setattr(reference, "run_task", pretended)
    upgraded = dataclasses.replace(HERE, packages={"keras": "3.13"})
    for environment, processes in ((HERE, 1), (HERE, 1), (upgraded, 2)):
        with reference.References([step()], environment) as references:
            found = references.find(step(), lambda _: None)
            assert isinstance(found, Path)
            assert (found / "logits.npy").read_bytes() == b"logits"
        assert len(started) == processes


def test_one_that_failed_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    failed = Completed("error", None, Failure("build", "ValueError", "no"))
    monkeypatch.setattr(reference, "run_task", lambda *_: failed)
    for _ in range(2):
        with reference.References([step()], HERE) as references:
            assert references.find(step(), lambda _: None) is failed
