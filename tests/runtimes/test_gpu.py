"""What the core's runtimes set up on a GPU, with frameworks that are made to believe in one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import WITH_KERAS_ALONE, printed

pytestmark = pytest.mark.real

SCRIPT = Path(__file__).with_name("as_on_a_gpu.py")
OLD = "{} takes compute capability 8.0; this GPU, GPU X, has 7.5"


@pytest.fixture(scope="module")
def on_torch() -> dict[str, Any]:
    return printed("torch", *WITH_KERAS_ALONE, SCRIPT)


@pytest.mark.parametrize("runtime", ["Torch", "TorchCudaGraph"])
def test_torch_computes_in_what_was_asked_for_and_nothing_else(on_torch: dict[str, Any], runtime: str) -> None:
    for precision, tf32 in (("float32", False), ("tf32", True), ("bfloat16", False)):
        why, pinned, sums = on_torch[f"{runtime} 9.0 {precision}"]
        assert (why, pinned, sums) == (None, [tf32, tf32, True], [False, False])
    assert on_torch[f"{runtime} 7.5 float32"][0] is None
    for precision in ("tf32", "bfloat16"):
        assert on_torch[f"{runtime} 7.5 {precision}"][0] == OLD.format(precision)


def test_torch_names_the_gpus_and_what_is_missing_for_them(on_torch: dict[str, Any]) -> None:
    assert on_torch["devices"] == ["gpu:0 GPU X"]  # of a CUDA graph: no processor
    assert on_torch["without Triton"] == "torch.compile needs Triton on a GPU; pip install triton"


def test_a_graphs_session_computes_what_was_placed_whatever_came_between(on_torch: dict[str, Any]) -> None:
    session = on_torch["session"]
    assert session["parity"]["accepted"], session["parity"]["reason"]
    assert session["kept"]
    assert session["timed_calls_that_found_it_held"] == [False] * 3


def test_a_function_is_called_aside_before_it_is_captured(on_torch: dict[str, Any]) -> None:
    assert on_torch["captured"] == ["wait_stream", *["call aside"] * 3, "wait_stream", "call captured"]


def test_tensorflow_has_tf32_where_it_was_asked_for() -> None:
    found = printed("tensorflow", SCRIPT)
    for kind in ("TensorFlow", "TensorFlowXLA"):
        assert [found[f"{kind} 9.0 {precision}"] for precision in ("float32", "tf32", "bfloat16")] == [
            [None, False],
            [None, True],
            [None, False],
        ]
        for precision in ("tf32", "bfloat16"):
            assert found[f"{kind} 7.5 {precision}"][0] == OLD.format(precision)


def test_jax_asks_for_tf32_in_convolutions_too_and_for_float32_otherwise() -> None:
    found = printed("jax", *WITH_KERAS_ALONE, SCRIPT)
    for precision, how in (("float32", "highest"), ("tf32", "high")):
        record = found[precision]
        assert record["products"] == record[how] == 10  # nine convolutions and a dense layer
        assert record["parity"]["accepted"], record["parity"]["reason"]
    assert found["capabilities"]
