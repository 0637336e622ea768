"""What happens around the steps of a run: the epoch's draws, progress, the watch for what is not finite, the history
and the checkpoint."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras

from zoo.errors import ModelError
from zoo.training.batches import Batches
from zoo.training.frameworks import seed_epoch

REPORT_S = 0.5  # between two reports of progress


class Watch(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """The one callback of a run.

    :param name: of the model.
    :param report: told of progress.
    :param end_epoch: given each epoch's line of the history; scores, records and saves.
    """

    def __init__(
        self,
        name: str,
        batches: Batches,
        rates: Any,
        report: Callable[..., None],
        end_epoch: Callable[[dict[str, Any]], None] | None,
    ) -> None:
        super().__init__()
        self.name, self.batches, self.rates = name, batches, rates
        self.report, self.end_epoch = report, end_epoch

    def on_epoch_begin(self, epoch: int, _: Any = None) -> None:
        """Draw the epoch's order."""
        self.epoch = epoch
        self.batches.begin(epoch)
        seed_epoch(keras.backend.backend(), self.batches.recipe.seed, epoch)
        self.began = self.reported = time.perf_counter()

    def on_train_batch_end(self, step: int, logs: Mapping[str, float]) -> None:
        """Stop at a loss that is not finite; report now and then."""
        step = min(step, len(self.batches) - 1)  # where several steps are one call, the last call may be short
        self._check(step, logs)
        now = time.perf_counter()
        if now - self.reported >= REPORT_S:
            self.reported = now
            self.report("step", **self._line(step + 1, logs), step=step + 1, steps=len(self.batches))

    def on_epoch_end(self, _: int, logs: Mapping[str, float]) -> None:
        """Put together the epoch's line and hand it over."""
        steps = len(self.batches)
        self._check(steps - 1, logs)
        line = {**self._line(steps, logs), "seconds": round(time.perf_counter() - self.began, 3)}
        if self.end_epoch:
            self.end_epoch(line)
        self.report("epoch", **line, step=steps, steps=steps)

    def _check(self, step: int, logs: Mapping[str, float]) -> None:
        """Loss and metrics are the epoch's means so far: once not finite, they stay so."""
        if not math.isfinite(logs["loss"]):
            raise ModelError(
                f"the loss of {self.name} was {logs['loss']} at step {step + 1} of epoch {self.epoch + 1}, with a "
                f"learning rate of {self._rate(step + 1):.3g}"
            )
        for name in self.batches.recipe.metric_names:
            if not math.isfinite(logs[name]):
                raise ModelError(f"the metric {name} was {logs[name]} at step {step + 1} of epoch {self.epoch + 1}")

    def _line(self, steps: int, logs: Mapping[str, float]) -> dict[str, Any]:
        seconds = time.perf_counter() - self.began
        return {
            "epoch": self.epoch + 1,
            "loss": float(logs["loss"]),
            "accuracy": float(logs["accuracy"]),
            **{name: float(logs[name]) for name in self.batches.recipe.metric_names},
            "learning_rate": self._rate(steps),
            "images_per_second": round(steps * self.batches.batch_size / seconds, 1),
        }

    def _rate(self, steps: int) -> float:
        """The learning rate of the last of so many steps of this epoch."""
        return float(self.rates[self.epoch * len(self.batches) + steps - 1])
