"""From a recipe to a Keras optimizer."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.specs import Recipe
from zoo.training.schedule import learning_rates


def optimizer(recipe: Recipe, network: keras.Model, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """The recipe's optimizer, built for the network's trainable variables."""
    options: dict[str, Any] = {
        "learning_rate": Rates(recipe, steps_per_epoch),
        "use_ema": recipe.ema_momentum > 0,
        "ema_momentum": recipe.ema_momentum,
    }
    decay = recipe.weight_decay
    made: keras.optimizers.Optimizer
    if recipe.optimizer == "adamw":
        made = keras.optimizers.AdamW(weight_decay=decay, **options)
    else:
        options.update(momentum=float(recipe.momentum), nesterov=recipe.momentum > 0)
        if recipe.weight_decay_form == "l2" and decay:
            made = SGDWithL2(decay, **options)
        else:
            made = keras.optimizers.SGD(weight_decay=decay or None, **options)
    made.exclude_from_weight_decay([v for v in network.trainable_variables if not decays(v)])
    made.build(network.trainable_variables)
    return made


def decays(variable: Any) -> bool:
    """Whether weight decay is for it: kernels have two axes or more; biases and batch-norm parameters have one."""
    return len(variable.shape) > 1


class Rates(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # Keras is untyped
    """A recipe's table of learning rates."""

    def __init__(self, recipe: Recipe, steps_per_epoch: int) -> None:
        self.rates = learning_rates(recipe, steps_per_epoch)

    def __call__(self, step: Any) -> Any:
        """The learning rate of a step; after the last, that of the last."""
        return ops.take(ops.convert_to_tensor(self.rates), ops.minimum(step, len(self.rates) - 1))


class SGDWithL2(keras.optimizers.SGD):  # type: ignore[misc]  # Keras is untyped
    """SGD that adds `l2` × kernel to a kernel's gradient: what a penalty of `l2` / 2 × kernel² in the loss would do."""

    def __init__(self, l2: float, **options: Any) -> None:
        super().__init__(**options)
        self.l2 = l2

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """See `keras.optimizers.Optimizer`."""
        if decays(variable):
            gradient = gradient + ops.cast(self.l2, gradient.dtype) * variable
        super().update_step(gradient, variable, learning_rate)
