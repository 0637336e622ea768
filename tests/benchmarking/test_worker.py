"""What the process that measures says of the images that it scored."""

from __future__ import annotations

import dataclasses

import pytest

from zoo.benchmarking.weights import as_trained
from zoo.benchmarking.worker import images_used
from zoo.data.catalog import Dataset
from zoo.errors import WeightsError
from zoo.record.result import ImagesUsed, WeightsUsed
from zoo.specs import ModelSpec

PETS = Dataset(
    name="folder:pets-3f2a",
    version="1.0.0",
    data_dir="/data",
    folder="/data/pets",
    builder=None,
    classes=2,
    image_shape=(None, None, 3),
    splits={"train": 8, "test": 2},
    damaged=1,
    left_out=4,
    divided="a rule",
)
DIGITS = dataclasses.replace(PETS, name="digits", image_shape=(8, 8, 1), damaged=0, left_out=0, divided=None)
SPEC = ModelSpec(name="toy", summary="a toy", build="pkg.model:toy", input_shape=(6, 9, 3), classes=2, parameters=7)


def trained(**recipe: object) -> WeightsUsed:
    return WeightsUsed(source="file", sha256="0" * 64, provenance={"recipe": recipe})


@pytest.mark.parametrize(("weights", "resize"), [(None, "crop"), (trained(), "crop"), (trained(resize="pad"), "pad")])
def test_images_come_to_size_as_they_did_in_training(weights: WeightsUsed | None, resize: str) -> None:
    prepared = as_trained(PETS, SPEC, weights)
    assert images_used(prepared, damaged=2) == ImagesUsed(
        resize=resize, height=6, width=9, divided="a rule", damaged=3, left_out=4
    )


def test_a_way_that_there_is_not_is_refused() -> None:
    with pytest.raises(WeightsError, match="none of crop, squash, pad"):
        as_trained(PETS, SPEC, trained(resize="stretch"))


def test_of_the_test_split_of_a_dataset_of_one_size_nothing_is_said() -> None:
    assert images_used(as_trained(DIGITS, SPEC, None), damaged=0) is None
    divided = dataclasses.replace(DIGITS, divided="a rule")
    assert images_used(as_trained(divided, SPEC, None), damaged=0) == ImagesUsed(divided="a rule")
