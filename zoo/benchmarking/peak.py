"""What this machine can do at most: arithmetic by matrix products, memory by copies and reads; measured once and kept.

A peak is the best that any installed library reaches, in its fastest repetition, as in STREAM (McCalpin 1995). It is a
lower bound of what the hardware could do, and what a model's time can fairly be held against.
"""

from __future__ import annotations

import datetime
import itertools
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.benchmarking import environment as env
from zoo.benchmarking.computing import scoped
from zoo.cores import usable_cores
from zoo.errors import DataError
from zoo.executors.local import Completed, Task, run
from zoo.files import write_atomic
from zoo.keras_backend import is_installed
from zoo.paths import home
from zoo.record.base import Record
from zoo.record.environment import Environment

SCHEMA = "zoo.peak/2"
PRECISIONS = {
    "cpu": ("float32", "bfloat16", "float16", "int8"),
    "gpu": ("float32", "tf32", "bfloat16", "float16", "int8"),
}
# In the order in which they are tried: the time may be over before the last.
LIBRARIES = ("torch", "openvino", "numpy", "jax", "tensorflow")
ON_GPU = ("torch", "jax")
MEMORY = "memory"
SECONDS = 20.0
LIBRARY_SECONDS = 15.0  # on a busy machine a product may take very long
TASK_TIMEOUT_S = 60.0
TIME_OVER = "the time was over before it was measured; --seconds gives more"
TOOK_TOO_LONG = "took too long"  # what is said of a library, or of a precision that it had no time for

OnEvent = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Arithmetic(Record):
    """The fastest matrix product of one precision.

    Attributes:
        threads: that it had; None on an accelerator.
        flops_per_s: two for each multiply-add; of int8, operations. None with a `reason`.
        by: the library that reached it, with its version.
        size: rows of the square matrices.
    """

    precision: str
    threads: int | None
    flops_per_s: float | None
    by: str | None = None
    size: int | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory(Record):
    """The fastest way through so much memory, again and again.

    Attributes:
        bytes_per_s: read and written. None with a `reason`.
        by: `copy` or `read`, and the library.
    """

    working_set_bytes: int
    threads: int | None
    bytes_per_s: float | None
    by: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut(Record):
    """What was not measured, because the time was over: the peak may be higher.

    Attributes:
        what: a library, or `memory`.
        threads: that it would have had; None on an accelerator.
        precision: None for all.
    """

    what: str
    threads: int | None
    precision: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Peaks(Record):
    """What one device of one environment can do.

    Attributes:
        fingerprint: of the environment, as far as peaks depend on it.
        device: "cpu" or "gpu".
        seconds: that measuring took.
        load_at_start: processes that wanted to run before it began; None where the system doesn't count them.
        left_out: what wasn't measured, because the time was over.
    """

    fingerprint: str
    device: str
    created_at: str
    seconds: float
    load_at_start: float | None
    arithmetic: tuple[Arithmetic, ...]
    memory: tuple[Memory, ...]
    left_out: tuple[LeftOut, ...] = ()
    schema: str = SCHEMA

    def flops_per_s(self, precision: str, threads: int | None) -> float | None:
        """The peak of that precision on so many threads; None where it wasn't measured."""
        found = (one for one in self.arithmetic if one.precision == precision and one.threads == self._threads(threads))
        return next((one.flops_per_s for one in found), None)

    def bytes_per_s(self, working_set_bytes: float, threads: int | None) -> float | None:
        """The peak through the smallest measured working set that holds this one, else through the largest."""
        measured = (one for one in self.memory if one.bytes_per_s and one.threads == self._threads(threads))
        there = sorted(measured, key=lambda one: one.working_set_bytes)
        holding = [one for one in there if one.working_set_bytes >= working_set_bytes] or there[-1:]
        return holding[0].bytes_per_s if holding else None

    def _threads(self, threads: int | None) -> int | None:
        return None if self.device == "gpu" else threads


def fingerprint(environment: Environment) -> str:
    """Of the environment as far as peaks depend on it: of packages, only the libraries that are tried.

    :param environment: as `zoo.benchmarking.environment.collect` gives it.
    """
    return scoped(environment, (*LIBRARIES, "jaxlib")).fingerprint


def load(environment: str, device: str = "cpu") -> Peaks | None:
    """What was measured in an environment, if it was. What can't be read counts as not measured.

    :param environment: its `fingerprint`.
    """
    try:
        values = json.loads(_file(environment, device).read_bytes())
        return Peaks.from_json(values) if values["schema"] == SCHEMA else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def peak(
    *, device: str = "cpu", again: bool = False, seconds: float = SECONDS, on_event: OnEvent | None = None
) -> Peaks:
    """What this machine can do at most: as measured before in this environment, or measured now and kept.

    :param device: "cpu" or "gpu", the first.
    :param again: measure, whatever was measured before.
    :param seconds: after which no further process is started; a few more pass until the last one ends. One library is
        measured in any case.
    :param on_event: told what is measured.
    :raises UsageError: if it can't be kept, or there is no such device.
    :raises DataError: if nothing could be measured.
    """
    environment = fingerprint(env.collect())
    found = None if again else load(environment, device)
    if found is None:
        found = measure(environment, device, seconds=seconds, on_event=on_event)
        keep(found)
    return found


def keep(found: Peaks) -> None:
    """Keep peaks for what is measured in their environment from now on.

    :raises UsageError: if they can't be written.
    """
    content = json.dumps(found.to_json(), indent=1, allow_nan=False)
    write_atomic(_file(found.fingerprint, found.device), f"{content}\n".encode())


def measure(
    environment: str, device: str = "cpu", *, seconds: float = SECONDS, on_event: OnEvent | None = None
) -> Peaks:
    """Measure, each library and number of threads in a fresh process, one after the other.

    :param environment: its `fingerprint`.

    The first library and memory come first, with every number of threads; then the other libraries with all; then those
    of them that were best in something with fewer.
    """
    start, load_at_start = time.monotonic(), env.load_average()
    libraries = [name for name in (ON_GPU if device == "gpu" else LIBRARIES) if is_installed(name)]
    counts = [None] if device == "gpu" else thread_counts(usable_cores())
    reached: list[tuple[str, Arithmetic]] = []
    memory: list[Memory] = []
    left_out: list[LeftOut] = []

    def attempt(what: str, count: int | None) -> None:
        """Measure a library, or memory; of each kind one is measured in any case."""
        if (memory if what == MEMORY else reached) and time.monotonic() - start >= seconds:
            left_out.append(LeftOut(what=what, threads=count))
            return
        if on_event is not None:
            on_event(what if count is None else f"{what}, {count} thread{'s' if count > 1 else ''}")
        if what == MEMORY:
            memory.extend(_memory(device, count))
            return
        for one in _products(what, device, count):
            reached.append((what, one))
            if (one.reason or "").startswith(f"{what} {TOOK_TOO_LONG}"):
                left_out.append(LeftOut(what=what, threads=count, precision=one.precision))

    for count, what in itertools.product(counts, (*libraries[:1], MEMORY)):
        attempt(what, count)
    for library in libraries[1:]:
        attempt(library, counts[0])
    for library, count in itertools.product(sorted(_best(reached) - {*libraries[:1]}), counts[1:]):
        attempt(library, count)
    every = [one for _, one in reached]
    if not any(one.flops_per_s for one in every):
        why = "; ".join(dict.fromkeys(one.reason for one in every if one.reason)) or "nothing that can is here"
        raise DataError(f"no peak could be measured: {why}")
    in_order = sorted(counts, key=lambda count: count or 0)
    return Peaks(
        fingerprint=environment,
        device=device,
        created_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - start, 1),
        load_at_start=load_at_start,
        arithmetic=tuple(best(every, precision, count) for precision in PRECISIONS[device] for count in in_order),
        memory=tuple(sorted(memory, key=lambda one: (one.threads or 0, one.working_set_bytes))),
        left_out=tuple(left_out),
    )


def thread_counts(cores: int) -> list[int | None]:
    """All cores first, then powers of two below."""
    return [cores, *(2**i for i in range(cores.bit_length()) if 2**i < cores)]


def best(reached: Iterable[Arithmetic], precision: str, threads: int | None) -> Arithmetic:
    """The best that any library reached, or why there is none."""
    tried = [one for one in reached if one.precision == precision and one.threads == threads]
    if any(one.flops_per_s for one in tried):
        return max(tried, key=lambda one: one.flops_per_s or 0.0)
    why = "; ".join(dict.fromkeys(one.reason for one in tried if one.reason)) or TIME_OVER
    return Arithmetic(precision=precision, threads=threads, flops_per_s=None, reason=why)


def _best(reached: Iterable[tuple[str, Arithmetic]]) -> set[str]:
    """The libraries that were best in some precision."""
    fastest_last = sorted(reached, key=lambda found: found[1].flops_per_s or 0.0)
    return set({one.precision: library for library, one in fastest_last if one.flops_per_s}.values())


def _products(library: str, device: str, threads: int | None) -> list[Arithmetic]:
    job = {"library": library, "device": device, "threads": threads}
    limits = {"precisions": PRECISIONS[device], "seconds": LIBRARY_SECONDS}
    done = run(_task("products", {**job, **limits}, threads))
    found = done.value
    if found is None:
        why = f"{library} {TOOK_TOO_LONG}" if done.outcome == "timeout" else f"{library}: {_why(done)}"
        found = {name: {"flops_per_s": None, "reason": why} for name in PRECISIONS[device]}
    return [Arithmetic(precision=name, threads=threads, **one) for name, one in found.items()]


def _memory(device: str, threads: int | None) -> list[Memory]:
    job = {"device": device, "threads": threads, "last_cache_bytes": last_cache_bytes(env.caches())}
    done = run(_task(MEMORY, job, 1 if device == "cpu" else None))
    if done.value is None:
        return [Memory(threads=threads, working_set_bytes=0, bytes_per_s=None, reason=_why(done))]
    return [Memory(threads=threads, **one) for one in done.value["found"]]


def _why(done: Completed) -> str:
    return done.failure.message if done.failure else "failed"


def last_cache_bytes(caches: Mapping[str, str]) -> int | None:
    """The size of the last cache, from sizes such as `480M` or `2048K`; None where no size is known."""
    units = {"K": 2**10, "M": 2**20, "G": 2**30}
    sizes = [int(size[:-1]) * units[size[-1]] for size in caches.values() if size[:-1].isdigit() and size[-1] in units]
    return max(sizes, default=None)


def _task(function: str, job: Mapping[str, Any], threads: int | None) -> Task:
    """:param threads: that a library may start; some read it only when they are loaded."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    environment = {} if threads is None else dict.fromkeys(names, str(threads))
    # float32 is to mean float32, whatever oneDNN is told elsewhere
    environment |= {"ONEDNN_DEFAULT_FPMATH_MODE": "STRICT", "TF_CPP_MIN_LOG_LEVEL": "3"}
    return Task(f"zoo.benchmarking.peak_worker:{function}", job, environment, timeout_s=TASK_TIMEOUT_S, label="peak")


def _file(environment: str, device: str) -> Path:
    return home() / "peaks" / f"{environment}-{device}.json"
