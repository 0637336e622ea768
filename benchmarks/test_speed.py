"""The zoo's own speed: discovery, start-up, a worker's start, statistics, and what the harness adds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from zoo.benchmarking.stats import summarise
from zoo.benchmarking.timing import Policy, measure
from zoo.executors.local import Task, call
from zoo.registry import load

BIN = Path(sys.executable).parent
HOOK = """
import zoo

@zoo.hookimpl
def zoo_models():
    return [
        zoo.ModelSpec(name=f"{prefix}-{{n}}", build="a.b:c", input_shape=(8, 8, 1), summary="x", classes=2,
                      parameters=1)
        for n in range({count})
    ]
"""


@pytest.fixture(scope="module", params=[(1, 1), (10, 10), (100, 10)], ids=lambda p: f"{p[0] * p[1]} models")
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with so many plugins, each with so many models, besides those that are installed anyway."""
    plugins, models = request.param
    folder = tmp_path_factory.mktemp("plugins")
    for number in range(plugins):
        module = f"many_{number}"
        (folder / f"{module}.py").write_text(HOOK.format(prefix=module, count=models))
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: many-{number}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[zoo]\nmany{number} = {module}\n")
    return folder


@pytest.mark.benchmark(group="discovery")
def test_discovery(benchmark: BenchmarkFixture, installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(installed))
    registry = benchmark(load)
    assert len(registry.models) > 10


@pytest.mark.benchmark(group="start-up")
@pytest.mark.parametrize("command", ["python -c pass", "zoo --help", "zoo list"])
def test_start_up(benchmark: BenchmarkFixture, command: str) -> None:
    program, *arguments = command.split()
    benchmark(lambda: subprocess.run([BIN / program, *arguments], check=True, stdout=subprocess.DEVNULL))


@pytest.mark.benchmark(group="start-up")
def test_start_up_of_list_with_many_plugins(benchmark: BenchmarkFixture, installed: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    benchmark(lambda: subprocess.run([BIN / "zoo", "list"], check=True, stdout=subprocess.DEVNULL, env=environment))


@pytest.mark.benchmark(group="a worker that does nothing")
def test_worker_start(benchmark: BenchmarkFixture) -> None:
    """The supervisor, its child, and both of them gone again; no framework is imported."""
    environment = {"PYTHONPATH": str(Path(__file__).parent)}
    benchmark(lambda: call(Task("nothing:nothing", {}, environment)))


@pytest.mark.benchmark(group="statistics")
@pytest.mark.parametrize("processes", [1, 5])
def test_statistics_of_a_million_samples(benchmark: BenchmarkFixture, processes: int) -> None:
    samples = np.random.default_rng(0).random((processes, 1_000_000 // processes)) + 1
    assert benchmark(summarise, samples).n == 1_000_000


def busy(seconds: float) -> Callable[[], None]:
    """A call that takes so long, by reading the clock until it is over."""

    def call_it() -> None:
        until = time.perf_counter_ns() + seconds * 1e9
        while time.perf_counter_ns() < until:
            pass

    return call_it


@pytest.mark.benchmark(group="what the harness adds")
@pytest.mark.parametrize("seconds", [1e-5, 1e-4, 1e-3], ids=["10 µs", "100 µs", "1 ms"])
def test_overhead(benchmark: BenchmarkFixture, seconds: float) -> None:
    """Measured with the harness and by one pair of clock readings around all calls, before and after."""
    count = round(0.2 / seconds)
    work = busy(seconds)

    def by_hand() -> float:
        start = time.perf_counter_ns()
        for _ in range(count):
            work()
        return (time.perf_counter_ns() - start) / count * 1e-9

    policy = Policy(warmup_min_s=0.05, warmup_max_s=0.1, min_time_s=0.2, min_rounds=10)
    shares = []
    for _ in range(31):
        before = by_hand()
        timing = measure(work, policy)
        shares.append(float(np.mean(timing.samples_s)) / ((before + by_hand()) / 2) - 1)
    benchmark.extra_info["overhead_share"] = float(np.median(shares))
    benchmark.name = f"{benchmark.name}: overhead {np.median(shares):+.4%}"
    benchmark.pedantic(work, rounds=20)
