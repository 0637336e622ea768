"""The score of trained weights: a network of its own holds them, in float32 on one device, as `zoo bench` would."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.benchmarking.accuracy import accuracy
from zoo.data.preprocess import adapt
from zoo.errors import ModelError
from zoo.modeling.build import build
from zoo.training.batches import Batches
from zoo.training.distribute import one_device
from zoo.training.job import Job
from zoo.training.metrics import metrics
from zoo.training.preprocessing import Prepare
from zoo.training.splits import Part

Array = np.ndarray[Any, Any]
Inputs = dict[str, Array]  # of a batch: images as they are stored, shifts and flips

BATCH = 250
STATISTICS_IMAGES = 5_000


class Scorer:
    """Scores weights of one model.

    :param sample: batches to estimate batch-norm statistics from. Needed where weights are averages over steps: the
        statistics of the last step don't fit them (Izmailov et al. 2018, section 3.2). Shifted and mirrored as in
        training: the weights were fitted to activations normalised by the statistics of such images. None leaves the
        statistics as they are.
    """

    def __init__(self, job: Job, sample: Sequence[Inputs] | None) -> None:
        self.job, self.sample = job, sample
        recipe = job.recipe
        self.metrics = metrics(recipe, job.dataset.classes)
        with one_device(job.strategy):
            self.network = build(job.model, classes=job.dataset.classes)
            self.prepare = Prepare.of(recipe, job.model.input_shape)
        layers = self.network._flatten_layers()
        self.norms = [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]

    def hold(self, weights: Mapping[str, Array]) -> dict[str, Array]:
        """Take on weights; they are returned with the statistics that were estimated."""
        with one_device(self.job.strategy):
            for variable, value in zip(self.network.weights, weights.values(), strict=True):
                variable.assign(value)
            if self.sample is not None and self.norms:
                self._estimate_statistics(self.sample)
            values = [np.array(ops.convert_to_numpy(v.value)) for v in self.network.weights]
        return dict(zip(weights, values, strict=True))

    def score(self, part: Part, *, flip: bool = False) -> dict[str, Any]:
        """Top-1 accuracy with its interval, the mean cross-entropy as `loss`, and the recipe's metrics, if it has any.

        :param flip: average the logits of each image and of its mirror image.
        :raises ModelError: if the loss is not finite.
        """
        correct, loss, count = 0, 0.0, 0
        one_hot = np.eye(self.job.dataset.classes, dtype=np.float32)
        sums = dict.fromkeys((metric.name for metric in self.metrics), 0.0)
        with one_device(self.job.strategy):
            for images, labels in part.chunks(BATCH):
                x = self._adapted(images)
                logits = (self._logits(x) + self._logits(x[:, :, ::-1])) / 2 if flip else self._logits(x)
                correct += int((logits.argmax(axis=1) == labels).sum())
                loss += float((np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(labels)), labels]).sum())
                count += len(labels)
                for metric in self.metrics:
                    sums[metric.name] += float(metric.values(one_hot[labels], logits).sum(dtype=np.float64))
        if not math.isfinite(loss):
            raise ModelError(f"{self.job.model.name} gives logits that are not finite")
        found = {**accuracy(correct, count).to_json(), "loss": loss / count}
        if sums:
            found["metrics"] = {name: total / count for name, total in sums.items()}
        return found

    def _adapted(self, images: Array) -> Array:
        return adapt(images, self.job.model.input_shape, self.job.recipe.mean, self.job.recipe.std)

    def _logits(self, x: Array) -> Array:
        """Logits, float64. Batches are of one size, so that the network is compiled once."""
        padded = np.concatenate([x, np.zeros((BATCH - len(x), *x.shape[1:]), x.dtype)])
        logits: Array = np.asarray(self.network.predict_on_batch(padded), np.float64)[: len(x)]
        return logits

    def _estimate_statistics(self, sample: Sequence[Inputs]) -> None:
        """Set each batch-norm layer's mean and variance to their averages over these batches."""
        statistics = [v for norm in self.norms for v in norm.non_trainable_variables]
        momenta = [norm.momentum for norm in self.norms]
        for norm in self.norms:
            norm.momentum = 0.0  # statistics are then those of the last batch
        found = []
        for inputs in sample:
            self.network(self.prepare(**inputs), training=True)
            found.append([np.array(ops.convert_to_numpy(v.value)) for v in statistics])
        for variable, values in zip(statistics, zip(*found, strict=True), strict=True):
            variable.assign(np.mean(values, axis=0))
        for norm, momentum in zip(self.norms, momenta, strict=True):
            norm.momentum = momentum


def sample(batches: Batches) -> list[Inputs]:
    """What goes in of the epoch's first batches, together some thousand images."""
    needed = min(len(batches), -(-STATISTICS_IMAGES // batches.batch_size))
    return [batches[step][0] for step in range(needed)]
