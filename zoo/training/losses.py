"""From a recipe to a Keras loss."""

from __future__ import annotations

from typing import Any

import keras

from zoo.specs import Recipe, is_reference
from zoo.training.functions import check_per_example, function


def loss(recipe: Recipe, classes: int) -> keras.losses.Loss:
    """The recipe's loss, of labels, one-hot, and logits.

    :raises ModelError: if a function of others fails, or doesn't give a number for each example.
    """
    if not is_reference(recipe.loss):
        name = "".join(word.capitalize() for word in recipe.loss.split("_"))
        kind = getattr(keras.losses, name)
        return kind(from_logits=True, label_smoothing=recipe.label_smoothing)
    check_per_example(recipe.loss, classes)
    return OwnLoss(recipe.loss)


class OwnLoss(keras.losses.Loss):  # type: ignore[misc]  # Keras is untyped
    """The mean over a batch of what a function gives for each example."""

    def __init__(self, reference: str) -> None:
        super().__init__(name="loss")
        self.function = function(reference)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """See `keras.losses.Loss`."""
        return self.function(y_true, y_pred)
