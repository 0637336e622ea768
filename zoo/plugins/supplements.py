"""Weights and recipes that a plugin brings for models of other plugins: which of them each model gets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from zoo.findings import Finding
from zoo.installed import Plugin
from zoo.listing import is_pattern, matching
from zoo.specs import ModelSpec, Recipe, WeightsSpec

Part = WeightsSpec | Recipe  # of a model; another plugin than the model's may bring it


def match(
    models: Mapping[str, ModelSpec], brought: Sequence[tuple[Plugin, Part]]
) -> tuple[dict[str, list[tuple[Part, Plugin]]], list[tuple[Plugin, Finding]]]:
    """What each model gets, with the plugin that brings it; and what is wrong with the rest.

    A model's own weights and recipes come first, then parts that name the model, then recipes for a pattern of models.
    Two plugins that claim one place on the same level are named, and neither is used.
    """
    claims: dict[tuple[str, str], list[tuple[Plugin, Part]]] = {}
    wrong: list[tuple[Plugin, Finding]] = []
    for plugin, part in brought:
        noun = "weights" if isinstance(part, WeightsSpec) else "recipe"
        if part.model is None:
            text = f"the {noun} for {part.dataset} must name a model"
            wrong.append((plugin, Finding("invalid-spec", f"zoo_{noun.rstrip('s')}s", text)))
            continue
        names = matching(models, part.model)
        if not names:
            text = f"no model here {'matches' if is_pattern(part.model) else 'is called'} {part.model}"
            wrong.append((plugin, Finding("unknown-model", f"{noun} of {part.model} for {part.dataset}", text)))
        for name in names:
            claims.setdefault((name, _place(name, part)), []).append((plugin, part))

    found: dict[str, list[tuple[Part, Plugin]]] = {}
    for (model, place), claimants in claims.items():
        named = [claim for claim in claimants if claim[1].model == model]
        own: list[Part] = [*models[model].weights, *models[model].recipes]
        if any(place == _place(model, part) for part in own):
            text = f"the model's own plugin brings the {place} too, and that is used"
            wrong += [(plugin, Finding("reserved-name", place, text)) for plugin, _ in named]
            continue
        (plugin, part), *others = named or claimants
        if others:
            plugins = dict.fromkeys((plugin, *(other for other, _ in others)))
            text = f"the {place}: declared by {' and '.join(map(str, plugins))}; none is used"
            wrong += [(plugin, Finding("duplicate-name", place, text)) for plugin in plugins]
        else:
            found.setdefault(model, []).append((dataclasses.replace(part, model=model), plugin))
    return found, wrong


def _place(model: str, part: Part) -> str:
    """What only one part can be: a model's weights for a dataset, or its recipe of one name for it."""
    noun = "weights" if isinstance(part, WeightsSpec) else f"recipe '{part.name}'"
    return f"{noun} of {model} for {part.dataset}"
