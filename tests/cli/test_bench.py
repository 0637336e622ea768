"""`zoo bench` on real models in real processes."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from support import COMMAND, Zoo

from zoo.benchmarking.conditions import readable
from zoo.benchmarking.environment import accelerators
from zoo.record.result import Result
from zoo.results.scores import scores

pytestmark = pytest.mark.real

MEASURES = {
    "parameters", "trainable_parameters", "macs", "flops", "weights_bytes", "import_s", "build_s", "load_s",
    "first_call_s", "place_s", "fetch_s", "end_to_end_s",
    "latency_s", "images_per_second", "peak_rss_bytes", "accuracy",
}  # fmt: skip
ENERGY = ("energy_per_image_j", "energy_per_image_net_j", "power_w", "idle_power_w")


@pytest.fixture(scope="module")
def benched(home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], bytes]:
    """What `zoo bench toy_resnet --json` prints, and what it shows in a terminal that is its standard error."""
    master, slave = pty.openpty()
    path = tmp_path_factory.mktemp("benched") / "printed"
    with path.open("wb") as printed:
        running = subprocess.Popen(
            [*COMMAND, "bench", "toy_resnet", "--max-time", "1", "--batch-size", "1,32", "--json"],
            stdout=printed,
            stderr=slave,
            env={**os.environ, "ZOO_HOME": str(home), "TERM": "xterm", "COLUMNS": "120"},
        )
    os.close(slave)
    shown = b""
    while select.select([master], [], [], 300)[0]:
        try:
            shown += os.read(master, 65536)
        except OSError:  # nobody has it open any more
            break
    os.close(master)
    assert running.wait(timeout=60) == 0, shown
    return json.loads(path.read_bytes()), shown


@pytest.fixture(scope="module")
def toy_results(benched: tuple[list[dict[str, Any]], bytes]) -> list[dict[str, Any]]:
    """The Results of those two scenarios."""
    return benched[0]


def test_a_progress_bar_on_a_terminal_goes_to_standard_error(benched: tuple[list[dict[str, Any]], bytes]) -> None:
    for batch_size in (1, 32):
        assert f"toy_resnet, tensorflow, batch {batch_size}: steady".encode() in benched[1]


def test_a_result_holds_what_was_measured(toy_results: list[dict[str, Any]]) -> None:
    assert [result["scenario"]["batch_size"] for result in toy_results] == [1, 32]
    for result in toy_results:
        assert result["schema"] == "zoo.result/1"
        assert result["outcome"] == "ok"
        assert result["scenario"] | {"batch_size": 0} == {
            "model": "toy_resnet",
            "dataset": "digits",
            "runtime": "tensorflow",
            "device": "cpu",
            "precision": "float32",
            "batch_size": 0,
            "threads": None,
            "mode": "infer",
        }
        measures = result["measures"]
        assert set(measures) >= MEASURES
        assert measures["parameters"] == 223_242
        assert measures["macs"] == 28_997_504
        assert measures["weights_bytes"] == 4 * 223_242
        assert 0 < measures["latency_s"] < 5
        assert measures["peak_rss_bytes"] > measures["peak_rss_above_import_bytes"] > 0
        assert measures["peak_device_bytes"] is None
        assert result["reasons"]["peak_device_bytes"]


def test_throughput_and_latency_come_from_the_raw_samples(toy_results: list[dict[str, Any]]) -> None:
    for result in toy_results:
        (process,) = result["samples"]
        samples, stats = process["latency_s"], result["stats"]["latency_s"]
        assert stats["n"] == len(samples) > 1
        assert stats["low"] <= result["measures"]["latency_s"] == stats["median"] <= stats["high"]
        mean = sum(samples) / len(samples)
        expected = result["scenario"]["batch_size"] / mean
        assert result["measures"]["images_per_second"] == pytest.approx(expected)


def test_the_accuracy_is_measured_and_agrees_with_the_weights_own_record(toy_results: list[dict[str, Any]]) -> None:
    for result in toy_results:
        accuracy, weights = result["measures"]["accuracy"], result["weights"]
        assert accuracy["images"] == 600
        assert accuracy["low"] < accuracy["value"] < accuracy["high"]
        assert weights["source"] == "plugin"
        recorded = weights["provenance"]["score"]["value"]
        assert accuracy["value"] == pytest.approx(recorded, abs=1 / 600)
        assert result["predictions"]["dataset_sha256"] == weights["provenance"]["dataset"]["test_sha256"]
        found = scores(Result.from_json(result))
        assert sum(map(sum, found.confusion)) == 600
        assert sum(found.confusion[i][i] for i in range(10)) == round(600 * accuracy["value"])
        assert len(found.mistakes) == 600 - round(600 * accuracy["value"])
        assert found.quality is not None
        assert found.quality.top5 is not None
        assert found.quality.top5.value > accuracy["value"]
        assert 0 < found.quality.negative_log_likelihood.value < 1


def test_a_result_names_the_machine_and_not_its_owner(toy_results: list[dict[str, Any]], home: Path) -> None:
    text = json.dumps(toy_results)
    assert toy_results[0]["environment"]["processor"]["model"]
    assert toy_results[0]["environment"]["packages"]["tensorflow"]
    for private in (str(home), str(Path.home()), os.uname().nodename, str(Path.cwd())):
        assert private not in text


def test_a_second_bench_takes_the_reference_from_the_cache(
    zoo: Zoo, toy_results: list[dict[str, Any]], home: Path
) -> None:
    before = {path: path.stat() for path in (home / "cache" / "references").iterdir()}
    (result,) = json.loads(zoo("bench", "toy_resnet", "--max-time", "1", "--batch-size", "8", "--json").stdout)
    after = {path: path.stat() for path in (home / "cache" / "references").iterdir()}
    assert {path: seen.st_ino for path, seen in after.items()} == {path: seen.st_ino for path, seen in before.items()}
    assert sum(after[path].st_mtime_ns > seen.st_mtime_ns for path, seen in before.items()) == 1  # it was used
    assert result["parity"]["reference"] == toy_results[0]["parity"]["reference"]
    assert result["parity"]["accepted"]


@pytest.mark.skipif(readable()[0].problem is None, reason="this processor's energy can be read")
def test_without_a_counter_every_measure_of_energy_is_null_with_its_code(toy_results: list[dict[str, Any]]) -> None:
    for result in toy_results:
        assert {name: result["measures"][name] for name in ENERGY} == dict.fromkeys(ENERGY)
        codes = {result["reasons"][name].partition(":")[0] for name in ENERGY}
        assert codes <= {"no_counter", "no_permission"}
        (process,) = result["samples"]
        assert {process["energy"]["code"]} == codes
        assert process["accelerator"] is None


def test_the_table_has_every_figure_and_says_how_to_get_weights(quick: Zoo, in_process: Zoo, tmp_path: Path) -> None:
    store = ("--store", str(tmp_path))
    options = ("--runtime", "jax", "--max-time", "1", "--batch-size", "8", "--threads", "1")
    done = quick("bench", "plain_cnn", "plain20", *options, *store)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no progress bar where there is no terminal
    assert "jax on cpu, float32, 1 thread" in done.stdout
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("plain")]
    assert rows[0][:4] == ["plain_cnn", "223,242", "29.0", "M"]
    assert rows[1][:4] == ["plain20", "271,098", "40.6", "M"]
    assert "digits test, 600" in done.stdout

    results = [json.loads(line) for line in in_process("results", "export", *store).stdout.splitlines()]
    cnn, plain20 = sorted(results, key=lambda result: result["scenario"]["model"], reverse=True)
    assert cnn["environment"]["threads"] == cnn["scenario"]["threads"] == 1
    assert plain20["measures"]["accuracy"] is None
    assert "'zoo train plain20 --dataset digits' makes them" in plain20["reasons"]["accuracy"]


def test_real_cifar10_is_scored_with_weights_from_a_file(quick: Zoo, cifar10_folder: Path, tmp_path: Path) -> None:
    weights = _weights("cifar10", tmp_path)
    where = ("--dataset", "cifar10", "--data-dir", str(cifar10_folder), "--weights", str(weights))
    done = quick("bench", "toy_resnet", *where, "--batch-size", "32", "--max-time", "1", "--json")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    recorded = result["weights"]["provenance"]["score"]["value"]
    assert result["weights"]["source"] == "file"
    # the arithmetic differs in its last digits: an image or two on the edge may fall to the other side
    assert abs(result["measures"]["accuracy"]["value"] - recorded) <= 2e-4
    assert result["measures"]["accuracy"]["images"] == 10_000


def _weights(dataset: str, folder: Path) -> Path:
    """A copy of the weights that come with toy_resnet."""
    import zoo as library
    from zoo.modeling.weights import locate

    (spec,) = library.models("toy_resnet")
    shipped = spec.weights_for(dataset)
    assert shipped is not None
    return Path(shutil.copy(locate(shipped), folder / f"{dataset}.safetensors"))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["bench"], "name at least one model"),
        (["bench", "toy_resnt"], "unknown model 'toy_resnt'; did you mean 'toy_resnet'?"),
        (["bench", "zzz*"], "no model matches 'zzz*'"),
        (["bench", "../toy_resnet"], "unknown model '../toy_resnet'"),
        (["bench", "toy_resnet", "--batch-size", "0"], "0 is not a batch size; the least is 1"),
        (["bench", "toy_resnet", "--batch-size", "1,x"], "'1,x' is not a list of whole numbers"),
        (["bench", "toy_resnet", "--dataset", "digit"], "unknown dataset 'digit'; did you mean 'digits'?"),
        (["bench", "toy_resnet", "--dataset", "../x"], "unknown dataset '../x'"),
        (["bench", "toy_resnet", "--dataset", "cifar10"], "no dataset 'cifar10' has been prepared"),
        (["bench", "toy_resnet", "--data-dir", "/nowhere"], "the data directory /nowhere is not there"),
        (["bench", "toy_resnet", "--runtime", "tensorflw"], "did you mean 'tensorflow'?"),
        (["bench", "toy_resnet", "--weights", "/nowhere.safetensors"], "/nowhere.safetensors is not there"),
        (["bench", "toy_resnet", "--threads", "0"], "0 is not a number of threads; the least is 1"),
        (["bench", "toy_resnet", "--device", "tpu"], "device 'tpu' is not one of"),
        (["train", "toy_resnet", "--epochs", "0"], "0 is not in the range x>=1"),
        (["train", "toy_resnt"], "did you mean 'toy_resnet'?"),
        (["train", "toy_resnet", "-o", "/proc/nowhere/w.safetensors"], "can't write to /proc/nowhere"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(in_process: Zoo, arguments: list[str], line: str) -> None:
    done = in_process(*arguments, "--json")
    assert done.returncode == 2
    assert done.stdout == ""
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["bench"], 2, "name at least one model, such as 'zoo bench toy_resnet'; 'zoo list' names them"),
        (["bench", "x", "--threads", "0"], 2, "Invalid value for '--threads': 0 is not a number of threads; the least"),
        (["results", "import", "damaged.jsonl"], 3, "damaged.jsonl is neither JSON nor JSON Lines: "),
        (["recommend"], 4, ""),
    ],
)
def test_the_process_ends_with_the_code_of_what_went_wrong(
    zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("damaged.jsonl").write_text("{")
    done = zoo(*arguments, "--store", str(tmp_path / "store"))
    assert done.returncode == code
    assert done.stderr.startswith(f"zoo: {line}" if line else "")
    assert done.stderr.count("\n") == bool(line)


@pytest.mark.skipif(bool(accelerators()), reason="there is a GPU here")
def test_a_device_that_is_not_there_is_one_line(quick: Zoo, tmp_path: Path) -> None:
    done = quick("bench", "toy_resnet", "--device", "gpu", "--runtime", "jax", "--store", str(tmp_path))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []  # no run is left to resume
    assert done.returncode == 2
    assert done.stderr == "zoo: JAX finds no GPU here; leave --device out, or say --device cpu\n"


def test_weights_that_do_not_fit_are_one_line_and_exit_code_3(quick: Zoo, tmp_path: Path) -> None:
    weights = _weights("digits", tmp_path)
    done = quick("bench", "resnet8", "--weights", str(weights), "--batch-size", "1", "--json")
    assert done.returncode == 3
    (result,) = json.loads(done.stdout)
    assert result["outcome"] == "error"
    assert "don't fit resnet8" in result["failure"]["message"]
    assert result["failure"]["phase"] == "load"
    assert all(value is None for value in result["measures"].values())
    assert set(result["reasons"]) == set(result["measures"])


@pytest.fixture
def data(letters: Path, tmp_path: Path) -> Path:
    """A data directory with the letters in it, to damage."""
    return Path(shutil.copytree(letters, tmp_path / "data"))


@pytest.mark.parametrize("file", ["dataset_info.json", "features.json"])
def test_damaged_data_is_found_before_anything_is_measured(in_process: Zoo, data: Path, file: str) -> None:
    (data / "letters" / "1.0.0" / file).write_text("{")
    done = in_process("bench", "toy_resnet", "--dataset", "letters", "--data-dir", str(data))
    assert done.returncode == 3
    assert f"{file} is damaged (not JSON); remove its folder and prepare the dataset again" in done.stderr
    assert done.stderr.count("\n") == 1


def test_damaged_records_are_one_line_and_exit_code_3(quick: Zoo, data: Path, tmp_path: Path) -> None:
    """tests/data/test_load.py damages them in other ways."""
    (file,) = (data / "letters" / "1.0.0").glob("letters-test.tfrecord*")
    file.write_bytes(b"x" * file.stat().st_size)
    where = ("--dataset", "letters", "--data-dir", str(data), "--weights", str(_weights("digits", tmp_path)))
    done = quick("bench", "toy_resnet", *where, "--max-time", "1", "--batch-size", "1")
    assert done.returncode == 3
    (line,) = [text for text in done.stdout.splitlines() if text.startswith("!")]
    assert "can't read 'test' of letters in" in line


def _workers(home: Path) -> list[psutil.Process]:
    """The processes that a command with this home has started, and no others that run on the machine."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        command, environment = process.info["cmdline"] or [], process.info["environ"] or {}
        ours = environment.get("ZOO_HOME") == str(home)
        if ours and any(part.startswith("zoo.executors.") for part in command):
            found.append(process)
    return found


def _wait_until(condition: Any, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_an_interrupted_bench_leaves_no_process(home: Path, number: signal.Signals, code: int) -> None:
    running = subprocess.Popen(
        [*COMMAND, "bench", "toy_resnet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "ZOO_HOME": str(home)},
    )
    assert _wait_until(lambda: len(_workers(home)) >= 2, 60)
    time.sleep(0.3)
    running.send_signal(number)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == code
    if number == signal.SIGINT:
        assert errors.strip() == "zoo: interrupted"
    assert _wait_until(lambda: not _workers(home), 60)
