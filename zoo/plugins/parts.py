"""Weights and recipes that a plugin brings for models of other plugins: which of them each model gets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from zoo.findings import Finding
from zoo.installed import Plugin
from zoo.specs import ModelSpec, Recipe, WeightsSpec

Part = WeightsSpec | Recipe


class Place(NamedTuple):
    """What only one part can be: a model's weights for a dataset, or its recipe of one name for it."""

    model: str
    noun: str
    dataset: str
    name: str | None

    def __str__(self) -> str:
        called = f" '{self.name}'" if self.name else ""
        return f"{self.noun}{called} of {self.model} for {self.dataset}"


def match(
    models: Mapping[str, ModelSpec], brought: Sequence[tuple[Plugin, Part]]
) -> tuple[dict[str, list[tuple[Part, Plugin]]], list[tuple[Plugin, Finding]]]:
    """What each model gets, with the plugin that brings it; and what is wrong with the rest.

    A model's own weights and recipes come first, then parts that name the model, then recipes for a pattern of models.
    Two plugins that claim one place on the same level are named, and neither is used.
    """
    claims: dict[Place, list[tuple[Plugin, Part]]] = {}
    wrong: list[tuple[Plugin, Finding]] = []
    for plugin, part in brought:
        noun = _noun(part)
        if part.model is None:
            text = f"the {noun} for {part.dataset} must name a model"
            wrong.append((plugin, Finding("invalid-spec", f"zoo_{noun if noun == 'weights' else 'recipes'}", text)))
            continue
        names = [part.model] if part.model in models else [name for name in models if fnmatchcase(name, part.model)]
        if not names:
            text = f"no model here {'matches' if '*' in part.model else 'is called'} {part.model}"
            wrong.append((plugin, Finding("unknown-model", f"{noun} of {part.model} for {part.dataset}", text)))
        for name in names:
            claims.setdefault(_place(name, part), []).append((plugin, part))

    found: dict[str, list[tuple[Part, Plugin]]] = {}
    for place, claimants in claims.items():
        named = [claim for claim in claimants if claim[1].model == place.model]
        own: tuple[Part, ...] = (*models[place.model].weights, *models[place.model].recipes)
        if place in (_place(place.model, part) for part in own):
            text = f"the model's own plugin brings the {place} too, and that is used"
            wrong += [(plugin, Finding("reserved-name", str(place), text)) for plugin, _ in named]
            continue
        first = named or claimants
        if len(first) > 1:
            who = " and ".join(dict.fromkeys(str(plugin) for plugin, _ in first))
            text = f"the {place}: declared by {who}; none is used"
            wrong += [
                (plugin, Finding("duplicate-name", str(place), text)) for plugin in dict.fromkeys(p for p, _ in first)
            ]
            continue
        plugin, part = first[0]
        found.setdefault(place.model, []).append((dataclasses.replace(part, model=place.model), plugin))
    return found, wrong


def _noun(part: Part) -> str:
    return "weights" if isinstance(part, WeightsSpec) else "recipe"


def _place(model: str, part: Part) -> Place:
    return Place(model, _noun(part), part.dataset, part.name if isinstance(part, Recipe) else None)
