"""Recipes that name functions of others, under each Keras backend: what they do, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import WITH_KERAS_ALONE, printed

from zoo.specs.recipe import LOSSES, OPTIMIZERS

pytestmark = pytest.mark.real

BACKENDS = ("tensorflow", "jax", "torch")


@pytest.fixture(scope="module", params=BACKENDS)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What own_functions.py prints."""
    script = Path(__file__).with_name("own_functions.py")
    return printed(request.param, *WITH_KERAS_ALONE, script, tmp_path_factory.mktemp("runs"))


def test_a_run_in_two_parts_is_the_run_in_one_to_the_bit(found: dict[str, Any]) -> None:
    whole, parts = found["states"]
    assert whole == parts


def test_each_epoch_has_its_metrics_and_its_rate(found: dict[str, Any]) -> None:
    assert [line["learning_rate"] for line in found["lines"]] == pytest.approx([0.1, 0.05, 0.025, 0.0125])
    for line in found["lines"]:
        assert 0 <= line["accuracy"] <= line["top3"] <= line["top_k_categorical_accuracy"] <= 1
        assert 0.5 < line["loss"] < 1.5  # of ten classes that are as likely as one another the Brier score is 0.9


def test_functions_that_do_what_the_built_in_ones_do_give_the_same_losses(found: dict[str, Any]) -> None:
    usual, same = found["usual_losses"]
    assert same == pytest.approx(usual, rel=1e-5)


def test_augmentation_is_by_the_seed_of_each_batch_and_of_the_images_in_zero_to_one(found: dict[str, Any]) -> None:
    plain, augmented = np.array(found["plain"]), np.array(found["augmented"])
    added = augmented - plain
    amounts = added.mean(axis=(2, 3, 4))
    assert np.array_equal(augmented[0], augmented[2])  # the same batch again
    assert (abs(amounts) < 0.55).all()
    assert np.unique(amounts[:2].round(5)).size == amounts[:2].size  # each image of each batch by its own amount
    assert added[:2].std(axis=(2, 3, 4)) == pytest.approx(np.full((2, 16), 0.1), abs=0.04)


def test_the_score_has_the_metrics(found: dict[str, Any]) -> None:
    metrics = found["score"]["metrics"]
    assert metrics == pytest.approx({"top3": found["top3"], "top_k_categorical_accuracy": found["top5"]})


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_of_keras_takes_a_step_and_decays_kernels_only(found: dict[str, Any], name: str) -> None:
    kernel, bias = found["optimizers"][name]
    assert kernel < bias < 1


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_of_keras_takes_logits(found: dict[str, Any], name: str) -> None:
    right, wrong = found["losses"][name]
    assert 0 < right < wrong


WORDS = {
    "fails": "functions:fails failed: ValueError: out of",
    "word": "functions:word is no function",
    "absent": "functions has no absent",
    "loss nothing": "functions:nothing must give a tensor and gives NoneType",
    "loss mean": "functions:mean must give a value for each of 6 examples and gives one number",
    "loss every_class": "functions:every_class must give a value for each of 6 examples and gives the shape (6, 10)",
    "loss whole": "functions:whole must give floating-point numbers and gives int",
    "loss infinite": "functions:infinite gives numbers that are not finite",
    "augmentation nothing": "functions:nothing must give a tensor and gives NoneType",
    "augmentation cropped": "functions:cropped must give images of the shape (4, 8, 8, 1) and gives (4, 7, 8, 1)",
    "augmentation dark": "functions:dark gives numbers that are not finite",
    "augmentation unseeded": "functions:unseeded gives other images for the same seed; draw by keras.random, with that",
    "optimizer nothing": "functions:nothing must return a keras.optimizers.Optimizer, not NoneType",
    "optimizer by_layer": "functions:by_layer must return a keras.optimizers.Optimizer, not Dense",
    "optimizer own_rate": "functions:own_rate must make its optimizer with the learning rate that it is given",
    "optimizer averaging": "functions:averaging sets use_ema; set ema_momentum of the recipe instead",
    "schedule nothing": "functions:nothing must return 12 learning rates and returns the shape ()",
    "schedule short": "functions:short must return 12 learning rates and returns the shape (11,)",
    "schedule negative": "functions:negative returns learning rates that are negative or not finite",
}


def test_what_is_wrong_is_a_line_that_names_the_function(found: dict[str, Any]) -> None:
    assert len(found["wrong"]) == 8 + 8 + 7 + 7 + 6
    for case, line in found["wrong"].items():
        name = case.split()[1]
        words = WORDS.get(name) or WORDS.get(case) or WORDS[f"loss {name}"]  # a metric is checked as a loss is
        assert line.startswith(words), (case, line)
        assert line.isprintable()


def test_what_the_page_shows_does_its_part(found: dict[str, Any]) -> None:
    assert found["of_the_page"] == ["optimizer", "schedule", "loss", "augmentation", "metric margin"]


@pytest.mark.parametrize("found", ["jax"], indirect=True)
def test_an_epoch_in_one_loop_has_the_lines_of_single_steps(found: dict[str, Any]) -> None:
    for line, expected in zip(found["in_one_loop"], found["lines"], strict=False):
        for name in ("loss", "accuracy", "top3", "top_k_categorical_accuracy", "learning_rate"):
            assert line[name] == pytest.approx(expected[name], rel=1e-4)
