"""The accuracy of B against that of A, image by image. Pure functions of Results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.benchmarking.accuracy import mcnemar_p, paired_difference
from zoo.record.result import Result, unpacked
from zoo.results.verdicts import ACCURACY_LEAST, ACCURACY_MARGIN, Comparison


def compare_accuracy(a: Result, b: Result, common: Mapping[str, Any], names: tuple[str, str]) -> Comparison | None:
    """Where both were scored; with a verdict only if that was on the same images.

    :param common: what the comparison says besides.
    :param names: of the sides.
    """
    if a.measures.accuracy is None or b.measures.accuracy is None:
        return None
    values = a.measures.accuracy.value, b.measures.accuracy.value
    images = a.measures.accuracy.images
    right_a, right_b = _right(a, images), _right(b, images)
    if right_a is None or right_b is None or not _same_images(a, b):
        why = "not scored on the same images"
        return Comparison.decided(common, "accuracy", values, values[1] - values[0], None, why)
    only_a, only_b = (right_a & ~right_b).bit_count(), (right_b & ~right_a).bit_count()
    change, low, high = paired_difference(only_a, only_b, images)
    interval = (0.0, 0.0) if only_a == only_b == 0 else (low, high)
    reason = (
        f"{images:,} images: {only_a} right only in {names[0]}, {only_b} only in {names[1]}; "
        f"McNemar's exact p = {mcnemar_p(only_a, only_b):.2g}"
    )
    least, margin = ACCURACY_LEAST, ACCURACY_MARGIN
    return Comparison.decided(common, "accuracy", values, change, interval, reason, least=least, margin=margin)


def _same_images(a: Result, b: Result) -> bool:
    one, other = a.predictions, b.predictions
    return one is not None and other is not None and one.dataset_sha256 == other.dataset_sha256


def _right(result: Result, images: int) -> int | None:
    """A bit for each image, set where the prediction is right; None where that isn't known of every image."""
    if result.predictions is None:
        return None
    packed = unpacked(result.predictions.correct, -(-images // 8))
    return None if packed is None else int.from_bytes(packed, "big")
