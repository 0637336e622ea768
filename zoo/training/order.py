"""Which images each step sees and how each is shifted and mirrored: a function of (seed, epoch) and nothing else.

So a run that was interrupted goes on as if it had not been, and every Keras backend sees the same images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

TUNING_SHARE = 0.1  # of the training split: 5,000 of CIFAR-10's 50,000
TUNING_SEED = 0  # the same images whatever a run's seed is, so that its recipes can be compared


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch's draws, one row for each image in the order in which they are seen.

    Attributes:
        index: which image, int64, (count,).
        shift: by how many pixels, down and right, int32, (count, 2).
        flip: whether it is mirrored, 0 or 1, int32, (count, 1).
        seed: for augmentation by a function, int32, (count, 1); a batch takes that of its first image.
    """

    index: Array
    shift: Array
    flip: Array
    seed: Array


def draw(count: int, *, seed: int, epoch: int, shift_pixels: int, flip: bool) -> Epoch:
    """The draws of one epoch over `count` images.

    :param shift_pixels: the largest shift either way.
    :param flip: whether images are mirrored at all.
    """
    import numpy as np

    random = np.random.default_rng([seed, epoch])
    return Epoch(
        index=random.permutation(count),
        shift=random.integers(-shift_pixels, shift_pixels, (count, 2), np.int32, endpoint=True),
        flip=random.integers(0, int(flip), (count, 1), np.int32, endpoint=True),
        seed=random.integers(0, 2**31 - 1, (count, 1), np.int32, endpoint=True),
    )


def tuning_split(labels: Array) -> tuple[Array, Array]:
    """Divide a training split, class by class, into what is trained on and a tenth that is scored instead of the test
    split.

    :param labels: (count,).
    :return: the indices of both parts, ascending.
    """
    import numpy as np

    random = np.random.default_rng(TUNING_SEED)
    scored = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        scored[members[: round(TUNING_SHARE * len(members))]] = True
    return np.flatnonzero(~scored), np.flatnonzero(scored)
