"""A model, and the weights that come with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.plain import Plain
from zoo.specs.checks import (
    ANY_DATASET,
    PACKAGE_FILE,
    REFERENCE,
    SHA256,
    as_specs,
    as_tuple,
    check,
    check_dataset_name,
    check_match,
    check_name,
    check_text,
    frozen_json,
    is_count,
)
from zoo.specs.fetch import FetchSpec
from zoo.specs.recipe import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightsSpec(Plain):
    """Trained weights that a plugin ships.

    Attributes:
        model: the name of the model, if the hook `zoo_weights` returns them; not needed among a model's own `weights`.
        dataset: the dataset they were trained on.
        file: `"package:path/in/it.safetensors"`.
        sha256: digest of the file, checked before it is read.
    """

    dataset: str
    file: str
    sha256: str
    model: str | None = None

    def __post_init__(self) -> None:
        if self.model is not None:
            check_name(self.model)
        check_dataset_name(self.dataset)
        check_match(PACKAGE_FILE, self.file, "file", '"package:path/in/it.safetensors"')
        check_match(SHA256, self.sha256, "sha256", "64 hexadecimal digits")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSpec(Plain):
    """A model that a plugin brings.

    Attributes:
        name: unique in the zoo, `^[a-z0-9][a-z0-9_.-]{0,63}$`.
        summary: one line for `zoo list`.
        build: `"package.module:function"`, imported only where the model is built, and called as
            `function(input_shape=…, classes=…, **arguments) -> keras.Model`. The model gives logits.
        arguments: further keyword arguments of `build`, JSON values.
        input_shape: (height, width, channels) of one image.
        classes: number of logits, unless a dataset asks for another.
        parameters: how many it has at that input and those classes, trainable or not; checked when it is built.
        weights: trained weights that come with the plugin, at most one for a dataset.
        fetch: trained weights that can be downloaded, at most one for a dataset.
        recipes: how it is trained; those of one dataset have different names.
        paper: title and where to find it.
        licence: SPDX expression of the code and the weights.
    """

    name: str
    summary: str
    build: str
    input_shape: tuple[int, int, int]
    classes: int
    parameters: int
    arguments: Mapping[str, Any] = field(default_factory=dict)
    weights: tuple[WeightsSpec, ...] = ()
    fetch: tuple[FetchSpec, ...] = ()
    recipes: tuple[Recipe, ...] = ()
    paper: str | None = None
    licence: str | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        check_text(self.summary, "summary")
        check_match(REFERENCE, self.build, "build", '"package.module:function"')
        shape = as_tuple(self.input_shape, "input_shape")
        check(
            len(shape) == 3 and all(is_count(size) for size in shape),
            "input_shape must be (height, width, channels)",
        )
        object.__setattr__(self, "input_shape", shape)
        for name in ("classes", "parameters"):
            check(is_count(getattr(self, name)), f"{name} must be a whole number of at least 1")
        object.__setattr__(self, "arguments", frozen_json(self.arguments, "arguments"))
        object.__setattr__(self, "weights", as_specs(self.weights, WeightsSpec, "weights"))
        object.__setattr__(self, "fetch", as_specs(self.fetch, FetchSpec, "fetch"))
        object.__setattr__(self, "recipes", as_specs(self.recipes, Recipe, "recipes"))
        named = {*(part.model for part in self.weights), *(part.model for part in self.recipes)}
        check(named <= {None, self.name}, f"weights and recipes of {self.name} must not name another model")
        for name in ("paper", "licence"):
            if getattr(self, name) is not None:
                check_text(getattr(self, name), name)

    def weights_for(self, dataset: str) -> WeightsSpec | None:
        """The weights shipped for a dataset, if there are any."""
        return next((w for w in self.weights if w.dataset == dataset), None)

    def recipe_for(self, dataset: str, name: str | None = None) -> Recipe | None:
        """The recipe of that name for a dataset, or the first; None if there is none."""
        recipes = self.recipes_for(dataset)
        return recipes.get(name) if name else next(iter(recipes.values()), None)

    def recipes_for(self, dataset: str) -> dict[str, Recipe]:
        """The recipes for a dataset by name: its own, then those for any dataset."""
        named: dict[str, Recipe] = {}
        for wanted in (dataset, ANY_DATASET):
            named.update({r.name: r for r in self.recipes if r.dataset == wanted and r.name not in named})
        return named
