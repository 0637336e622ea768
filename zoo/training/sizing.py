"""A recipe for any dataset, fitted to the number of images there are. Pure; no framework."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from zoo.specs import ANY_DATASET, Recipe

LEAST_STEPS_AN_EPOCH = 16
LEAST_STEPS = 1_000
LEAST_BATCH = 8
MOST_EPOCHS = 10  # times as many as the recipe has
AVERAGED_SHARE = 0.1  # of the steps, over which weights are averaged at most, where steps are few
WARMUP_SHARE = 0.1  # of the epochs


def fitted(recipe: Recipe, images: int) -> Recipe:
    """The recipe for so many images, if it is one for any dataset; a recipe for one dataset stays as it is.

    Few images make few steps: large batches then leave a handful of steps an epoch, and a moving average over hundreds
    of steps never forgets the random weights. So the batch shrinks until an epoch has 16 steps or the batch has 8
    images; the learning rate follows it, linearly for SGD (Goyal et al. 2017) and by the square root for AdamW; there
    are as many epochs as make 1,000 steps, up to ten times the recipe's; the average covers at most a tenth of the
    steps, and warming up a tenth of the epochs.

    :param images: of the training split, at least 1.
    """
    if recipe.dataset != ANY_DATASET:
        return recipe
    wanted = max(LEAST_BATCH, images // LEAST_STEPS_AN_EPOCH)
    batch = min(recipe.batch_size, 2 ** int(math.log2(wanted)))
    ratio = batch / recipe.batch_size
    steps = max(1, images // batch)
    epochs = min(MOST_EPOCHS * recipe.epochs, max(recipe.epochs, math.ceil(LEAST_STEPS / steps)))
    average = max(0.0, 1 - 1 / max(1.0, AVERAGED_SHARE * epochs * steps))
    return dataclasses.replace(
        recipe,
        batch_size=batch,
        learning_rate=_rounded(recipe.learning_rate * (ratio if recipe.optimizer == "sgd" else math.sqrt(ratio))),
        epochs=epochs,
        ema_momentum=min(recipe.ema_momentum, _rounded(average)),
        warmup_epochs=min(recipe.warmup_epochs, WARMUP_SHARE * epochs),
    )


def differences(before: Recipe, after: Recipe) -> dict[str, Any]:
    """The fields that differ, with their values afterwards."""
    names = [field.name for field in dataclasses.fields(Recipe)]
    return {name: getattr(after, name) for name in names if getattr(before, name) != getattr(after, name)}


def line(images: int, changed: Mapping[str, Any]) -> str:
    """What is said of it: `120 training images: batch_size 8, epochs 67; --set changes them`."""
    values = ", ".join(f"{name} {value:g}" for name, value in changed.items())
    return f"{images:,} training images: {values}; --set changes them"


def _rounded(value: float) -> float:
    """To three digits: enough, and readable."""
    return float(f"{value:.3g}")
