"""`--set key=value`: types, suggestions, and one line for what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.errors import UsageError
from zoo.specs import Recipe
from zoo.training.overrides import apply, parse

RECIPE = Recipe(dataset="digits", epochs=3)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("epochs=5", 5),
        ("learning_rate=1e-2", 0.01),
        (" momentum = 0.95 ", 0.95),
        ("flip=yes", True),
        ("flip=False", False),
        ("schedule=one_cycle", "one_cycle"),
        ("mean=0.49,0.48,0.45", (0.49, 0.48, 0.45)),
        ("std=(0.25)", (0.25,)),
        ("precision=mixed_bfloat16", "mixed_bfloat16"),
        ("loss=acme.losses:brier", "acme.losses:brier"),
        ("metrics=top_k_categorical_accuracy, acme:margin", ("top_k_categorical_accuracy", "acme:margin")),
        ("augmentation=acme:noise", "acme:noise"),
        ("augmentation=none", None),
    ],
)
def test_a_value_has_the_type_of_its_field(setting: str, value: Any) -> None:
    changes = parse([setting])
    name = setting.partition("=")[0].strip()
    assert changes == {name: value}
    assert type(changes[name]) is type(value)
    assert getattr(apply(RECIPE, changes), name) == value


def test_later_settings_come_after_earlier_ones() -> None:
    assert parse(["epochs=5", "seed=1", "epochs=6"]) == {"epochs": 6, "seed": 1}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("epoch=5", "a recipe has no 'epoch' to set; did you mean 'epochs'?"),
        ("Learning-Rate=5", "a recipe has no 'Learning-Rate' to set; did you mean 'learning_rate'?"),
        ("colour=red", "a recipe has no 'colour' to set; it has epochs, batch_size, optimizer, "),
        ("dataset=mnist", "a recipe has no 'dataset' to set"),
        ("epochs", "--set takes key=value, not 'epochs'"),
        ("=5", "a recipe has no '' to set"),
        ("epochs=2.5", "epochs must be a whole number, not '2.5'"),
        ("learning_rate=fast", "learning_rate must be a number, not 'fast'"),
        ("flip=perhaps", "flip must be true or false, not 'perhaps'"),
        ("mean=0.5,x", "mean must be numbers with commas between them, not '0.5,x'"),
        ("mean=", "mean must be numbers with commas between them, not ''"),
        ("epochs=\x1b[31m", "epochs must be a whole number, not '?[31m'"),
        ("epochs=0", "epochs must be a whole number of at least 1"),
        ("learning_rate=nan", "learning_rate must be a number of at least 0"),
        ("schedule=cosin", "schedule must be one of constant, cosine, one_cycle or have the form "),
        ("augmentation=flip", 'augmentation must have the form "package.module:function"'),
        ("metrics=", "metrics must be one of top_k_categorical_accuracy or have the form "),
        ("model=resnet8", "a recipe has no 'model' to set"),
        ("weight_decay_form=l2", "weight_decay_form l2 is for sgd"),
    ],
)
def test_what_is_wrong_is_one_line(setting: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        apply(RECIPE, parse([setting]))
    assert str(error.value).startswith(message)
    assert str(error.value).isprintable()


def test_changes_from_python_are_checked_too() -> None:
    with pytest.raises(UsageError, match="did you mean 'epochs'"):
        apply(RECIPE, {"epoch": 3})
    with pytest.raises(UsageError, match="epochs must be"):
        apply(RECIPE, {"epochs": "3"})
