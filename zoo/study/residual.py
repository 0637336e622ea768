"""What skip connections do: twins with and without them, trained side by side. Runs in a worker.

Twins have the same layers but for the additions, and are given the same images in the same order by the same recipe.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import ModelError
from zoo.specs import Recipe
from zoo.training.distribute import set_up
from zoo.training.frameworks import make_deterministic
from zoo.training.job import Job
from zoo.training.learner import make_learner
from zoo.training.optimizers import Rates, SGDWithL2, decays
from zoo.training.score import Scorer, sample
from zoo.training.splits import parts

REPORT_S = 0.2
POINTS = 40  # of a curve


class RecordingSGD(SGDWithL2):
    """Adds up the squared norm of each variable's gradient, step by step."""

    def build(self, variables: Any) -> None:
        """See `keras.optimizers.Optimizer`."""
        if not self.built:
            self.squares = self.add_variable(shape=(len(variables),), dtype="float32", name="gradient_squares")
        super().build(variables)

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        """See `keras.optimizers.Optimizer`. What is added up is the gradient of the loss, before weight decay."""
        squares = [ops.sum(ops.square(ops.cast(gradient, "float32"))) for gradient in grads]
        self.squares.assign_add(ops.stack(squares))
        return super().apply(grads, trainable_variables)

    def take(self) -> np.ndarray[Any, Any]:
        """The sums since the last call."""
        sums = np.array(ops.convert_to_numpy(self.squares.value))
        self.squares.assign(np.zeros_like(sums))
        return sums


def train_one(values: Mapping[str, Any], report: Callable[..., None]) -> dict[str, Any]:
    """Train one model for so many steps, on nine tenths of the training split.

    :param values: `job`, a `zoo.training.job.Job` with `tune`, and `steps`.
    :return: `layers` (the kernels from the input on: path and shape), `points` (at some steps, the first among them:
        loss and accuracy as means over the steps since the point before, and `gradient_norms`, the root mean square
        over the same steps of the norm of each kernel's gradient) and `held_out`: accuracy and loss on the tenth of the
        training split that was not trained on.
    """
    job, steps = Job.from_json(values["job"]), values["steps"]
    report("phase", name="data")
    make_deterministic(job.keras_backend)
    devices = set_up(job)
    trained, held_out = parts(job.dataset, tune=True, stream=job.stream)
    report("phase", name="build")
    learner = make_learner(job, trained, devices, make_optimizer=_recording)
    learner.model.steps_per_execution = 1  # the points are of single steps, also on an accelerator
    network, recorder = learner.network, learner.optimizer
    kernels = [i for i, variable in enumerate(network.trainable_variables) if decays(variable)]

    watch = _Watch(job.model.name, learner.batches, recorder, kernels, steps, report)
    report("phase", name="train", steps=steps, done=0)
    started = time.perf_counter()
    epochs = -(-steps // len(learner.batches))
    learner.model.fit(learner.batches, epochs=epochs, verbose=0, callbacks=[watch], shuffle=False)
    seconds = time.perf_counter() - started

    report("phase", name="score")
    scorer = Scorer(job, sample(learner.batches))  # a few hundred steps are too few for moving averages
    scorer.hold({v.path: np.array(ops.convert_to_numpy(v.value)) for v in network.weights})
    return {
        "model": job.model.name,
        "parameters": int(network.count_params()),
        "layers": [
            {"path": variable.path, "shape": [int(n) for n in variable.shape]}
            for variable in (network.trainable_variables[i] for i in kernels)
        ],
        "points": watch.points,
        "held_out": scorer.score(held_out),
        "train_s": round(seconds, 1),
    }


def _recording(recipe: Recipe, network: keras.Model, steps_per_epoch: int) -> RecordingSGD:
    made = RecordingSGD(
        recipe.weight_decay,
        learning_rate=Rates(recipe, steps_per_epoch),
        momentum=recipe.momentum,
        nesterov=recipe.momentum > 0,
    )
    made.build(network.trainable_variables)
    return made


class _Watch(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Takes down the points of the curves, and ends training after the last step."""

    def __init__(
        self,
        name: str,
        batches: Any,
        recorder: RecordingSGD,
        kernels: list[int],
        steps: int,
        report: Callable[..., None],
    ) -> None:
        super().__init__()
        self.name, self.batches, self.recorder, self.kernels = name, batches, recorder, kernels
        self.steps, self.report = steps, report
        self.marks = {1, *np.linspace(1, steps, POINTS + 1).round().astype(int).tolist()}
        self.points: list[dict[str, Any]] = []
        self.done = self.last = 0
        self.reported = time.perf_counter()

    def on_epoch_begin(self, epoch: int, _: Any = None) -> None:
        """Draw the epoch's order. The metrics begin anew with it."""
        self.batches.begin(epoch)
        self.in_epoch = 0
        self.sums = {"loss": 0.0, "accuracy": 0.0}

    def on_train_batch_end(self, _: int, logs: Mapping[str, float]) -> None:
        """Take down a point where there is to be one; the metrics are means over the epoch so far."""
        self.done, self.in_epoch = self.done + 1, self.in_epoch + 1
        if not np.isfinite(logs["loss"]):
            raise ModelError(
                f"the loss of {self.name} was {logs['loss']} at step {self.done}; try a lower learning rate"
            )
        if self.done in self.marks or self.in_epoch == len(self.batches):
            self._take_down(logs)
        now = time.perf_counter()
        if now - self.reported >= REPORT_S:
            self.reported = now
            self.report("step", step=self.done, steps=self.steps, loss=float(logs["loss"]))
        if self.done >= self.steps:
            self.model.stop_training = True

    def _take_down(self, logs: Mapping[str, float]) -> None:
        count = self.done - self.last
        norms = np.sqrt(self.recorder.take()[self.kernels] / count)
        sums = {name: float(logs[name]) * self.in_epoch for name in self.sums}
        means = {name: (sums[name] - self.sums[name]) / count for name in sums}
        self.last, self.sums = self.done, sums
        self.points.append({"step": self.done, **means, "gradient_norms": norms.tolist()})
