"""What the logits of a test split say beyond top-1. Pure functions of arrays; NumPy, no framework."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.benchmarking.accuracy import Z_95, accuracy
from zoo.record.measures import Estimate, Quality

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

TOP = 5
BINS = 15
RESAMPLES = 1_000
SEED = 0


@dataclass(frozen=True, slots=True)
class PerImage:
    """What is kept of the logits of some images, each of shape (images,).

    Attributes:
        predicted: the best class, uint16.
        confidence: its softmax probability, float64.
        loss: the negative log-likelihood of the right class, in nats, float64.
        rank: how many classes are better than the right one.
    """

    predicted: Array
    confidence: Array
    loss: Array
    rank: Array


def per_image(logits: Array, labels: Array) -> PerImage:
    """Look at logits, of shape (images, classes), given the right classes, of shape (images,)."""
    import numpy as np

    exact = np.asarray(logits, np.float64)
    rows = np.arange(len(labels))
    with np.errstate(invalid="ignore"):  # a logit that is not finite: `quality` looks for it
        log_shares = exact - np.logaddexp.reduce(exact, axis=1, keepdims=True)
    predicted = logits.argmax(axis=1)
    right = exact[rows, labels][:, None]
    return PerImage(
        predicted=predicted.astype(np.uint16),
        confidence=np.nan_to_num(np.exp(log_shares[rows, predicted])),
        loss=-log_shares[rows, labels],
        rank=(exact > right).sum(axis=1),
    )


def joined(parts: list[PerImage]) -> PerImage:
    """The same of all images, given parts of them."""
    import numpy as np

    return PerImage(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("predicted", "confidence", "loss", "rank")
        )
    )


def quality(images: PerImage, labels: Array, classes: int) -> Quality | None:
    """Top-5 accuracy, mean negative log-likelihood and calibration error, each with its interval.

    None where a logit is not finite: JSON has no infinity.
    """
    import numpy as np

    if not np.isfinite(images.loss).all():
        return None
    correct = images.predicted == labels
    count = len(labels)
    mean = float(images.loss.mean())
    reach = Z_95 * float(images.loss.std(ddof=1)) / math.sqrt(count) if count > 1 else mean
    return Quality(
        top5=accuracy(int((images.rank < TOP).sum()), count) if classes > TOP else None,
        negative_log_likelihood=Estimate(value=mean, low=max(0.0, mean - reach), high=mean + reach),
        calibration_error=calibration_error(images.confidence, correct),
    )


def calibration_error(confidence: Array, correct: Array) -> Estimate:
    """The expected calibration error: by bins of confidence, the gap between mean confidence and accuracy, weighted.

    Both are arrays of shape (images,). The estimate of few images is too large, and so are those of resamples. The
    basic bootstrap turns their distribution around the value, which takes the same bias off.
    """
    import numpy as np

    count = len(confidence)
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    gaps = confidence - correct

    def error(weights: Array) -> float:
        return float(np.abs(np.bincount(bins, weights * gaps, BINS)).sum()) / count

    value = error(np.ones(count))
    random = np.random.default_rng(SEED)
    drawn = [error(np.bincount(random.integers(0, count, count), minlength=count)) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Estimate(value=value, low=min(value, max(0.0, 2 * value - high)), high=max(value, 2 * value - low))
