"""The core's runtimes, each in all its precisions: the same model, and sessions that keep the protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import WITH_KERAS_ALONE, printed

from zoo.builtin import zoo_runtimes

pytestmark = pytest.mark.real

SPECS = {spec.name: spec for spec in zoo_runtimes()}
SKIPPED = {("torch-compile", "bfloat16"), ("torch-compile", "float16")}  # seconds of compiling each
CASES = [
    (name, precision)
    for name, spec in SPECS.items()
    for precision in spec.precisions
    if "cpu" in spec.devices and precision != "tf32" and (name, precision) not in SKIPPED
]


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What opening.py prints, of all runtimes."""
    answers: dict[str, Any] = {}
    for backend in sorted({spec.keras_backend for spec in SPECS.values()}):
        answers |= printed(backend, *WITH_KERAS_ALONE, Path(__file__).with_name("opening.py"))
    return answers


@pytest.mark.parametrize(("name", "precision"), CASES)
def test_a_runtime_computes_the_same_model(found: dict[str, Any], name: str, precision: str) -> None:
    answer = found[name][precision]
    if "unavailable" in answer:
        assert precision != "float32" or "compiler" in answer["unavailable"]
        pytest.skip(answer["unavailable"])
    assert answer["parity"]["accepted"], answer["parity"]["reason"]
    assert answer["parity"]["images"] == 20  # not a multiple of the batch size
    assert answer["another_batch_size"] <= answer["parity"]["tolerance"]["max_difference"]


@pytest.mark.parametrize(("name", "precision"), CASES)
def test_a_session_keeps_the_protocol(found: dict[str, Any], name: str, precision: str) -> None:
    answer = found[name][precision]
    if "unavailable" in answer:
        pytest.skip(answer["unavailable"])
    assert (answer["dtype"], answer["shape"]) == ("float32", [8, 10])
    assert answer["placed_is_a_copy"]
    assert answer["fetched_is_a_copy"]
    assert answer["model_unchanged"]
    assert answer["started"]["device"] == "cpu"
    assert answer["started"]["threads"] >= 1
    assert answer["devices"][0] == "cpu"


def test_low_precisions_are_what_they_say(found: dict[str, Any]) -> None:
    """Cast weights and activations round; a runtime that kept float32 would not differ."""
    for name, precisions in found.items():
        for precision in ("bfloat16", "float16"):
            if "parity" in (answer := precisions.get(precision, {})):
                assert answer["parity"]["max_difference"] > 1e-4, (name, precision)


def test_what_only_a_gpu_has_is_refused_on_the_processor_in_one_line(found: dict[str, Any]) -> None:
    for name, spec in SPECS.items():
        if "cpu" in spec.devices and "tf32" in found[name]:
            assert found[name]["tf32"] == {
                "unavailable": "tf32 is a precision of NVIDIA GPUs; ask for the device gpu, or for float32"
            }
    assert found["torch-cuda-graph"]["float32"] == {
        "unavailable": "a CUDA graph needs an NVIDIA GPU, and PyTorch finds none here; "
        "the runtime torch runs on the CPU too"
    }
