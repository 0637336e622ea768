"""Peaks: what is chosen of what was reached, what is kept, and short measurements of real products and real memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.benchmarking import peak
from zoo.benchmarking.peak import Arithmetic, LeftOut, Memory, Peaks, best, last_cache_bytes, load, thread_counts
from zoo.benchmarking.peak_worker import (
    GPU_WORKING_SETS,
    Multiply,
    NotOffered,
    Product,
    Sizes,
    _fastest,
    _matrices,
    with_numpy,
)
from zoo.executors.local import Completed, Failure, Task, call

PEAKS = Peaks(
    fingerprint="0123456789abcdef",
    device="cpu",
    created_at="2026-11-23T12:00:00+00:00",
    seconds=12.5,
    load_at_start=0.1,
    arithmetic=(
        Arithmetic(precision="float32", threads=1, flops_per_s=1e11, by="torch 2.7", size=2048),
        Arithmetic(precision="float32", threads=2, flops_per_s=2e11, by="numpy 2.0", size=1024),
        Arithmetic(precision="int8", threads=2, flops_per_s=None, reason="none"),
    ),
    memory=(
        Memory(working_set_bytes=2**20, threads=2, bytes_per_s=9e10, by="copy"),
        Memory(working_set_bytes=2**23, threads=2, bytes_per_s=None, reason="none"),
        Memory(working_set_bytes=2**30, threads=2, bytes_per_s=1e10, by="read"),
    ),
    left_out=(LeftOut(what="jax", threads=2),),
)


def reached(by: str, speed: float | None, precision: str = "float32", threads: int | None = 2) -> Arithmetic:
    why = None if speed else f"{by} has none"
    return Arithmetic(precision=precision, threads=threads, flops_per_s=speed, by=by, size=1024, reason=why)


def test_the_best_library_is_the_peak() -> None:
    tried = [reached("a", 1e9), reached("b", 3e9), reached("c", None), reached("d", 9e9, threads=1)]
    assert best(tried, "float32", 2) == Arithmetic(precision="float32", threads=2, flops_per_s=3e9, by="b", size=1024)


def test_without_a_measurement_there_is_a_reason_and_no_number() -> None:
    tried = [reached("a", None, "int8"), reached("b", None, "int8"), reached("a", None, "int8")]
    assert best(tried, "int8", 2).flops_per_s is None
    assert best(tried, "int8", 2).reason == "a has none; b has none"
    assert best(tried, "int8", 1).reason == peak.TIME_OVER


@given(st.integers(1, 300))
def test_all_cores_come_first_and_each_count_once(cores: int) -> None:
    counts = thread_counts(cores)
    assert counts[0] == cores
    assert 1 in counts
    assert len(set(counts)) == len(counts)
    assert all(count is not None and count <= cores for count in counts)


def test_the_last_cache_is_the_largest() -> None:
    assert last_cache_bytes({"L1 data": "48K", "L3 unified": "480M", "L2 unified": "2048K"}) == 480 * 2**20
    assert last_cache_bytes({"L1 data": "?"}) is None
    assert last_cache_bytes({}) is None


def test_a_peak_is_found_by_precision_threads_and_working_set() -> None:
    assert PEAKS.flops_per_s("float32", 2) == 2e11
    assert PEAKS.flops_per_s("float32", 4) is None
    assert PEAKS.flops_per_s("int8", 2) is None
    assert PEAKS.bytes_per_s(1000, 2) == 9e10
    assert PEAKS.bytes_per_s(2**21, 2) == 1e10  # the next that was measured and holds it
    assert PEAKS.bytes_per_s(2**40, 2) == 1e10
    assert PEAKS.bytes_per_s(1000, 1) is None


def test_what_was_kept_is_read_again_and_what_is_damaged_counts_as_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    assert load(PEAKS.fingerprint) is None
    place = tmp_path / "peaks" / f"{PEAKS.fingerprint}-cpu.json"
    place.parent.mkdir()
    place.write_text(json.dumps(PEAKS.to_json()))
    assert load(PEAKS.fingerprint) == PEAKS
    for content in (
        "",
        "[]",
        "{}",
        json.dumps({**PEAKS.to_json(), "schema": "zoo.peak/1"}),
        '{"schema": "zoo.peak/2"}',
    ):
        place.write_text(content)
        assert load(PEAKS.fingerprint) is None


@pytest.mark.real
def test_a_matrix_product_is_measured_and_what_a_library_lacks_is_said() -> None:
    job = {"library": "numpy", "device": "cpu", "threads": 1, "precisions": ["float32", "int8"], "seconds": 60}
    found = call(Task("zoo.benchmarking.peak_worker:products", job, {"OPENBLAS_NUM_THREADS": "1"}))
    assert 1e8 < found["float32"]["flops_per_s"] < 1e13
    assert found["float32"]["by"].startswith("numpy ")
    assert call(Task("zoo.benchmarking.peak_worker:products", {**job, "seconds": 0}))["float32"]["reason"] == (
        "numpy took too long with other precisions"
    )
    assert found["int8"] == {"flops_per_s": None, "by": None, "size": None, "reason": "NumPy's BLAS has no int8"}


@pytest.mark.real
def test_memory_is_measured_by_working_set() -> None:
    job = {"device": "cpu", "threads": 2, "last_cache_bytes": 2**20}
    found = call(Task("zoo.benchmarking.peak_worker:memory", job, {"OPENBLAS_NUM_THREADS": "1"}))["found"]
    assert [one["working_set_bytes"] // 2**20 for one in found] == [1, 8, 64, 128]
    assert all(1e8 < one["bytes_per_s"] < 1e13 for one in found)


QUICK = Sizes(first=64, last=512, long_enough_s=60.0, calls=1)


def faulty(most: int, factor: float | None = None) -> Multiply:
    """Right up to a size: beyond, its product is off by a factor, or it raises."""

    def multiply(precision: str, a: Any, b: Any) -> Product:
        right = with_numpy(None, False)("float32", a, b)
        if len(a) <= most:
            return right
        if factor is None:
            raise MemoryError
        return Product(right.run, right.wait, lambda out: right.fetch(out) * factor)

    return multiply


@pytest.mark.real
def test_a_product_that_is_not_what_was_asked_for_is_no_peak() -> None:
    with pytest.raises(NotOffered, match=r"its float32 product is off by \d"):
        _fastest(faulty(0, 1.001), "float32", QUICK)
    assert _fastest(faulty(0, 1.001), "tf32", QUICK)[0] > 0  # as much as ten bits leave
    with pytest.raises(NotOffered, match=r"its tf32 product is off by \d"):
        _fastest(faulty(0, 1.01), "tf32", QUICK)


@pytest.mark.real
@pytest.mark.parametrize("factor", [None, 1.001])
def test_what_fails_only_when_it_is_large_leaves_the_smaller_ones(factor: float | None) -> None:
    speed, size = _fastest(faulty(128, factor), "float32", QUICK)
    assert speed > 0
    assert size <= 128
    with pytest.raises(MemoryError):
        _fastest(faulty(0), "float32", QUICK)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("size", [64, 2048])
def test_what_is_multiplied_is_random_throughout(whole: bool, size: int) -> None:
    for matrix in _matrices(whole, size):
        assert matrix.shape == (size, size)
        assert matrix.dtype == ("int8" if whole else "float32")
        parts = matrix.reshape(size // 32, 32, size)
        assert (abs(parts.mean(axis=(1, 2))) < 0.1 * matrix.std()).all()
        assert (parts.std(axis=(1, 2)) > 0.9 * matrix.std()).all()


@pytest.mark.parametrize(
    ("seconds", "left_out"),
    [
        (0.0, ["torch 1", "memory 1", "numpy 2", "jax 2"]),
        (2.5, ["memory 1", "numpy 2", "jax 2"]),
        (4.5, ["jax 2", "numpy 1"]),
        (9.0, []),
    ],
)
def test_what_the_time_did_not_suffice_for_is_named(
    seconds: float, left_out: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]

    def run(task: Task) -> Completed:
        clock[0] += 1.0
        if task.function.endswith(":memory"):
            return Completed("ok", {"found": [{"working_set_bytes": 2**20, "bytes_per_s": 1e10, "by": "copy"}]})
        speed = 2e11 if task.job["library"] == "numpy" else 1e11
        found = {name: {"flops_per_s": speed, "by": "it", "size": 8, "reason": None} for name in task.job["precisions"]}
        return Completed("ok", found)

    monkeypatch.setattr(peak, "run", run)
    monkeypatch.setattr(peak.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(peak, "usable_cores", lambda: 2)
    monkeypatch.setattr(peak, "is_installed", lambda name: name in ("torch", "numpy", "jax"))
    found = peak.measure("0123456789abcdef", seconds=seconds).left_out
    assert [f"{one.what} {one.threads}" for one in found] == left_out


def test_a_library_that_is_ended_for_its_time_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(task: Task) -> Completed:
        if task.function.endswith(":memory"):
            return Completed("ok", {"found": []})
        if task.job["library"] == "numpy":
            return Completed("timeout", None, Failure("int8", "Timeout", "not done after 60 s"))
        done = {"flops_per_s": 1e11, "by": "it", "size": 8, "reason": None}
        return Completed("ok", dict.fromkeys(task.job["precisions"], done))

    monkeypatch.setattr(peak, "run", run)
    monkeypatch.setattr(peak, "usable_cores", lambda: 1)
    monkeypatch.setattr(peak, "is_installed", lambda name: name in ("torch", "numpy"))
    late = peak.measure("0123456789abcdef").left_out
    assert [(one.what, one.precision) for one in late] == [("numpy", name) for name in peak.PRECISIONS["cpu"]]


def test_a_precision_that_a_library_had_no_time_for_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(task: Task) -> Completed:
        if task.function.endswith(":memory"):
            return Completed("ok", {"found": []})
        done = {"flops_per_s": 1e11, "by": "it", "size": 8, "reason": None}
        late = {"flops_per_s": None, "by": None, "size": None, "reason": f"torch {peak.TOOK_TOO_LONG}"}
        lacking = {**late, "reason": "torch has no int8"}
        return Completed("ok", {"float32": done, "bfloat16": late, "float16": done, "int8": lacking})

    monkeypatch.setattr(peak, "run", run)
    monkeypatch.setattr(peak, "usable_cores", lambda: 1)
    monkeypatch.setattr(peak, "is_installed", lambda name: name == "torch")
    found = peak.measure("0123456789abcdef")
    assert found.left_out == (LeftOut(what="torch", threads=1, precision="bfloat16"),)
    assert Peaks.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_gpu_has_tf32_and_no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every library and memory once, with what their processes give back."""
    tasks: list[Task] = []

    def run(task: Task) -> Completed:
        tasks.append(task)
        if task.function.endswith(":memory"):
            sets = [{"working_set_bytes": size, "bytes_per_s": 1e12, "by": "copy"} for size in GPU_WORKING_SETS]
            return Completed("ok", {"found": sets})
        speed = 1e14 if task.job["library"] == "torch" else 2e14
        done = {"flops_per_s": speed, "by": "it", "size": 8192, "reason": None}
        found = dict.fromkeys(task.job["precisions"], done)
        return Completed("ok", found)

    monkeypatch.setattr(peak, "run", run)
    monkeypatch.setattr(peak, "is_installed", lambda name: True)
    peaks = peak.measure("0123456789abcdef", "gpu")
    assert [one.precision for one in peaks.arithmetic] == ["float32", "tf32", "bfloat16", "float16", "int8"]
    assert [task.job.get("library") for task in tasks] == ["torch", None, "jax"]
    assert all(task.job["threads"] is None for task in tasks)
    for threads in (None, 16):  # a Result says how many the process had
        assert peaks.flops_per_s("tf32", threads) == 2e14
        assert peaks.bytes_per_s(2**20, threads) == 1e12
    assert "tf32" not in peak.PRECISIONS["cpu"]
