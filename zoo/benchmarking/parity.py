"""Is it still the same model? A runtime's logits against those of float32 Keras. Pure functions; NumPy only.

Differences are in standard deviations of the reference's logits, so that they mean the same for every model.
`docs/runtimes.md` says how the tolerances were chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from zoo.record.result import Parity

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What is accepted.

    Attributes:
        max_difference, mean_difference: the most, of any logit, and of their mean.
        slope: how far the line through the logits over the reference's may be from a slope of one.
        equal_top1: the least share of images with the same best class, of those where the reference's best class
            leads by more than the tolerated difference of two logits.
    """

    max_difference: float
    mean_difference: float
    slope: float
    equal_top1: float = 1.0


TOLERANCES: Mapping[str, Tolerance] = {
    "float32": Tolerance(max_difference=1e-3, mean_difference=1e-4, slope=1e-4),
    "float16": Tolerance(max_difference=0.03, mean_difference=0.005, slope=0.005),
    # It has float16's 10 bits of mantissa; but where they are cut off, not rounded, every product becomes smaller.
    "tf32": Tolerance(max_difference=0.1, mean_difference=0.02, slope=0.02),
    "bfloat16": Tolerance(max_difference=0.2, mean_difference=0.03, slope=0.03),
    "int8": Tolerance(max_difference=1.0, mean_difference=0.1, slope=0.05, equal_top1=0.99),
}


def compare(logits: np.ndarray[Any, Any], reference: np.ndarray[Any, Any], precision: str) -> Parity:
    """How far a runtime's logits are from the reference's, and whether that is accepted.

    :param logits, reference: (images, classes), of the same images in the same order; the reference is finite.
    """
    import numpy as np

    tolerance = TOLERANCES[precision]
    record = Parity(accepted=False, images=len(reference), tolerance=asdict(tolerance))
    if (fault := _fault(logits, reference)) is not None:
        return replace(record, reason=fault)
    expected, given = reference.astype(np.float64), logits.astype(np.float64)
    scale = spread(reference)
    differences = np.abs(given - expected) / scale
    worst, mean, slope = float(differences.max()), float(differences.mean()), _slope(given, expected)
    equal = given.argmax(axis=1) == expected.argmax(axis=1)
    clear = _lead(expected) / scale > 2 * tolerance.max_difference
    reason = _reason(worst, mean, slope, float(equal[clear].mean()) if clear.any() else 1.0, tolerance)
    return replace(
        record,
        accepted=reason is None,
        reason=reason,
        max_difference=worst,
        mean_difference=mean,
        slope=slope,
        equal_top1=float(equal.mean()),
    )


def differs(logits: np.ndarray[Any, Any], reference: np.ndarray[Any, Any], scale: float, precision: str) -> str | None:
    """What is wrong with the logits of a single batch, or None.

    :param scale: the spread of the reference's logits over all images.
    """
    import numpy as np

    if (fault := _fault(logits, reference)) is not None:
        return fault
    most = float(np.abs(logits.astype(np.float64) - reference).max() / scale)
    limit = TOLERANCES[precision].max_difference
    return None if most <= limit else f"a logit differs by {most:.2g} standard deviations; accepted is {limit:g}"


def spread(reference: np.ndarray[Any, Any]) -> float:
    """The standard deviation of all logits; 1 where they are all the same."""
    import numpy as np

    return float(reference.astype(np.float64).std()) or 1.0


def _fault(logits: np.ndarray[Any, Any], reference: np.ndarray[Any, Any]) -> str | None:
    import numpy as np

    if logits.shape != reference.shape:
        return f"its logits have the shape {logits.shape} where {reference.shape} is right"
    return None if np.isfinite(logits).all() else "its logits are not finite"


def _slope(given: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> float:
    """Of the straight line through the logits over the reference's (least squares)."""
    centred = expected - expected.mean()
    variance = float((centred**2).sum())
    return float((centred * given).sum()) / variance if variance else 1.0


def _lead(expected: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """By how much each image's best class leads the second."""
    import numpy as np

    if expected.shape[1] < 2:
        return np.full(len(expected), np.inf)
    best = np.sort(expected, axis=1)
    return best[:, -1] - best[:, -2]  # type: ignore[no-any-return]  # NumPy's indexing gives Any


def _reason(worst: float, mean: float, slope: float, equal_where_clear: float, tolerance: Tolerance) -> str | None:
    """Which limit is broken, in a line, or None."""
    for difference, limit, what in (
        (worst, tolerance.max_difference, "a logit differs by"),
        (mean, tolerance.mean_difference, "logits differ on average by"),
    ):
        if difference > limit:
            return f"{what} {difference:.2g} standard deviations; accepted is {limit:g}"
    if abs(slope - 1) > tolerance.slope:
        return f"logits are scaled by {slope:.5g}; accepted is 1 ± {tolerance.slope:g}"
    if equal_where_clear < tolerance.equal_top1:
        return f"only {equal_where_clear:.1%} of the clear images have the same best class"
    return None
