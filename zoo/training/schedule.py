"""The learning rate of every step, as a table. No framework.

Keras' `CosineDecay` is not used: its warm-up begins with a step at a rate of zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.errors import ModelError
from zoo.specs import Recipe, is_reference
from zoo.training.functions import call

if TYPE_CHECKING:
    import numpy as np

ONE_CYCLE_START = 1 / 25  # of the peak, and
ONE_CYCLE_RISE = 0.3  # of all steps: the defaults of PyTorch's OneCycleLR


def learning_rates(recipe: Recipe, steps_per_epoch: int) -> np.ndarray[Any, Any]:
    """The learning rate of each step of a run.

    :return: float32, (epochs × steps_per_epoch,).
    :raises ModelError: if a function of others fails, or doesn't give a learning rate for each step.
    """
    import numpy as np

    steps = recipe.epochs * steps_per_epoch
    if is_reference(recipe.schedule):
        return _own(recipe, steps, steps_per_epoch)
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


def _own(recipe: Recipe, steps: int, steps_per_epoch: int) -> np.ndarray[Any, Any]:
    """What a function of others gives."""
    import numpy as np

    made = call(recipe.schedule, steps, steps_per_epoch, recipe.learning_rate)
    try:
        rates = np.asarray(made, np.float32)
    except (TypeError, ValueError):
        raise ModelError(f"{recipe.schedule} must return a sequence of numbers, not {type(made).__name__}") from None
    if rates.shape != (steps,):
        raise ModelError(f"{recipe.schedule} must return {steps:,} learning rates and returns the shape {rates.shape}")
    if not (np.isfinite(rates) & (rates >= 0)).all():
        raise ModelError(f"{recipe.schedule} returns learning rates that are negative or not finite")
    return rates
