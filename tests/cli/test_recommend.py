"""`zoo recommend` over a store that is made up, in this environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import Zoo, make_result

from zoo.benchmarking.computing import scoped
from zoo.benchmarking.environment import collect
from zoo.results.store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("store")
    here = {**scoped(collect(), ("keras", "numpy")).to_json(), "device": "cpu", "threads": 2}
    for number, runtime in enumerate(("tensorflow", "jax", "torch")):
        result = make_result(number)
        measures = {**result.measures.to_json(), "latency_s": 1e-3 * (3 - number), "peak_rss_bytes": 3 * 10**8}
        Store(folder).add(make_result(number, environment=here, runtime=runtime, measures=measures))
    Store(folder).add(make_result(7, runtime="jax", batch_size=2))  # of another environment
    Store(folder).add(make_result(8, environment=here, dataset="far_away"))  # which isn't here any more
    return str(folder)


def test_the_fastest_within_the_limits_is_named(in_process: Zoo, store: str) -> None:
    limits = ("--max-latency", "2.5ms", "--min-accuracy", "85%", "--max-memory", "300MB")
    done = in_process("recommend", *limits, "--store", store)
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first == (
        "toy_resnet by torch on cpu, float32, 2 threads: the best latency with latency of at most 2.50 ms, accuracy of "
        "at least 85.00 %, memory of at most 300 MB"
    )
    assert any("tensorflow" in line and "latency 3.00 ms, more than 2.50 ms" in line for line in rest)
    done = in_process("recommend", "toy*", *limits, "--store", store, "--json")
    found = json.loads(done.stdout)
    assert found["winner"]["runtime"] == "torch"
    assert [one["runtime"] for one in found["runners_up"]] == ["jax"]
    assert found["front"] == [found["winner"]["id"]]


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["--max-latency", "0.5ms"], 1, "nothing that was measured has latency of at most 500 µs"),
        (["--batch-size", "2"], 4, "nothing has been measured that could be recommended"),
        (["plain*"], 4, "nothing has been measured that could be recommended"),
        (
            ["--dataset", "far_away", "--max-latency", "1us"],
            1,
            "nothing that was measured has latency of at most 1.00 µs",
        ),
    ],
)
def test_nothing_within_the_limits_is_said(
    in_process: Zoo, store: str, arguments: list[str], code: int, line: str
) -> None:
    done = in_process("recommend", *arguments, "--store", store)
    assert done.returncode == code, done.stderr
    assert done.stdout.splitlines()[0] == line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--max-latency", "5"], "Invalid value for '--max-latency': '5' is not a time such as 5ms"),
        (["--min-accuracy", "85"], "Invalid value for '--min-accuracy': '85' is not an accuracy such as 0.85 or 85%"),
        (["--max-memory", "300"], "Invalid value for '--max-memory': '300' is not a size such as 800MB or 2GiB"),
        (["toy_resnt"], "did you mean 'toy_resnet'"),
    ],
)
def test_what_makes_no_sense_is_one_line(in_process: Zoo, tmp_path: Path, arguments: list[str], line: str) -> None:
    done = in_process("recommend", *arguments, "--store", str(tmp_path))
    assert done.returncode == 2
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
