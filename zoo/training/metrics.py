"""What is reported beside loss and accuracy: a recipe's metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.specs import Recipe, is_reference
from zoo.training.functions import call, check_numbers, check_per_example, function


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric.

    Attributes:
        name: under which it is reported.
        reference: as the recipe names it.
        function: labels, one-hot, and logits, to a value for each example.
    """

    name: str
    reference: str
    function: Callable[..., Any]

    def values(self, labels: np.ndarray[Any, Any], logits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """A value for each example: (examples,).

        :param labels: one-hot, float32 (examples, classes).
        :raises ModelError: if they are not finite.
        """
        tensors = (ops.convert_to_tensor(labels), ops.convert_to_tensor(logits.astype(np.float32)))
        made = call(self.reference, *tensors) if is_reference(self.reference) else self.function(*tensors)
        found = np.array(ops.convert_to_numpy(made))
        check_numbers(self.reference, found)
        return found


def metrics(recipe: Recipe, classes: int) -> tuple[Metric, ...]:
    """The recipe's metrics, in its order.

    :raises ModelError: if a function of others fails, or doesn't give a number for each example.
    """
    found = []
    for name, reference in zip(recipe.metric_names, recipe.metrics, strict=True):
        if is_reference(reference):
            check_per_example(reference, classes)
            found.append(Metric(name, reference, function(reference)))
        else:
            found.append(Metric(name, reference, getattr(keras.metrics, name)))
    return tuple(found)
