"""The pieces of training under each Keras backend: the head, the optimizers, resumption to the bit, the score."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import COMPILED_SOONER, WITH_KERAS_ALONE, printed

pytestmark = pytest.mark.real

BACKENDS = ("tensorflow", "jax", "torch")
RATES = 0.1 * (1 + np.cos(np.pi * np.arange(12) / 12)) / 2  # on_keras.RECIPE: 4 epochs of 3 steps


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """What on_keras.py prints under a backend, which it is run under once."""

    @functools.cache
    def run(backend: str) -> dict[str, Any]:
        script = Path(__file__).with_name("on_keras.py")
        return printed(backend, *WITH_KERAS_ALONE, script, tmp_path_factory.mktemp("runs"), **COMPILED_SOONER)

    return run


@pytest.fixture(params=BACKENDS)
def found(request: pytest.FixtureRequest, run: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """What on_keras.py prints under the backend of the test."""
    return run(request.param)


def moved(image: np.ndarray, down: int, right: int, mirrored: bool, fill: str) -> np.ndarray:
    """The plain way: mirror, pad, cut out."""
    if mirrored:
        image = image[:, ::-1]
    mode: Any = {"black": "constant", "reflect": "reflect"}[fill]
    padded = np.pad(image, ((3, 3), (3, 3), (0, 0)), mode=mode)
    height, width, _ = image.shape
    return padded[3 - down : 3 - down + height, 3 - right : 3 - right + width]


@pytest.mark.parametrize("fill", ["black", "reflect"])
def test_a_batch_is_shifted_mirrored_and_normalised(found: dict[str, Any], fill: str) -> None:
    made = found["prepared"]
    draws = zip(made["images"], made["shift"], made["flip"], strict=True)
    images = [moved(np.array(image), *shift, bool(flip[0]), fill) for image, shift, flip in draws]
    expected = (np.array(images) / 255 - (0.5, 0.4, 0.3)) / 0.25
    assert np.array(made[fill]) == pytest.approx(expected, abs=1e-5)


def test_what_is_trained_on_is_prepared_as_what_is_scored(found: dict[str, Any]) -> None:
    assert found["prepared"]["difference_from_adapt"] < 1e-5


@pytest.mark.parametrize(("form", "decay", "l2"), [("decoupled", 0.5, 0), ("l2", 0, 0.5)])
def test_sgd_is_nesterovs_and_decays_kernels_only(found: dict[str, Any], form: str, decay: float, l2: float) -> None:
    kernel = bias = average = 1.0
    velocities = [0.0, 0.0]
    for step, (rate, seen) in enumerate(zip(RATES, found[form], strict=False)):
        kernel -= rate * decay * kernel
        gradients = [1 + l2 * kernel, 1.0]
        velocities = [0.9 * v - rate * g for v, g in zip(velocities, gradients, strict=True)]
        kernel, bias = (w + 0.9 * v - rate * g for w, v, g in zip((kernel, bias), velocities, gradients, strict=True))
        average = kernel if step == 0 else (average + kernel) / 2
        assert seen == pytest.approx([kernel, bias, average], rel=1e-5)


def test_adamw_decays_kernels_only(found: dict[str, Any]) -> None:
    kernel, bias, _ = found["adamw"][0]
    assert bias == pytest.approx(1 - 0.1, rel=1e-4)  # Adam's first step is the learning rate
    assert kernel == pytest.approx(1 - 0.1 * 0.5 - 0.1, rel=1e-4)


def test_a_run_in_two_parts_is_the_run_in_one_to_the_bit(found: dict[str, Any]) -> None:
    whole, parts = found["states"]
    assert whole == parts
    assert found["digests"][0] == found["digests"][1]


def test_streamed_batches_are_the_same_in_whatever_turn_they_are_asked_for(found: dict[str, Any]) -> None:
    assert len(found["streamed"]) == 33
    assert all(found["streamed"])


def test_each_epoch_has_its_line(found: dict[str, Any]) -> None:
    assert [line["epoch"] for line in found["lines"]] == [1, 2, 3, 4]
    for line in found["lines"]:
        assert line["loss"] > 0
        assert 0 <= line["accuracy"] <= 1
        assert line["images_per_second"] == pytest.approx(48 / line["seconds"], rel=0.5)
        assert line["learning_rate"] == pytest.approx(RATES[3 * line["epoch"] - 1], rel=1e-4)


def test_averaged_weights_get_the_statistics_of_images_as_they_were_trained_on(found: dict[str, Any]) -> None:
    for seen, expected in zip(found["statistics"], found["expected_statistics"], strict=True):
        assert seen == pytest.approx(expected, rel=1e-4)


def test_the_score_counts_every_image_with_and_without_mirror_images(found: dict[str, Any]) -> None:
    for score in (found["score"], found["score_with_flip"]):
        assert score["images"] == 50
        assert score["low"] < score["value"] < score["high"]
        assert 1 < score["loss"] < 4
    assert found["score"]["loss"] != found["score_with_flip"]["loss"]


@pytest.mark.parametrize("found", ["jax"], indirect=True)
@pytest.mark.parametrize("way", ["whole", "steps", "twos"])
def test_an_epoch_in_one_loop_gives_the_weights_of_single_steps(found: dict[str, Any], way: str) -> None:
    assert found["in_one_loop"][way] < 1e-5
    assert found["in_one_loop"][f"{way} loss"] < 1e-5


@pytest.mark.parametrize(
    ("found", "kind"),
    [("tensorflow", "FusedBatchNormalization"), ("jax", "OnePassBatchNormalization")],
    indirect=["found"],
)
@pytest.mark.parametrize(("policy", "most"), [("float32", 1e-5), ("mixed_bfloat16", 1e-2)])
def test_fused_normalisation_computes_the_same(found: dict[str, Any], kind: str, policy: str, most: float) -> None:
    made = found["fused"][policy]
    kept = ["BatchNormalization"] * 3  # over rows, without scale, of two axes
    assert made["norms"] == [kind] * 2 + kept
    assert made["difference"] < most
    assert made["repeatable"]


@pytest.mark.parametrize("recipe", ["adamw", "l2", "decoupled"])
def test_only_the_classifier_learns_while_the_rest_is_frozen(found: dict[str, Any], recipe: str) -> None:
    head = ["logits/kernel", "logits/bias"]
    first, second, third = found["held"][recipe]
    assert first == second == head
    assert third == ["norm/gamma", "norm/beta", "conv/kernel", "conv/bias", *head]


def test_what_fits_is_taken_and_the_classifier_is_new_for_other_classes(found: dict[str, Any]) -> None:
    head = ["logits/kernel", "logits/bias"]
    started = found["started"]
    assert started["others"]["new"] == started["unknown"]["new"] == head
    assert started["same"]["new"] == []
    assert "conv/kernel" in started["others"]["equal"]
    assert "logits/kernel" not in started["others"]["equal"]
    assert "logits/kernel" in started["same"]["equal"]
