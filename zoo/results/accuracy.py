"""The accuracy of B against that of A, image by image. Pure functions of Results."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any

from zoo.benchmarking.accuracy import mcnemar_p, paired_difference
from zoo.results.schema import Result
from zoo.results.verdicts import ACCURACY_LEAST, ACCURACY_MARGIN, Comparison, decide


def compare_accuracy(a: Result, b: Result, common: Mapping[str, Any]) -> Comparison | None:
    """Where both were scored; with a verdict only if that was on the same images.

    :param common: what the comparison says besides.
    """
    if a.measures["accuracy"] is None or b.measures["accuracy"] is None:
        return None
    value_a, value_b = a.measures["accuracy"]["value"], b.measures["accuracy"]["value"]
    one, other = a.predictions, b.predictions
    if one is None or other is None or one["dataset_sha256"] != other["dataset_sha256"]:
        return Comparison(
            **common,
            measure="accuracy",
            a=value_a,
            b=value_b,
            change=value_b - value_a,
            low=None,
            high=None,
            verdict="inconclusive",
            reason="not scored on the same images",
        )
    right_a, right_b = (_bits(p["correct"]) for p in (one, other))
    images = a.measures["accuracy"]["images"]
    only_a, only_b = (right_a & ~right_b).bit_count(), (right_b & ~right_a).bit_count()
    change, low, high = paired_difference(only_a, only_b, images)
    p = mcnemar_p(only_a, only_b)
    verdict: str = decide("accuracy", low, high, ACCURACY_LEAST, ACCURACY_MARGIN)
    if only_a == only_b == 0:
        low = high = 0.0
        verdict = "same"
    return Comparison(
        **common,
        measure="accuracy",
        a=value_a,
        b=value_b,
        change=change,
        low=low,
        high=high,
        verdict=verdict,
        reason=f"{images:,} images: {only_a} right only in A, {only_b} only in B; McNemar's exact p = {p:.2g}",
    )


def _bits(packed: str) -> int:
    return int.from_bytes(zlib.decompress(base64.b64decode(packed)), "big")
