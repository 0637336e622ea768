"""JAX: epochs as compiled steps over images that lie on the device.

On an accelerator an epoch is one loop (`jax.lax.scan`), so that no step waits for Python. On the processor each step is
one call: there XLA computes convolutions inside a loop about twenty times slower than outside (jaxlib 0.10).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from zoo.training.batches import InMemoryBatches

if TYPE_CHECKING:
    from zoo.training.callbacks import Watch
    from zoo.training.learner import Learner

State = tuple[list[Any], list[Any], list[Any]]  # trainable variables, other variables, the optimizer's
Rows = tuple[
    Any, Any, Any, Any
]  # which images, their shifts, flips and seeds: arrays that begin with (batch,) or (steps, batch)


class Epochs:
    """Trains a learner on the device that JAX computes on.

    The variables are those of Keras; between epochs they hold what was trained.

    :param learner: its batches are an `InMemoryBatches`.
    :param steps_per_call: how many steps one compiled call makes; None is a whole epoch.
    """

    def __init__(self, learner: Learner, steps_per_call: int | None) -> None:
        batches = learner.batches
        assert isinstance(batches, InMemoryBatches)  # noqa: S101 - the caller has looked
        self.learner, self.batches = learner, batches
        self.steps_per_call = steps_per_call or len(batches)
        images = batches.images if batches.rows is None else batches.images[batches.rows]
        self.images, self.labels = jax.device_put((images, batches.labels.astype(np.int32)))
        self.advance = jax.jit(self._advance, donate_argnums=0)

    def fit(self, watch: Watch, done: int, epochs: int) -> None:
        """Train the epochs from `done` to `epochs`, or until the model's `stop_training` is set.

        :raises ModelError: if the loss stops being finite.
        """
        for epoch in range(done, epochs):
            watch.on_epoch_begin(epoch)
            self._epoch(epoch, watch)
            if self.learner.model.stop_training:
                return

    def _epoch(self, epoch: int, watch: Watch) -> None:
        state, steps = self._state(), len(self.batches)
        rows = self._rows()
        names = ("loss", "accuracy", *(metric.name for metric in self.learner.metrics))
        sums = np.zeros(len(names))
        for first in range(0, steps, self.steps_per_call):
            some = tuple(array[first : first + self.steps_per_call] for array in rows)
            state, found = self.advance(state, self.images, self.labels, some)
            so_far = sums + np.cumsum(np.asarray(found, np.float64).T, axis=0)
            finite = np.isfinite(so_far).all(axis=1)
            last = len(so_far) - 1 if finite.all() else int(finite.argmin())
            watch.on_train_batch_end(first + last, _means(names, so_far[last], first + last + 1))
            sums = so_far[-1]
        self._assign(state)
        watch.on_epoch_end(epoch, _means(names, sums, steps))

    def _rows(self) -> tuple[np.ndarray[Any, Any], ...]:
        """The epoch's draws, step by step: int32, (steps, batch, …)."""
        drawn, steps, size = self.batches.drawn, len(self.batches), self.batches.batch_size
        return tuple(
            array[: steps * size].astype(np.int32).reshape(steps, size, *array.shape[1:])
            for array in (drawn.index, drawn.shift, drawn.flip, drawn.seed)
        )

    def _advance(self, state: State, images: Any, labels: Any, rows: Rows) -> tuple[State, tuple[Any, ...]]:
        """Some steps; the loss, the accuracy and the metrics of each."""

        def step(state: State, rows: Rows) -> tuple[State, tuple[Any, ...]]:
            return self._step(state, images, labels, rows)

        if len(rows[0]) > 1:
            return jax.lax.scan(step, state, rows)  # type: ignore[no-any-return]  # JAX is untyped here
        state, found = step(state, tuple(array[0] for array in rows))
        return state, tuple(value[None] for value in found)

    def _step(self, state: State, images: Any, labels: Any, rows: Rows) -> tuple[State, tuple[Any, ...]]:
        trainable, others, optimizer_state = state
        index, shift, flip, seed = rows
        model, optimizer = self.learner.model, self.learner.optimizer
        inputs = {"image": images[index], "shift": shift, "flip": flip}
        if self.batches.recipe.augmentation is not None:
            inputs["seed"] = seed
        wanted = labels[index]
        targets = jax.nn.one_hot(wanted, self.batches.one_hot.shape[1], dtype=jnp.float32)

        def loss_of(trainable: list[Any]) -> tuple[Any, tuple[Any, list[Any]]]:
            logits, changed, added = model.stateless_call(trainable, others, inputs, training=True, return_losses=True)
            return sum(added, start=model.loss(targets, logits)), (logits, changed)

        (loss, (logits, others)), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable)
        trainable, optimizer_state = optimizer.stateless_apply(optimizer_state, gradients, trainable)
        accuracy = (logits.argmax(axis=1) == wanted).mean()
        measured = [metric.function(targets, logits.astype(jnp.float32)).mean() for metric in self.learner.metrics]
        return (trainable, others, optimizer_state), (loss, accuracy, *measured)

    def _state(self) -> State:
        """Copies: a call overwrites the memory of what it is given, and two variables may share theirs."""
        model, optimizer = self.learner.model, self.learner.optimizer
        groups = (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
        trainable, others, optimizer_state = ([jnp.array(v.value) for v in group] for group in groups)
        return trainable, others, optimizer_state

    def _assign(self, state: State) -> None:
        model, optimizer = self.learner.model, self.learner.optimizer
        for group, values in zip(
            (model.trainable_variables, model.non_trainable_variables, optimizer.variables), state, strict=True
        ):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)


def _means(names: tuple[str, ...], sums: np.ndarray[Any, Any], steps: int) -> dict[str, float]:
    """The means over the steps so far, as Keras' `fit` gives them."""
    return dict(zip(names, (sums / steps).tolist(), strict=True))
