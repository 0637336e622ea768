"""Real processes: whatever the work does, the caller learns how it ended and nothing is left."""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NoReturn

import psutil
import pytest
from tasks import HERE, LINUX, leftovers, marked, task

from zoo.errors import DataError, ModelError, SpecError, UsageError, WeightsError, ZooError
from zoo.executors.local import Task, call, make_folder, run

pytestmark = pytest.mark.timed


def test_a_function_that_returns_is_ok(folders: Path) -> None:
    job = {"text": "ä\n\x00", "list": [1, 2.5, None, True], "object": {"a": {}}}
    completed = run(task("fine", **job))
    assert completed.outcome == "ok"
    assert completed.value == {"got": job, "variable": "yes"}
    assert completed.failure is None
    assert leftovers(folders) == []
    assert not (folders / "home").exists()


def test_another_python_does_the_work_and_is_not_led_to_the_packages_of_this_one(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", "/of/this/one")
    seen, python = tmp_path / "seen", tmp_path / "python"
    looks = f'echo "$PYTHONPATH|$VIRTUAL_ENV|$HOSTILE" > {seen}'
    python.write_text(f'#!/bin/sh\n{looks}\nPYTHONPATH="{HERE}" exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    completed = run(dataclasses.replace(task("fine"), python=str(python)))
    assert completed.outcome == "ok"
    assert seen.read_text() == "||yes\n"
    assert leftovers(folders) == []


@pytest.mark.parametrize(
    ("function", "job", "outcome", "kind", "message", "phase"),
    [
        ("raises", {}, "error", "ValueError", "ValueError: no?[31m good", "thinking"),
        ("raises_mute", {}, "error", "MuteError", "MuteError", None),
        ("wants_memory", {}, "out_of_memory", "MemoryError", "MemoryError", None),
        (
            "wants_device_memory",
            {},
            "out_of_memory",
            "JaxRuntimeError",
            "JaxRuntimeError: RESOURCE_EXHAUSTED: Out",
            None,
        ),
        ("exits", {}, "error", "SystemExit", "SystemExit: 3", None),
        ("exits_at_once", {"code": 0}, "error", "Exit", "exited with code 0 before it was done", None),
        ("exits_at_once", {"code": 7}, "error", "Exit", "exited with code 7 before it was done", None),
        ("dereferences_null", {}, "signal", "SIGSEGV", "ended by SIGSEGV", "reading"),
        ("kills_itself", {"signal": 9}, "signal", "SIGKILL", "ended by SIGKILL", None),
        ("kills_itself", {"signal": 6}, "signal", "SIGABRT", "ended by SIGABRT", None),
        pytest.param("kills_itself", {"signal": 40}, "signal", "signal 40", "ended by signal 40", None, marks=LINUX),
        ("reports_an_object", {}, "error", "TypeError", "TypeError: ", None),
        ("returns_an_object", {}, "error", "TypeError", "TypeError: ", None),
        ("returns_no_number", {"value": "nan"}, "error", "ValueError", "ValueError: ", None),
        ("returns_no_number", {"value": "-inf"}, "error", "ValueError", "ValueError: ", None),
        ("no_such_function", {}, "error", "ModelError", "hostile has no no_such_function", None),
    ],
)
def test_a_function_that_fails_is_known_by_how_it_failed(
    folders: Path, function: str, job: dict[str, Any], outcome: str, kind: str, message: str, phase: str | None
) -> None:
    completed = run(task(function, **job))
    assert completed.outcome == outcome
    assert completed.value is None
    failure = completed.failure
    assert failure.type == kind
    assert failure.message.startswith(message)
    assert failure.message.isprintable()
    assert failure.phase == phase
    assert failure.exit_code == 3
    assert Path(failure.log).is_relative_to(folders / "home" / "logs")
    assert leftovers(folders) == []


def test_a_module_that_is_not_there_is_an_error() -> None:
    completed = run(Task("no_such_module:f", {}))
    assert (completed.outcome, completed.failure.type) == ("error", "ModelError")
    assert "can't import no_such_module:f" in completed.failure.message


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [(UsageError, 2), (SpecError, 2), (DataError, 3), (WeightsError, 3), (ZooError, 3)],
)
def test_an_error_of_the_zoos_keeps_its_message_and_exit_code(kind: type[ZooError], exit_code: int) -> None:
    failure = run(task("raises_ours", kind=kind.__name__)).failure
    assert (failure.type, failure.message, failure.exit_code) == (kind.__name__, "the message", exit_code)
    with pytest.raises(ZooError, match="the message") as error:
        call(task("raises_ours", kind=kind.__name__))
    assert error.value.exit_code == exit_code


def test_an_error_of_a_kind_that_only_the_worker_knows_is_the_one_that_it_is_a_kind_of() -> None:
    with pytest.raises(DataError, match=r"^the file is cut$"):
        call(task("raises_a_kind_of_ours"))


def test_an_error_that_only_shares_a_name_is_no_mistake_of_the_users() -> None:
    with pytest.raises(ZooError, match="not the zoo's") as error:
        call(task("raises_namesake"))
    assert error.value.exit_code == 3


def test_call_returns_the_value() -> None:
    assert call(task("fine", a=1))["got"] == {"a": 1}


def test_call_says_in_one_line_what_failed_where_and_where_the_log_is(folders: Path) -> None:
    with pytest.raises(ZooError) as error:
        call(task("raises"))
    [log] = (folders / "home" / "logs").iterdir()
    assert str(error.value) == f"the worker failed in thinking: ValueError: no?[31m good; its log is {log}"
    assert "Traceback" in log.read_text()


def test_call_of_a_function_that_is_not_there_is_a_model_error() -> None:
    with pytest.raises(ModelError, match=r"^hostile has no such_function$"):
        call(task("such_function"))


def test_a_function_may_return_nothing() -> None:
    assert call(task("returns_nothing")) is None


@pytest.mark.parametrize("function", ["sleeps", "leaves_processes"])
def test_a_function_that_hangs_is_ended_at_its_deadline(mark: str, function: str) -> None:
    start = time.monotonic()
    completed = run(task(function, timeout_s=0.8, stay=True))
    assert completed.outcome == "timeout"
    assert completed.failure.type == "Timeout"
    assert completed.failure.message == "not done after 0.8 s"
    assert 0.8 <= time.monotonic() - start < 2.5
    assert marked(mark) == []


def test_the_log_of_a_hang_says_where_it_hung() -> None:
    failure = run(task("prints_and_sleeps", timeout_s=1.2)).failure
    log = Path(failure.log).read_text()
    assert log.startswith("before sleeping\n")
    assert "hostile.py" in log
    assert "in prints_and_sleeps" in log


def test_a_function_that_will_not_end_is_made_to(mark: str) -> None:
    completed = run(task("sleeps_through_requests_to_end", timeout_s=0.6))
    assert completed.outcome == "timeout"
    assert marked(mark) == []


def test_a_function_that_allocates_without_end_is_ended_at_its_limit(mark: str) -> None:
    completed = run(task("hoards", memory_limit_bytes=300 * 2**20))
    assert completed.outcome == "out_of_memory"
    assert completed.failure.type == "MemoryLimit"
    assert completed.failure.message == "used more than 300 MiB of memory"
    assert marked(mark) == []


def test_what_a_worker_leaves_in_the_temporary_folder_goes_with_it(folders: Path) -> None:
    completed = run(task("leaves_a_file_behind"))
    assert completed.value is not None
    assert completed.value["file"].startswith(str(folders))
    assert leftovers(folders) == []


def test_what_its_children_use_counts_too(folders: Path) -> None:
    completed = run(task("has_children_that_hoard", memory_limit_bytes=300 * 2**20))
    assert completed.outcome == "out_of_memory"
    assert completed.failure is not None
    assert completed.failure.message == "used more than 300 MiB of memory"


def test_of_megabytes_of_output_the_log_keeps_head_and_tail() -> None:
    failure = run(task("prints", megabytes=8, fail=True)).failure
    log = Path(failure.log).read_bytes()
    assert 512 * 1024 <= len(log) < 700 * 1024
    assert log.startswith(b"the first line\n")
    assert b" bytes left out " in log
    assert b"the last line\n" in log
    assert log.endswith(b"ValueError: full of words\n")


def test_megabytes_of_output_hold_up_nothing(folders: Path) -> None:
    assert run(task("prints", megabytes=8, fail=False)).outcome == "ok"
    assert not (folders / "home").exists()


@LINUX
def test_processes_that_the_function_leaves_are_ended(mark: str) -> None:
    assert run(task("leaves_processes")).outcome == "ok"
    assert marked(mark) == []


@pytest.mark.parametrize("function", ["leaves_threads", "closes_its_output"])
def test_threads_that_the_function_leaves_hold_up_nothing(mark: str, function: str) -> None:
    start = time.monotonic()
    completed = run(task(function, timeout_s=4.0))
    assert completed.value == {"done": True}
    assert time.monotonic() - start < 2
    assert marked(mark) == []


def test_events_arrive_whole_and_in_order() -> None:
    events = []
    assert run(task("reports", count=2000), events.append).outcome == "ok"
    assert events[0] == {"event": "phase", "name": "first"}
    assert [event["number"] for event in events[1:-1]] == list(range(2000))
    assert {event["text"] for event in events[1:-1]} == {"two\nlines \x1b ä"}
    assert events[-1] == {"event": "phase", "name": "last"}


def test_events_arrive_while_the_function_works() -> None:
    start, arrived = time.monotonic(), []
    run(task("sleeps", timeout_s=1.5), lambda event: arrived.append(time.monotonic() - start))
    assert len(arrived) == 1
    assert arrived[0] < 1.4


def test_a_listener_that_raises_ends_the_work(mark: str, folders: Path) -> None:
    def listen(event: dict[str, Any]) -> NoReturn:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run(task("leaves_processes", stay=True), listen)
    assert marked(mark) == []
    assert leftovers(folders) == []


def test_a_job_that_is_not_json_is_refused_and_leaves_nothing(folders: Path) -> None:
    with pytest.raises((TypeError, ZooError)):
        run(task("fine", thing=object()))
    assert leftovers(folders) == []


def test_a_job_that_is_not_json_takes_the_folder_with_it_that_was_made_for_it(folders: Path) -> None:
    folder = make_folder()
    with pytest.raises(TypeError):
        run(task("fine", thing=object()), folder=folder)
    assert leftovers(folders) == []


def test_a_process_that_can_not_be_started_leaves_no_file_no_pipe_and_no_folder(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(folders / "no-python"))
    before = psutil.Process().num_fds()
    with pytest.raises(ZooError, match=r"^can't start a process: no such file or directory$"):
        run(task("fine"))
    assert psutil.Process().num_fds() == before
    assert leftovers(folders) == []


def test_variables_are_set_and_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "k")
    monkeypatch.setenv("UNSET", "u")
    environment = {"PYTHONPATH": HERE, "UNSET": None, "KERAS_BACKEND": "jax"}
    names = ["KEPT", "UNSET", "KERAS_BACKEND", "KERAS_MAX_EPOCHS"]
    assert call(Task("hostile:variables", {"names": names}, environment)) == {"KEPT": "k", "KERAS_BACKEND": "jax"}


def test_without_a_place_for_temporary_files_there_is_one_line(monkeypatch: pytest.MonkeyPatch, folders: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folders / "nowhere"))
    with pytest.raises(UsageError, match=r"^can't write to .*nowhere: no such file or directory$"):
        run(task("fine"))


def test_a_log_that_cannot_be_kept_hides_no_failure(monkeypatch: pytest.MonkeyPatch, folders: Path) -> None:
    (folders / "home").write_text("a file")
    failure = run(task("raises")).failure
    assert failure.type == "ValueError"
    assert failure.log is None
