"""What is to be trained and how: everything a worker needs, and what a run must share with another to go on with it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from zoo.data.catalog import Dataset
from zoo.errors import DataError, UsageError
from zoo.paths import home
from zoo.specs import ModelSpec, Plain, Recipe
from zoo.training.code import Code
from zoo.training.start_from import Parent


@dataclass(frozen=True, kw_only=True, slots=True)
class Job(Plain):
    """One training run.

    Attributes:
        recipe: with the changes made to it.
        changes: those, by field, for the record.
        tune: train on nine tenths of the training split and score the rest; the test split is not read.
        stream: read images anew each epoch instead of holding them in memory.
        keras_backend: tensorflow, jax or torch.
        device: "cpu", "gpu", "gpu:N", or None for a GPU where the framework sees one, else the processor.
        strategy: a key of `zoo.training.distribute.STRATEGIES`, or None for one device.
        deterministic: have the framework add in a fixed order.
        flip_test: also score with the logits of each image and its mirror image averaged.
        code: the functions of others that decide the weights, by reference.
        folder: where the run is kept.
        resume: go on from the folder's checkpoint, if there is one.
        sized: fields of a recipe for any dataset that were fitted to the number of images, for the record.
        start: weights to start from; None starts from random ones.
        freeze: epochs in which only the new head learns.
    """

    model: ModelSpec
    dataset: Dataset
    recipe: Recipe
    changes: Mapping[str, Any] = field(default_factory=dict)
    tune: bool = False
    stream: bool = False
    keras_backend: str = "tensorflow"
    device: str | None = None
    strategy: str | None = None
    deterministic: bool = True
    flip_test: bool = False
    code: Mapping[str, Code] = field(default_factory=dict)
    folder: str = ""
    resume: bool = False
    sized: Mapping[str, Any] = field(default_factory=dict)
    start: Parent | None = None
    freeze: int = 0

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """See `Plain`."""
        specs = {
            "model": ModelSpec.from_json(values["model"]),
            "dataset": Dataset.from_json(values["dataset"]),
            "recipe": Recipe.from_json(values["recipe"]),
            "code": {reference: Code.from_json(code) for reference, code in values["code"].items()},
            "start": values.get("start") and Parent.from_json(values["start"]),
        }
        return cls(**{**values, **specs})

    def identity(self) -> dict[str, Any]:
        """What decides the weights, as JSON values: not where data and runs are kept, nor how the score is taken."""
        values = self.to_json()
        model = {key: values["model"][key] for key in ("name", "build", "arguments", "input_shape")}
        dataset = {key: values["dataset"][key] for key in ("name", "version", "classes", "splits")}
        rest = {key: values[key] for key in ("tune", "stream", "keras_backend", "device", "strategy", "deterministic")}
        recipe = {key: value for key, value in values["recipe"].items() if key != "summary"}
        begun = {"start": self.start.identity(), "freeze": self.freeze} if self.start else {}
        return {"model": model, "dataset": dataset, "recipe": recipe, "code": values["code"], **rest, **begun}

    def default_folder(self) -> Path:
        """A folder in the zoo's own, the same for the same identity.

        The code has no part in its name: a run that goes on after a change finds its folder, and says what has changed.
        """
        identity = {**self.identity(), "code": None}
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        words = [self.model.name, self.dataset.name, "tune" if self.tune else "", f"seed{self.recipe.seed}", digest[:8]]
        name = "-".join(re.sub(r"[^a-z0-9_.]+", "_", word.lower()).strip("_") for word in words if word)
        return home() / "training" / name


def check(model: ModelSpec, dataset: Dataset, recipe: Recipe, *, tune: bool = False) -> None:
    """Refuse what doesn't fit together. Imports no framework.

    :param tune: whether the test split is left alone.
    :raises DataError: for images that can't be brought to the model's input.
    :raises UsageError: for a recipe that doesn't fit the model's input, or a dataset that nothing can be learnt from.
    """
    for split in ("train",) if tune else ("train", "test"):
        if not dataset.splits.get(split):
            raise UsageError(f"{dataset.name} has no images in a split '{split}'; it has {', '.join(dataset.splits)}")
    if dataset.classes < 2:
        raise UsageError(f"{dataset.name} has one class, and there is nothing to tell apart; add another")
    channels, stored = model.input_shape[-1], dataset.image_shape[-1]
    if stored not in (channels, 1) and (stored, channels) != (3, 1):
        raise DataError(f"images of {stored or 'differing'} channels don't fit {model.name}, which takes {channels}")
    for name in ("mean", "std"):
        count = len(getattr(recipe, name))
        if count not in (1, channels):
            raise UsageError(f"{name} has {count} values and the images of {model.name} have {channels} channels")
    if recipe.shift_pixels >= min(model.input_shape[:2]):
        size = "×".join(map(str, model.input_shape[:2]))
        raise UsageError(f"shift_pixels {recipe.shift_pixels} would move images of {size} out of sight")


def differences(there: Mapping[str, Any], here: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Where two identities differ, one phrase each: `recipe.epochs is 30 there and 3 here`."""
    for key in sorted(there.keys() | here.keys()):
        a, b = there.get(key), here.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            yield from differences(a, b, f"{prefix}{key}.")
        elif a != b:
            yield f"{prefix}{key} is {_short(a)} there and {_short(b)} here"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
