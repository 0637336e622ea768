"""The largest batch that fits: from as few processes as it takes, however they end."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from zoo.benchmarking import batch_size as sizing
from zoo.benchmarking.batch_size import MOST, largest_that_fits, powers, with_largest_batch
from zoo.benchmarking.plan import Options, plan
from zoo.executors.local import Completed, Control, Failure, Task
from zoo.registry import load

OK = Completed("ok", {})
RAISED = Completed("out_of_memory", None, Failure(None, "OutOfMemoryError", "CUDA out of memory"))
KILLED = Completed("out_of_memory", None, Failure(None, "MemoryLimit", "used more than 700 MiB of memory"))
TOO_SLOW = Completed("timeout", None, Failure(None, "Timeout", "not done after 5 s"))
CRASHED = Completed("signal", None, Failure(None, "SIGSEGV", "ended by SIGSEGV"))
REFUSED = Completed("error", None, Failure(None, "UsageError", "PyTorch finds no GPU here", ours=True))


class Machine:
    """Computes batches up to a size, in a process that has computed others before up to another."""

    def __init__(self, fresh: int, used: int, end: Completed) -> None:
        self.fresh, self.used, self.end = fresh, used, end
        self.processes: list[list[int]] = []

    def __call__(self, sizes: Sequence[int]) -> tuple[int | None, Completed]:
        self.processes.append(list(sizes))
        fitted = None
        for size in sizes:
            if size > (self.fresh if fitted is None else self.used):
                return fitted, self.end
            fitted = size
        return fitted, OK


@pytest.mark.parametrize("end", [RAISED, KILLED, TOO_SLOW, CRASHED])
@pytest.mark.parametrize("most", [1, 2, 512, 1024, 4096, 5000, 65_535])
def test_the_largest_power_of_two_that_fits_is_found(end: Completed, most: int) -> None:
    machine = Machine(most, most, end)
    assert largest_that_fits(machine) == 2 ** (most.bit_length() - 1)
    assert len(machine.processes) <= 1 + (most < 1024) + (end is RAISED)


def test_what_fits_whatever_its_size_takes_one_process() -> None:
    machine = Machine(10**9, 10**9, RAISED)
    assert largest_that_fits(machine) == MOST
    assert machine.processes == [powers(1024, MOST)]


def test_what_failed_in_a_used_process_is_tried_in_a_fresh_one() -> None:
    machine = Machine(8192, 4096, RAISED)
    assert largest_that_fits(machine) == 8192
    assert [sizes[0] for sizes in machine.processes] == [1024, 8192, 16_384]


def test_of_a_process_that_was_killed_the_last_size_counts() -> None:
    machine = Machine(8192, 4096, KILLED)
    assert largest_that_fits(machine) == 4096
    assert len(machine.processes) == 1


def test_where_nothing_fits_one_image_is_left_to_say_why() -> None:
    machine = Machine(0, 0, RAISED)
    assert largest_that_fits(machine) == 1
    assert machine.processes == [powers(1024, MOST), powers(1, 512)]


def test_what_the_zoo_refuses_is_not_tried_again() -> None:
    machine = Machine(0, 0, REFUSED)
    assert largest_that_fits(machine) == 1
    assert len(machine.processes) == 1


def reporting(sizes: Sequence[int], silent_s: float, end: Completed) -> Callable[..., Completed]:
    """In place of `run`: reports sizes, and then is silent until its time is over or as long as it lasts."""

    def run(task: Task, on_event: Callable[[dict[str, Any]], None], control: Control) -> Completed:
        for size in sizes:
            on_event({"event": "phase", "name": f"does a batch of {size:,} fit?"})
            if control.expired.wait(silent_s):
                return TOO_SLOW
            on_event({"event": "fits", "batch_size": size})
        return end

    return run


def test_each_size_has_the_whole_time(monkeypatch: pytest.MonkeyPatch) -> None:
    phases: list[str] = []
    task = Task("nowhere:nothing", {}, timeout_s=0.2)
    monkeypatch.setattr(sizing, "run", reporting([1024, 2048, 4096, 8192], 0.1, KILLED))
    assert sizing._last_that_fitted(task, phases.append) == (8192, KILLED)
    assert phases[-1] == "does a batch of 8,192 fit?"
    monkeypatch.setattr(sizing, "run", reporting([1024], 5.0, OK))
    assert sizing._last_that_fitted(task, phases.append) == (None, TOO_SLOW)


@pytest.mark.real
def test_a_memory_limit_is_reached_in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[int]] = []
    run = sizing.run

    def counted(task: Task, *arguments: Any) -> Completed:
        started.append(task.job["sizes"])
        return run(task, *arguments)

    monkeypatch.setattr(sizing, "run", counted)
    options = Options(runtimes=("torch",), batch_sizes=("max",), memory_limit_bytes=900 * 2**20, timeout_s=120.0)
    (step,) = plan(load(), ["resnet8"], options)
    asked: list[str] = []
    found = with_largest_batch(step, asked.append)
    size = found.scenario.batch_size
    assert 1024 <= size < MOST
    assert size & (size - 1) == 0
    assert len(started) == 1
    assert asked[-1] == f"does a batch of {2 * size:,} fit?"
    assert not found.seeks_batch_size
    assert found.job["scenario"]["batch_size"] == size
    assert found == dataclasses.replace(step, scenario=found.scenario, job=found.job, seeks_batch_size=False)
