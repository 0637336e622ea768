"""A session at fixed addresses: every batch and every output stays what it was, and timing copies nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import printed

from zoo.benchmarking.worker import Timed
from zoo.runtimes.torch_cuda_graph import Place

ROOT = Path(__file__).parents[2]
REPLAY = ROOT / "benchmarks" / "gpu" / "replay.py"


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
def found() -> dict[str, Any]:
    """What as_on_a_gpu.py prints on PyTorch."""
    return printed("torch", Path(__file__).with_name("as_on_a_gpu.py"))


@pytest.mark.real
def test_the_session_computes_what_was_placed_whatever_came_between(found: dict[str, Any]) -> None:
    session = found["session"]
    assert session["parity"]["accepted"], session["parity"]["reason"]
    assert session["kept"]
    assert session["timed_calls_that_found_it_held"] == [False] * 3


@pytest.mark.real
def test_a_function_is_called_aside_before_it_is_captured(found: dict[str, Any]) -> None:
    assert found["captured"] == ["wait_stream", *["call aside"] * 3, "wait_stream", "call captured"]


@pytest.mark.real
def test_the_script_that_replays_by_hand_refuses_the_processor() -> None:
    done = subprocess.run([sys.executable, REPLAY, "--device", "cpu"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "a CUDA graph needs an NVIDIA GPU; --rehearse goes through the same lines on the CPU\n"


@pytest.mark.real
def test_the_script_that_replays_by_hand_can_be_rehearsed() -> None:
    arguments = ["--rehearse", "--turns", "2", "--batch-size", "2"]
    done = subprocess.run([sys.executable, REPLAY, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    title, zoo, by_hand, ratio = done.stdout.splitlines()
    assert title == "resnet20, batch 2, float32, rehearsed on the CPU, 2 turns"
    assert [line.split()[0] for line in (zoo, by_hand, ratio)] == ["zoo", "by", "ratio"]
    assert float(zoo.split()[1]) > 0
    assert "95 % interval" in ratio
