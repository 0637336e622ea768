"""Functions that a worker is asked to run in test_local.py, most of them badly behaved."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

from zoo.errors import DataError, SpecError, UsageError, WeightsError, ZooError

Report = Callable[..., None]
Value = dict[str, Any]


def fine(job: dict[str, Any], report: Report) -> Value:
    return {"got": job, "variable": os.environ.get("HOSTILE")}


def reports(job: dict[str, Any], report: Report) -> Value:
    report("phase", name="first")
    for number in range(job["count"]):
        report("step", number=number, text="two\nlines \x1b ä")
    report("phase", name="last")
    return {}


def raises(job: dict[str, Any], report: Report) -> NoReturn:
    report("phase", name="thinking")
    raise ValueError("no\x1b[31m good\nat all")


def raises_ours(job: dict[str, Any], report: Report) -> NoReturn:
    kinds = (DataError, SpecError, UsageError, WeightsError, ZooError)
    kind = {kind.__name__: kind for kind in kinds}[job["kind"]]
    raise kind("the message")


def raises_a_kind_of_ours(job: dict[str, Any], report: Report) -> NoReturn:
    class CutError(DataError):
        pass

    raise CutError("the file is cut")


def raises_namesake(job: dict[str, Any], report: Report) -> NoReturn:
    class UsageError(Exception):
        """Of another library: the user has made no mistake."""

    raise UsageError("not the zoo's")


def raises_mute(job: dict[str, Any], report: Report) -> NoReturn:
    class MuteError(Exception):
        def __str__(self) -> NoReturn:
            raise ValueError

    raise MuteError


def wants_memory(job: dict[str, Any], report: Report) -> NoReturn:
    raise MemoryError


def wants_device_memory(job: dict[str, Any], report: Report) -> NoReturn:
    class JaxRuntimeError(RuntimeError):
        """As JAX raises it, whatever went wrong."""

    raise JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 85899345920 bytes.")


def exits(job: dict[str, Any], report: Report) -> NoReturn:
    sys.exit(3)


def exits_at_once(job: dict[str, Any], report: Report) -> NoReturn:
    os._exit(job["code"])


def dereferences_null(job: dict[str, Any], report: Report) -> None:
    report("phase", name="reading")
    ctypes.string_at(0)


def kills_itself(job: dict[str, Any], report: Report) -> None:
    os.kill(os.getpid(), job["signal"])


def sleeps(job: dict[str, Any], report: Report) -> None:
    report("phase", name="sleeping")
    time.sleep(60)


def sleeps_through_requests_to_end(job: dict[str, Any], report: Report) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)


def hoards(job: dict[str, Any], report: Report) -> NoReturn:
    hoard = []
    while True:
        hoard.append(b"x" * (16 * 2**20))
        time.sleep(0.02)


def has_children_that_hoard(job: dict[str, Any], report: Report) -> NoReturn:
    code = "import time; hoard = [b'x' * (16 * 2**20) for _ in range(8)]; time.sleep(60)"
    children = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    children[0].wait()
    os._exit(0)


def leaves_a_file_behind(job: dict[str, Any], report: Report) -> Value:
    descriptor, name = tempfile.mkstemp()
    os.close(descriptor)
    return {"file": name}


def prints(job: dict[str, Any], report: Report) -> Value:
    print("the first line")
    line = b"." * 99 + b"\n"
    for _ in range(job["megabytes"] * 10):
        os.write(1, line * 1000)
    print("the last line", file=sys.stderr)
    if job["fail"]:
        raise ValueError("full of words")
    return {}


def prints_and_sleeps(job: dict[str, Any], report: Report) -> None:
    print("before sleeping", flush=True)
    time.sleep(60)


def leaves_processes(job: dict[str, Any], report: Report) -> Value:
    """A child in our group, one in a session of its own, and one whose parent has gone."""
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    subprocess.Popen(sleeper)
    subprocess.Popen(sleeper, start_new_session=True)
    subprocess.Popen(["/bin/sh", "-c", "sleep 60 &"], start_new_session=True).wait()
    report("started")
    if job.get("stay"):
        time.sleep(60)
    return {}


def leaves_threads(job: dict[str, Any], report: Report) -> Value:
    threading.Thread(target=time.sleep, args=(60,)).start()
    return {"done": True}


def closes_its_output(job: dict[str, Any], report: Report) -> Value:
    sys.stdout.close()
    threading.Thread(target=time.sleep, args=(60,)).start()
    return {"done": True}


def returns_an_object(job: dict[str, Any], report: Report) -> Value:
    return {"object": object()}


def returns_no_number(job: dict[str, Any], report: Report) -> Value:
    return {"value": float(job["value"])}


def returns_nothing(job: dict[str, Any], report: Report) -> None:
    return None


def reports_an_object(job: dict[str, Any], report: Report) -> None:
    report("step", value=object())


def variables(job: dict[str, Any], report: Report) -> dict[str, str]:
    """Those of the names that are set."""
    return {name: os.environ[name] for name in job["names"] if name in os.environ}
