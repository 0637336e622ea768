"""From a recipe to a Keras optimizer."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.errors import ModelError
from zoo.specs import Recipe, is_reference
from zoo.training.functions import call
from zoo.training.schedule import learning_rates


def optimizer(recipe: Recipe, network: keras.Model, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """The recipe's optimizer, built for the network's trainable variables.

    :raises ModelError: if a function of others fails, or gives no new optimizer with the learning rate it is given.
    """
    rates = Rates(recipe, steps_per_epoch)
    made = _own(recipe, rates) if is_reference(recipe.optimizer) else _keras(recipe, rates)
    if recipe.weight_decay and recipe.weight_decay_form == "decoupled":
        made.weight_decay = recipe.weight_decay
    if recipe.ema_momentum:
        made.use_ema, made.ema_momentum = True, recipe.ema_momentum
    made.exclude_from_weight_decay([v for v in network.trainable_variables if not decays(v)])
    made.build(network.trainable_variables)
    return made


def _keras(recipe: Recipe, rates: Rates) -> keras.optimizers.Optimizer:
    """One of Keras' own, without weight decay."""
    if recipe.optimizer == "adamw":
        return keras.optimizers.AdamW(rates, weight_decay=0.0)  # by itself it would have some
    if recipe.optimizer != "sgd":
        kinds = {name.lower(): kind for name, kind in vars(keras.optimizers).items()}
        return kinds[recipe.optimizer](rates)
    options: dict[str, Any] = {"momentum": float(recipe.momentum), "nesterov": recipe.momentum > 0}
    if recipe.weight_decay_form == "l2" and recipe.weight_decay:
        return SGDWithL2(recipe.weight_decay, learning_rate=rates, **options)
    return keras.optimizers.SGD(rates, **options)


def _own(recipe: Recipe, rates: Rates) -> keras.optimizers.Optimizer:
    """What a function of others makes."""
    made = call(recipe.optimizer, rates)
    if not isinstance(made, keras.optimizers.Optimizer):
        raise ModelError(f"{recipe.optimizer} must return a keras.optimizers.Optimizer, not {type(made).__name__}")
    if made.built:
        raise ModelError(f"{recipe.optimizer} must return a new optimizer, which has no variables yet")
    if made._learning_rate is not rates:  # what is logged would be another
        raise ModelError(f"{recipe.optimizer} must make its optimizer with the learning rate that it is given")
    if made.use_ema:
        raise ModelError(f"{recipe.optimizer} sets use_ema; set ema_momentum of the recipe instead")
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
