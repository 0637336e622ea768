"""A recipe for any dataset, fitted to the number of images."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.specs import Recipe
from zoo.training.api import make_job
from zoo.training.sizing import differences, fitted, line

ANY = Recipe(
    dataset="*", epochs=30, batch_size=128, optimizer="sgd", learning_rate=0.05, ema_momentum=0.998, warmup_epochs=2
)


def test_120_images() -> None:
    found = fitted(ANY, 120)
    assert (found.batch_size, found.epochs, found.learning_rate) == (8, 67, 0.00313)
    assert found.ema_momentum == 0.99
    assert line(120, differences(ANY, found)) == (
        "120 training images: epochs 67, batch_size 8, learning_rate 0.00313, ema_momentum 0.99; --set changes them"
    )


@pytest.mark.parametrize("images", [25_000, 50_000, 10**7])
def test_many_images_leave_it_as_it_is(images: int) -> None:
    assert fitted(ANY, images) == ANY


def test_a_recipe_for_one_dataset_stays_as_it_is() -> None:
    named = dataclasses.replace(ANY, dataset="digits")
    assert fitted(named, 120) == named


@given(
    st.integers(1, 10**6),
    st.sampled_from(["sgd", "adamw"]),
    st.integers(1, 1024),
    st.integers(1, 300),
    st.floats(0, 0.9999),
)
def test_it_stays_within_its_bounds(images: int, optimizer: str, batch: int, epochs: int, average: float) -> None:
    recipe = dataclasses.replace(ANY, optimizer=optimizer, batch_size=batch, epochs=epochs, ema_momentum=average)
    found = fitted(recipe, images)
    assert 1 <= found.batch_size <= batch
    assert epochs <= found.epochs <= 10 * epochs
    assert 0 <= found.ema_momentum <= average
    assert 0 < found.learning_rate <= recipe.learning_rate
    assert found.warmup_epochs <= recipe.warmup_epochs
    steps = found.epochs * max(1, images // found.batch_size)
    assert found.ema_momentum <= 1 - 1 / max(1, 0.1 * steps) + 5e-4  # rounded to three digits
    assert fitted(found, images).batch_size == found.batch_size


@given(st.integers(1, 10**6))
def test_more_images_never_make_smaller_batches(images: int) -> None:
    assert fitted(ANY, images).batch_size <= fitted(ANY, images + 1).batch_size


def test_a_folder_of_few_images_is_trained_so(tmp_path: Path) -> None:
    from PIL import Image

    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        for number in range(75):
            Image.new("RGB", (9, 9), (number, 0, 200 * (name == "dogs"))).save(tmp_path / name / f"{number}.png")
    job = make_job("toy_resnet", f"folder:{tmp_path}", changes={"epochs": 5})
    assert job.recipe.epochs == 5
    assert job.recipe.batch_size == 8
    assert "epochs" not in job.sized
    assert job.sized["batch_size"] == 8
    assert make_job("toy_resnet", "digits").sized == {}
