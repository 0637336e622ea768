"""Whether a score agrees with the recorded one; and that a model that can't be built costs only its own verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.errors import SpecError
from zoo.modeling import weights
from zoo.specs import ModelSpec
from zoo.weights.verify import check, disagreement, normalisation

DIGEST = "a" * 64


def scored(correct: int, images: int = 10_000, **more: Any) -> dict[str, Any]:
    """A score; its interval doesn't matter here."""
    return {"value": correct / images, "low": 0.0, "high": 1.0, "images": images, "split": "test", **more}


def recorded(*arguments: Any, **more: Any) -> dict[str, Any]:
    """A record with that score."""
    return {"dataset": {"name": "cifar10", "test_sha256": DIGEST}, "score": scored(*arguments, **more)}


def found(*arguments: Any) -> dict[str, Any]:
    """What scoring it now gave."""
    return {**scored(*arguments), "dataset_sha256": DIGEST}


@pytest.mark.parametrize("correct", [9115, 9125, 9135])
def test_one_image_in_a_thousand_may_change_sides(correct: int) -> None:
    assert disagreement(recorded(9125), found(correct)) is None


@pytest.mark.parametrize("correct", [9114, 9136, 0])
def test_more_is_a_disagreement(correct: int) -> None:
    line = f"scores {correct / 100:.2f} % of 10,000 test images, and 91.25 % of 10,000 is recorded"
    assert disagreement(recorded(9125), found(correct)) == line


@pytest.mark.parametrize(("correct", "agrees"), [(591, True), (592, True), (593, True), (590, False), (594, False)])
def test_one_image_may_in_any_case(correct: int, agrees: bool) -> None:
    assert (disagreement(recorded(592, 600), found(correct, 600)) is None) == agrees


def test_the_test_images_must_be_the_same() -> None:
    assert "other test images" in str(disagreement(recorded(9125), {**found(9125), "dataset_sha256": "b" * 64}))
    assert "9,999 test images" in str(disagreement({"score": scored(9125)}, found(9125, 9999)))


@pytest.mark.parametrize(
    "record",
    [{}, {"score": None}, recorded(1, split="a tenth of train"), recorded(1, test_time_augmentation="flip")],
)
def test_a_score_of_another_kind_is_not_compared(record: dict[str, Any]) -> None:
    assert disagreement(record, found(9125)) is None


@pytest.mark.parametrize("recipe", [[], {"mean": "x"}, {"mean": [None]}, {"std": [0.0]}, {"std": []}])
def test_a_malformed_normalisation_is_one_line(recipe: Any) -> None:
    with pytest.raises(SpecError, match="must be"):
        normalisation({"recipe": recipe}, "digits")


def test_the_normalisation_is_the_records() -> None:
    assert normalisation({"recipe": {"mean": [0.5], "std": [0.2], "epochs": "many"}}, "digits").mean == (0.5,)
    assert normalisation({}, "digits").std == (1.0,)


@pytest.mark.real
def test_a_model_that_kills_its_process_costs_only_its_own_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1] / "cli"))
    (toy,) = zoo.models("toy_resnet")
    good = _job(toy, weights.locate(toy.weights[0]))
    killer = ModelSpec(
        name="killer",
        summary="ends its process",
        build="hostile_models:build",
        arguments={"way": "segfaults"},
        input_shape=(8, 8, 1),
        classes=10,
        parameters=650,
    )
    raising = ModelSpec(**{**killer.to_json(), "name": "raising", "arguments": {"way": "raises_in_build"}})
    events: list[str] = []
    outcomes = check([_job(killer), _job(raising), good], lambda event: events.append(event["event"]))
    assert [outcome["error"] for outcome in outcomes] == [
        "the model can't be built: ended by SIGSEGV",
        "the model can't be built: ZeroDivisionError: division by zero",
        None,
    ]
    assert events.count("checked") == 3


def _job(spec: ModelSpec, path: Path = Path("nothing")) -> dict[str, Any]:
    return {"model": spec.to_json(), "classes": spec.classes, "path": str(path), "sha256": None, "dataset": None}
