"""Runtimes that are wrong or absent, in one matrix with one that is right; lists of runtimes; plans."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support import Zoo, install

pytestmark = pytest.mark.real

BUILT_IN = {
    "tensorflow",
    "tensorflow-xla",
    "jax",
    "torch",
    "torch-compile",
    "keras-predict",
    "keras-call",
    "keras-function",
}
ON_GPUS = "torch-cuda-graph"  # only
WRONG = {  # what tests/benchmarking/test_parity.py refuses, once for each reason
    "scales": "standard deviations; accepted is",
    "nans": "its logits are not finite",
    "lazy": "it computes outside of what is timed",
    "tires": "while it was timed, a logit differs",
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH with the plugin installed."""
    modules = [Path(__file__).with_name(name) for name in ("hostile_runtimes.py", "hostile_runtimes_impl.py")]
    folder = install(tmp_path_factory.mktemp("hostile-runtimes"), *modules)
    return install(folder, Path(__file__).parents[1] / "small.py")


@pytest.fixture(scope="module")
def matrix(quick: Zoo, hostile: Path) -> dict[str, Any]:
    """All of them in one run."""
    done = quick(
        *("bench", "small", "--runtime", ",".join(["jax", *WRONG, "absent"]), "--batch-size", "32"),
        *("--no-accuracy", "--max-time", "1", "--json"),
        PYTHONPATH=str(hostile),
    )
    assert done.returncode == 3
    assert done.stderr == ""
    return {result["scenario"]["runtime"]: result for result in json.loads(done.stdout)}


@pytest.mark.parametrize("runtime", WRONG)
def test_a_wrong_runtime_has_no_speed(matrix: dict[str, Any], runtime: str) -> None:
    result = matrix[runtime]
    assert result["outcome"] == "wrong"
    assert result["parity"]["accepted"] is False
    assert WRONG[runtime] in result["parity"]["reason"]
    assert result["failure"]["message"] == result["parity"]["reason"]
    assert all(value is None for value in result["measures"].values())
    assert result["samples"] == []


def test_a_right_runtime_beside_them_has_its_parity_and_its_copies(matrix: dict[str, Any]) -> None:
    result = matrix["jax"]
    assert result["outcome"] == "ok"
    parity, measures = result["parity"], result["measures"]
    assert parity["accepted"] is True
    assert parity["images"] == 256
    assert 0 <= parity["max_difference"] < parity["tolerance"]["max_difference"] < 0.01
    assert parity["equal_top1"] == 1
    assert "float32" in parity["reference"]
    assert measures["end_to_end_s"] > measures["place_s"] + measures["fetch_s"] > 0


def test_a_runtime_that_this_machine_can_not_run_is_no_failure(matrix: dict[str, Any]) -> None:
    result = matrix["absent"]
    assert result["outcome"] == "unavailable"
    assert result["failure"]["message"] == "this machine lacks what it takes"
    assert result["parity"] is None


def test_asked_for_alone_it_is_a_mistake(quick: Zoo, hostile: Path) -> None:
    for runtime, line in (
        ("absent", "this machine lacks what it takes"),
        ("lacking", "lacking: no-such-framework is not installed; pip install no-such-framework"),
    ):
        done = quick(
            "bench", "small", "--runtime", runtime, "--max-time", "1", "--batch-size", "1", PYTHONPATH=str(hostile)
        )
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"zoo: {line}\n")


def test_wrong_results_are_stored_and_not_compared(matrix: dict[str, Any], in_process: Zoo) -> None:
    found = json.loads(in_process("results", "--outcome", "wrong", "--json").stdout)
    assert {row["runtime"] for row in found} == set(WRONG)
    done = in_process("compare", matrix["jax"]["id"], matrix["scales"]["id"])
    assert done.returncode == 2
    assert "no Result to compare" in done.stderr


def test_all_stands_for_what_is_installed_and_says_what_is_not(zoo: Zoo, hostile: Path) -> None:
    done = zoo("bench", "toy_resnet", "--runtime", "all", "--dry-run", "--json", PYTHONPATH=str(hostile))
    assert done.returncode == 0
    assert done.stderr == "zoo: without lacking: no-such-framework is not installed; pip install no-such-framework\n"
    planned = json.loads(done.stdout)
    assert {item["scenario"]["runtime"] for item in planned} >= {*BUILT_IN, *WRONG, "absent"}
    assert {item["scenario"]["batch_size"] for item in planned} == {1, 32, 256}
    assert all(item["expected_s"] > 0 for item in planned)


def test_a_plan_is_the_product_of_what_is_listed(in_process: Zoo) -> None:
    arguments = ("--runtime", "jax,keras-call", "--threads", "1,2", "--precision", "float32,bfloat16")
    done = in_process(
        "bench", "toy_resnet", "plain_cnn", *arguments, "--max-time", "1", "--batch-size", "1,max", "--dry-run"
    )
    assert done.returncode == 0, done.stderr
    assert "32 scenarios, about " in done.stdout
    assert "keras-call computes in float32, not in bfloat16" in done.stdout
    assert done.stdout.count(" max ") == 16


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--runtime", "jax", "--precision", "int8"], "jax computes in float32, tf32, bfloat16, float16, not in int8"),
        (["--runtime", "jax", "--precision", "tf32"], "tf32 is a precision of NVIDIA GPUs; ask for the device gpu"),
        (["--runtime", "torch-cuda-graph"], "torch-cuda-graph runs on gpu, not on cpu"),
        (["--runtime", "jax,"], "'jax,' is not a list of names such as a,b"),
        (["--threads", "1,0"], "0 is not a number of threads; the least is 1"),
        (["--threads", "x"], "'x' is not a list of whole numbers such as 1,2"),
        (["--device", "gpu:x"], "device 'gpu:x' is not one of cpu, gpu, gpu:N"),
        (["--batch-size", "min"], "'min' is not a list of whole numbers such as 1,32, or max"),
    ],
)
def test_an_impossible_combination_is_one_line(in_process: Zoo, arguments: list[str], line: str) -> None:
    done = in_process("bench", "toy_resnet", *arguments)
    assert done.returncode == 2
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_bare_noun_lists_the_runtimes(zoo: Zoo, hostile: Path) -> None:
    listed = {
        runtime["name"]: runtime for runtime in json.loads(zoo("runtimes", "--json", PYTHONPATH=str(hostile)).stdout)
    }
    assert set(listed) >= {*BUILT_IN, *WRONG, "lacking", ON_GPUS}
    assert listed[ON_GPUS]["devices"] == ["gpu"]
    assert listed["jax"]["available"]
    assert set(listed["jax"]["versions"]) == {"jax", "jaxlib"}
    assert not listed["lacking"]["available"]
    assert listed["lacking"]["reason"] == "no-such-framework is not installed; pip install no-such-framework"
    assert "no-such-framework is not installed" in zoo("runtimes", PYTHONPATH=str(hostile)).stdout


def test_doctor_says_what_each_runtime_sees(zoo: Zoo, hostile: Path) -> None:
    seen = json.loads(zoo("doctor", "--json", PYTHONPATH=str(hostile)).stdout)["runtimes"]
    for name in BUILT_IN:
        assert seen[name]["devices"][0] == "cpu" or "C++ compiler" in seen[name]["problem"], name
    assert seen[ON_GPUS]["devices"] or "PyTorch finds none here" in seen[ON_GPUS]["problem"]
    assert seen["absent"] == {"devices": [], "problem": "this machine lacks what it takes"}
    assert "not installed" in seen["lacking"]["problem"]
