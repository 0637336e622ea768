"""`zoo compare`, `calibrate`, `reproduce` and `bench --against`, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support import Zoo, make_result

from zoo.record.result import Result
from zoo.record.scenario import Scenario
from zoo.results.noise_floor import save_noise_floor
from zoo.results.store import Store
from zoo.results.verdicts import NoiseFloor


def stored(store: Store, number: int, scale: float = 1.0, **changes: Any) -> Result:
    """A Result of five processes in the store, `scale` times as slow as another."""
    samples = [
        {
            "latency_s": [scale * 0.01 * (1 + 0.001 * ((i * 7 + process) % 5)) for i in range(64)],
            "memory": {"peak_bytes": 700_000_000},
            "pair": None,
        }
        for process in range(5)
    ]
    result = make_result(number, samples=samples, **changes)
    store.add(result)
    return result


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of a machine on which both models have been calibrated."""
    store = Store(tmp_path / "store")
    environment = make_result().environment.fingerprint
    values = {"process_sd": 0.01, "pair_sd": 0.01, "pairs": 10, "environment": environment, "ratio_p95": 0.02}
    for model in ("plain_cnn", "toy_resnet"):
        save_noise_floor(store, NoiseFloor(**values, scenario=Scenario(model=model, dataset="any")))
    return store


def test_a_slower_model_is_called_slower_and_breaks_the_gate(zoo: Zoo, in_process: Zoo, store: Store) -> None:
    stored(store, 1, model="plain_cnn")
    stored(store, 2, 1.1, model="toy_resnet")
    where = ("--store", str(store.folder))
    done = in_process("compare", "plain_cnn", "toy_resnet", "--format", "github", *where)
    assert done.returncode == 0, done.stderr
    assert "+10.00 %" in done.stdout
    assert "slower" in done.stdout
    assert in_process("compare", "plain_cnn", "toy_resnet", "--fail-if", "latency>+5%", *where).returncode == 1
    assert in_process("compare", "plain_cnn", "toy_resnet", "--fail-if", "latency>+20%", *where).returncode == 0
    assert in_process("compare", "toy_resnet", "plain_cnn", "--fail-if", "latency>+5%", *where).returncode == 0
    assert in_process("compare", "plain_cnn", "toy_resnet", "--fail-if", "accuracy<-1pp", *where).returncode == 4
    ended = zoo("compare", "plain_cnn", "toy_resnet", "--fail-if", "latency>+5%", *where)
    assert ended.returncode == 1  # as a process too


def test_sides_can_be_ids_labels_and_files(in_process: Zoo, store: Store, tmp_path: Path) -> None:
    a = stored(store, 1, labels=("before",))
    b = stored(store, 2, 1.1, labels=("after",))
    file = tmp_path / "baseline.json"
    file.write_text(json.dumps([a.to_json()]))
    for one in (a.id, "before", str(file)):
        for other in (b.id, "after"):
            done = in_process("compare", one, other, "--json", "--store", str(store.folder))
            assert done.returncode == 0, done.stderr
            latency = json.loads(done.stdout)["comparisons"][0]
            assert (latency["measure"], latency["verdict"]) == ("latency", "slower")


def test_two_machines_are_refused_unless_allowed(in_process: Zoo, store: Store) -> None:
    a = stored(store, 1, labels=("here",))
    b = stored(store, 2, labels=("there",), fingerprint="fedcba9876543210")
    where = ("--store", str(store.folder))
    refused = in_process("compare", "here", "there", *where)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert "were measured in different environments" in refused.stderr
    assert refused.stderr.count("\n") == 1
    allowed = in_process("compare", a.id, b.id, "--across-environments", *where)
    assert allowed.returncode == 0
    rows = [line for line in allowed.stdout.splitlines() if line.startswith("digits")]
    assert len(rows) >= 4
    assert all("(different environments)" in row for row in rows)


def test_a_measurement_is_not_compared_with_itself(in_process: Zoo, store: Store) -> None:
    """A gate on that could not fail."""
    result = stored(store, 1)
    limit = ("--fail-if", "latency>+5%", "--store", str(store.folder))
    done = in_process("compare", "toy_resnet", result.id, *limit)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "are the same measurement" in done.stderr


def test_a_gate_on_busy_results_of_different_times_cannot_tell(in_process: Zoo, store: Store) -> None:
    """Twins that a busy machine made look different."""
    busy = [{"code": "busy", "message": "other processes kept 1.20 cores busy meanwhile"}]
    stored(store, 1, 1.6, labels=("before",), checks=busy)
    stored(store, 2, labels=("after",), checks=busy)
    done = in_process("compare", "before", "after", "--fail-if", "latency>+5%", "--store", str(store.folder))
    assert done.returncode == 4, done.stderr
    assert "-37.50 %" in done.stdout
    assert "faster" not in done.stdout
    for side in ("before", "after"):
        doubt = f"toy_resnet, {side}: busy: other processes kept 1.20 cores busy meanwhile"
        assert f"! digits, tensorflow, cpu, float32, batch 1: {doubt}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["compare", "nothing", "toy_resnet"], "no Result, label or file 'nothing'"),
        (["compare", "a", "b", "--fail-if", "latency"], "is not a limit such as"),
        (["bench", "toy_resnet", "--fail-if", "latency>+5%"], "name what to compare with by --against"),
        (["bench", "toy_resnet", "plain_cnn", "--against", "resnet8"], "--against compares one model"),
        (["bench", "toy_resnet", "--precision", "1"], "is neither one of"),
        (["bench", "toy_resnet", "--precision", "0%"], "is not a width such as 1%"),
        (["bench", "toy_resnet", "--memory-limit", "much"], "is not a size such as"),
        (["reproduce", "20261101T000000-00000000"], "no Result"),
        (["calibrate", "toy_resnt"], "did you mean 'toy_resnet'?"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    in_process: Zoo, tmp_path: Path, arguments: list[str], line: str
) -> None:
    done = in_process(*arguments, "--store", str(tmp_path / "empty"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.real
def test_both_sides_are_measured_now_in_turn_and_the_result_is_reproduced(
    quick: Zoo, in_process: Zoo, tmp_path: Path
) -> None:
    where = ("--store", str(tmp_path / "store"))
    refused = in_process("bench", "plain_cnn", "--against", "toy_resnet", "--resume", *where)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    done = quick(
        *("bench", "plain_cnn", "--against", "toy_resnet", "--runtime", "jax", "--batch-size", "8"),
        *("--processes", "2", "--max-time", "2", "--fail-if", "parameters>+0%", "--json", *where),
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed["gate"] == [
        {"limit": "parameters>+0%", "scenario": printed["comparisons"][0]["scenario"], "outcome": "kept"}
    ]
    measures = {c["measure"]: c for c in printed["comparisons"]}
    assert "interleaved" in measures["latency"]["reason"]
    assert measures["latency"]["verdict"] == "inconclusive"  # two processes a side, and no calibration
    assert "McNemar" in measures["accuracy"]["reason"]

    results = [json.loads(line) for line in in_process("results", "export", *where).stdout.splitlines()]
    assert len(results) == 2
    assert len({result["run"] for result in results}) == 1
    again = quick("reproduce", results[0]["id"], "--json", *where)
    assert again.returncode == 0, again.stderr
    accuracy = next(c for c in json.loads(again.stdout)["comparisons"] if c["measure"] == "accuracy")
    assert (accuracy["verdict"], accuracy["change"]) == ("same", 0.0)


@pytest.mark.real
def test_calibration_is_kept_and_used(quick: Zoo, in_process: Zoo, small: dict[str, str], tmp_path: Path) -> None:
    where = ("--store", str(tmp_path / "store"))
    done = quick(
        "calibrate", "small", "--pairs", "2", "--runtime", "jax", "--batch-size", "1", "--json", *where, **small
    )
    assert done.returncode == 0, done.stderr
    floor = json.loads(done.stdout)
    assert floor["pairs"] == 2
    assert 0 < floor["process_sd"] < 1
    assert floor["scenario"]["batch_size"] == 1
    ids = [json.loads(line)["id"] for line in in_process("results", "export", *where).stdout.splitlines()]
    compared = in_process("compare", *ids, "--json", *where, **small)
    assert "noise floor of 2 pairs" in json.loads(compared.stdout)["comparisons"][0]["reason"]
