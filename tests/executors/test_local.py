"""Real processes: whatever the work does, the caller learns how it ended and nothing is left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import psutil
import pytest

from zoo.errors import DataError, ModelError, SpecError, UsageError, WeightsError, ZooError
from zoo.executors.local import Task, call, run

pytestmark = pytest.mark.timed

HERE = str(Path(__file__).parent)
MARK = "ZOO_TEST_MARK"

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans to the supervisor")


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


def marked(mark: str) -> list[psutil.Process]:
    """The processes with that mark, but for this one."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                found.append(process)
    return found


def task(function: str, timeout_s: float = 20.0, memory_limit_bytes: int | None = None, **job: Any) -> Task:
    return Task(
        function=f"hostile:{function}",
        job=job,
        environment={"PYTHONPATH": HERE, "HOSTILE": "yes"},
        timeout_s=timeout_s,
        memory_limit_bytes=memory_limit_bytes,
        label="test",
    )


def leftovers(folders: Path) -> list[str]:
    return os.listdir(folders / "tmp")


def test_a_function_that_returns_is_ok(folders: Path) -> None:
    job = {"text": "ä\n\x00", "list": [1, 2.5, None, True], "object": {"a": {}}}
    completed = run(task("fine", **job))
    assert completed.outcome == "ok"
    assert completed.value == {"got": job, "variable": "yes"}
    assert completed.failure is None
    assert leftovers(folders) == []
    assert not (folders / "home").exists()


@pytest.mark.parametrize(
    ("function", "job", "outcome", "kind", "message", "phase"),
    [
        ("raises", {}, "error", "ValueError", "ValueError: no?[31m good", "thinking"),
        ("raises_mute", {}, "error", "MuteError", "MuteError", None),
        ("wants_memory", {}, "out_of_memory", "MemoryError", "MemoryError", None),
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


def test_without_a_place_for_temporary_files_there_is_one_line(monkeypatch: pytest.MonkeyPatch, folders: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folders / "nowhere"))
    with pytest.raises(UsageError, match=r"^can't write to .*nowhere: no such file or directory$"):
        run(task("fine"))


def test_a_log_that_cannot_be_kept_hides_no_failure(monkeypatch: pytest.MonkeyPatch, folders: Path) -> None:
    (folders / "home").write_text("a file")
    failure = run(task("raises")).failure
    assert failure.type == "ValueError"
    assert failure.log is None


PARENT = f"""
import signal, sys
from zoo.executors.local import Task, run

signal.signal(signal.SIGINT, signal.default_int_handler)
task = Task("hostile:leaves_processes", {{"stay": True}}, {{"PYTHONPATH": {HERE!r}}})
try:
    run(task, lambda event: print(event["event"], flush=True))
except KeyboardInterrupt:
    sys.exit(130)
"""


@contextlib.contextmanager
def parent_at_work(folders: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits for a worker, which has children, as does this block."""
    environment = {**os.environ, "TMPDIR": str(folders / "tmp")}
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, env=environment)
    try:
        assert parent.stdout.readline() == b"started\n"
        yield parent
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()


@LINUX
def test_an_interrupted_parent_leaves_no_process_and_no_folder(mark: str, folders: Path) -> None:
    with parent_at_work(folders) as parent:
        assert len(marked(mark)) >= 5
        parent.send_signal(signal.SIGINT)
        assert parent.wait(5) == 130
        assert marked(mark) == []
        assert leftovers(folders) == []


def left_after(seconds: float, mark: str) -> list[psutil.Process]:
    """The processes that are still there after so long, or none as soon as there are none."""
    until = time.monotonic() + seconds
    while (left := marked(mark)) and time.monotonic() < until:
        time.sleep(0.05)
    return left


@LINUX
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_parent_that_is_killed_leaves_no_process(mark: str, folders: Path, number: int) -> None:
    with parent_at_work(folders) as parent:
        parent.send_signal(number)
        assert parent.wait(5) == -number
        assert left_after(2, mark) == []


@LINUX
def test_a_parent_that_is_killed_leaves_no_folder(mark: str, folders: Path) -> None:
    with parent_at_work(folders) as parent:
        parent.kill()
        parent.wait(5)
        assert left_after(2, mark) == []
    assert leftovers(folders) == []


@LINUX
def test_a_child_that_somebody_kills_leaves_no_process(mark: str) -> None:
    def kill(event: dict[str, Any]) -> None:
        [child] = [process for process in marked(mark) if "zoo.executors.child" in process.cmdline()]
        child.kill()

    completed = run(task("leaves_processes", stay=True), kill)
    assert (completed.outcome, completed.failure.type) == ("signal", "SIGKILL")
    assert marked(mark) == []


@LINUX
def test_a_supervisor_that_somebody_kills_takes_the_child_along(mark: str) -> None:
    def kill(event: dict[str, Any]) -> None:
        [supervisor] = [process for process in marked(mark) if "zoo.executors.supervisor" in process.cmdline()]
        supervisor.kill()

    completed = run(task("sleeps"), kill)
    assert (completed.outcome, completed.failure.type) == ("error", "SupervisorError")
    assert left_after(1, mark) == []
