"""The learning rate of every step, as a table. Pure; no framework."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.specs import Recipe

if TYPE_CHECKING:
    import numpy as np

ONE_CYCLE_START = 1 / 25  # of the peak, and
ONE_CYCLE_RISE = 0.3  # of all steps: the defaults of PyTorch's OneCycleLR


def learning_rates(recipe: Recipe, steps_per_epoch: int) -> np.ndarray[Any, Any]:
    """The learning rate of each step of a run.

    :return: float32, (epochs × steps_per_epoch,).
    """
    import numpy as np

    steps = recipe.epochs * steps_per_epoch
    rising = min(round(recipe.warmup_epochs * steps_per_epoch), steps)
    if recipe.schedule == "one_cycle" and not rising:
        rising = round(ONE_CYCLE_RISE * steps)

    start = ONE_CYCLE_START if recipe.schedule == "one_cycle" else 0.0
    rise = start + (1 - start) * np.arange(1, rising + 1) / max(rising, 1)
    left = np.arange(steps - rising) / max(steps - rising, 1)  # share of the steps after the peak that are done
    fall = {
        "constant": np.ones_like(left),
        "cosine": (1 + np.cos(np.pi * left)) / 2,
        "one_cycle": 1 - left,
    }[recipe.schedule]
    return (recipe.learning_rate * np.concatenate([rise, fall])).astype(np.float32)
