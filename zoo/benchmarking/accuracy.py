"""Accuracy on a test split, with its interval. Pure functions; no framework."""

from __future__ import annotations

import math

from zoo.record.measures import Accuracy

Z_95 = 1.959963984540054  # normal quantile of 0.975


def wilson_interval(successes: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """The score interval for a proportion (Wilson 1927), which stays inside [0, 1] and holds near its ends.

    :param successes: how many of the trials succeeded.
    :param trials: at least 1.
    :return: its lower and upper limit.
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"{successes} successes in {trials} trials")
    p = successes / trials
    centre = p + z**2 / (2 * trials)
    spread = z * math.sqrt(p * (1 - p) / trials + z**2 / (4 * trials**2))
    scale = 1 + z**2 / trials
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == trials else (centre + spread) / scale
    return low, high


def accuracy(correct: int, images: int) -> Accuracy:
    """Top-1 accuracy as a measure: value, 95 % interval, and how many images it rests on."""
    low, high = wilson_interval(correct, images)
    return Accuracy(value=correct / images, low=low, high=high, images=images)


def paired_difference(only_a: int, only_b: int, images: int) -> tuple[float, float, float]:
    """B's accuracy less A's on the same images, with its 95 % interval (Agresti & Min 2005: half an image is added to
    each of the four counts of the table).

    :param only_a: images that A alone had right. :param only_b: images that B alone had right.
    """
    n, b, c = images + 2, only_b + 0.5, only_a + 0.5
    centre = (b - c) / n
    spread = Z_95 * math.sqrt((b + c) - (b - c) ** 2 / n) / n
    value = (only_b - only_a) / images
    return value, min(value, max(-1.0, centre - spread)), max(value, min(1.0, centre + spread))


def mcnemar_p(only_a: int, only_b: int) -> float:
    """The exact two-sided p-value that the two are equally often right (McNemar 1947, by the binomial distribution)."""
    from scipy.special import bdtr

    return min(1.0, 2 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))
