"""A session at fixed addresses: every batch and every output stays what it was, and timing copies nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from steps import QUEUE, toy
from support import printed

from zoo.benchmarking.worker import Timed
from zoo.runtimes.torch_cuda_graph import Place

ROOT = Path(__file__).parents[2]
REPLAY = ROOT / "benchmarks" / "gpu" / "replay.py"
STEP = next(toy(step) for step in QUEUE if step.command[0] == "replay.py")
COMMANDS = (
    ["--device", "cpu"],
    ["--rehearse", "--turns", "2", "--batch-size", "2"],
    [*STEP.command[1:], "--turns", "2"],
)
# Runs a script once for each list of arguments.
IN_ONE_PROCESS = """
import contextlib, io, json, runpy, sys
from zoo.keras_backend import import_keras
import_keras()  # without TensorFlow, which Keras imports too
script, commands = sys.argv[1], json.loads(sys.argv[2])
sys.path.insert(0, script.rpartition("/")[0])
ended = []
for command in commands:
    sys.argv = [script, *command]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            runpy.run_path(script, run_name="__main__")
        except SystemExit as end:
            code = end.code or 0
    ended.append({"code": code, "out": out.getvalue(), "err": err.getvalue()})
print(json.dumps({"ended": ended}))
"""


class Tensor:
    """As much of one as a place needs, and how often it was copied."""

    def __init__(self, value: int = 0) -> None:
        self.value, self.clones, self.copies = value, 0, 0

    def clone(self) -> Tensor:
        self.clones += 1
        return Tensor(self.value)

    def copy_(self, other: Tensor) -> None:
        self.copies += 1
        self.value = other.value


def write(place: Place, value: int) -> Any:
    content = place.new()
    place.tensor.value = value
    return content


def test_what_is_still_held_is_saved_before_it_is_overwritten() -> None:
    place = Place(Tensor())
    contents = [write(place, value) for value in range(4)]
    assert [place.look(content).value for content in contents] == [0, 1, 2, 3]
    assert (place.tensor.clones, place.tensor.copies) == (3, 0)


def test_what_nobody_holds_is_overwritten_without_a_copy() -> None:
    place = Place(Tensor())
    for value in range(4):
        write(place, value)
    assert (place.tensor.clones, place.tensor.copies) == (0, 0)


def test_what_had_to_give_way_is_brought_back_and_saved_only_once() -> None:
    place = Place(Tensor())
    first, second = write(place, 1), write(place, 2)
    for _ in range(3):
        for content, value in ((first, 1), (first, 1), (second, 2)):
            place.bring_back(content)
            assert place.tensor.value == value
            assert place.look(content) is place.tensor
    assert (place.tensor.clones, place.tensor.copies) == (2, 6)


def test_a_timed_call_lets_the_output_before_go_first() -> None:
    class Session:
        place = Place(Tensor())

        def run(self, placed: Any) -> Any:
            return write(self.place, 0)

        def wait(self, output: Any) -> None:
            """It is done."""

    session = Session()
    timed = Timed(session, None)  # type: ignore[arg-type]  # it is not a whole session
    for _ in range(5):
        timed()
    assert timed.output is not None
    assert session.place.tensor.clones == 0


@pytest.fixture(scope="module")
def replayed() -> list[dict[str, Any]]:
    """How each of `COMMANDS` ended and what it printed, from one process."""
    ended: list[dict[str, Any]] = printed("torch", "-c", IN_ONE_PROCESS, str(REPLAY), json.dumps(COMMANDS))["ended"]
    return ended


@pytest.mark.real
def test_the_script_that_replays_by_hand_refuses_the_processor(replayed: list[dict[str, Any]]) -> None:
    message = "a CUDA graph needs an NVIDIA GPU; --rehearse goes through the same lines on the CPU\n"
    assert replayed[0] == {"code": 2, "out": "", "err": message}


@pytest.mark.real
def test_the_script_that_replays_by_hand_can_be_rehearsed(replayed: list[dict[str, Any]]) -> None:
    assert replayed[1]["code"] == 0, replayed[1]["err"]
    title, zoo, by_hand, ratio = replayed[1]["out"].splitlines()
    assert title == "resnet20, batch 2, float32, rehearsed on the CPU, 2 turns"
    assert [line.split()[0] for line in (zoo, by_hand, ratio)] == ["zoo", "by", "ratio"]
    assert float(zoo.split()[1]) > 0
    assert "95 % interval" in ratio


@pytest.mark.real
def test_the_queues_step_prints_a_record(replayed: list[dict[str, Any]]) -> None:
    assert replayed[2]["code"] == 0, replayed[2]["err"]
    record = json.loads(replayed[2]["out"])
    assert (record["model"], record["batch_size"], record["turns"]) == ("resnet20", 1, 2)
    assert record["ratio_low"] <= record["ratio"] <= record["ratio_high"]
