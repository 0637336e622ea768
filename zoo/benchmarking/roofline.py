"""Why a scenario takes as long as it does, by the roofline model (Williams, Waterman & Patterson 2009). Pure.

A layer can't take less time than its arithmetic takes at the machine's peak, nor less than its weights, inputs and
outputs take to pass through memory. Only layers that multiply count: a library can do the others on the way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.record import numbers
from zoo.record.cost import LayerCost

if TYPE_CHECKING:
    from zoo.benchmarking.peak import Peaks

ITEM_BYTES = {"float32": 4, "tf32": 4, "bfloat16": 2, "float16": 2, "int8": 1}
ACCOUNTED = 0.5  # of the latency: what accounts for less is not what bounds it …
# … unless layers take so long on average that starting them can't be it; a kernel of a GPU takes some µs to start.
SMALL_S, SMALL_ON_GPU_S = 1e-4, 5e-5
ABOVE_PEAK = "above the measured peak"


@dataclass(frozen=True, slots=True)
class Point:
    """A layer that multiplies, for one batch.

    Attributes:
        flops: 2 × MACs.
        bytes: weights, inputs and outputs, each once.
        arithmetic_s, memory_s: the least that each takes; None where there is no peak.
    """

    name: str
    flops: int
    bytes: int
    arithmetic_s: float | None
    memory_s: float | None

    @property
    def intensity(self) -> float:
        """FLOPs a byte."""
        return self.flops / self.bytes

    @property
    def least_s(self) -> float | None:
        """The longer of the two."""
        if self.arithmetic_s is None or self.memory_s is None:
            return None
        return max(self.arithmetic_s, self.memory_s)


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a latency compares with what the machine can do.

    Attributes:
        flops_share: the speed as a share of the peak of that precision and number of threads; None without a peak, or
            above it.
        bound_by: "arithmetic", "memory", "dispatch" (neither accounts for the time), or None without peaks, or above
            them.
        reason: why one of them is None.
    """

    flops_share: float | None = None
    bound_by: str | None = None
    reason: str = ""


def points(
    layers: Sequence[LayerCost],
    *,
    batch_size: int,
    precision: str = "float32",
    threads: int | None = None,
    peaks: Peaks | None = None,
) -> list[Point]:
    """The layers that multiply, in their order."""
    sizes = {layer.name: math.prod(size or 1 for size in layer.output_shape) for layer in layers}
    peak = peaks.flops_per_s(precision, threads) if peaks else None
    found = []
    for layer in layers:
        if not layer.macs:
            continue
        activations = sizes[layer.name] + sum(sizes.get(name, 0) for name in layer.inputs)
        traffic = ITEM_BYTES[precision] * (layer.parameters + batch_size * activations)
        bandwidth = peaks.bytes_per_s(traffic, threads) if peaks else None
        flops = 2 * layer.macs * batch_size
        found.append(
            Point(layer.name, flops, traffic, peak and flops / peak, bandwidth and traffic / bandwidth),
        )
    return found


def explain(
    latency_s: float,
    *,
    batch_size: int,
    layers: Sequence[LayerCost],
    peaks: Peaks | None,
    precision: str = "float32",
    threads: int | None = None,
) -> Explanation:
    """Hold the latency of a batch against the peaks.

    :param threads: that computed; None on an accelerator.
    """
    found = points(layers, batch_size=batch_size, precision=precision, threads=threads, peaks=peaks)
    if not found:
        return Explanation(reason="no layer is known to multiply, so nothing can be held against a peak")
    arithmetic_s, memory_s, least_s = (
        _sum([getattr(point, name) for point in found]) for name in ("arithmetic_s", "memory_s", "least_s")
    )
    speed = numbers.significant(sum(point.flops for point in found) / latency_s / 1e9)
    achieved = f"{speed} G{'FLOP' if precision != 'int8' else 'OP'}/s"
    peak = precision if threads is None else f"{precision} on {threads} thread{'s' if threads > 1 else ''}"
    if arithmetic_s is None:
        return Explanation(reason=f"{achieved}; no peak of {peak} to hold it against: 'zoo peak' measures what can be")
    if arithmetic_s > latency_s:
        return Explanation(
            reason=f"{achieved} is {ABOVE_PEAK} of {peak}: the machine was slower when that was measured ('zoo peak "
            "--again' measures it again), or the runtime multiplies less often than is counted (Winograd's "
            "convolutions)"
        )
    share = arithmetic_s / latency_s
    if memory_s is None or least_s is None:
        return Explanation(share, None, "how fast memory is wasn't measured")
    small_s = (SMALL_ON_GPU_S if threads is None else SMALL_S) * len(found)
    if least_s < ACCOUNTED * latency_s and least_s < small_s:
        return Explanation(share, "dispatch")
    return Explanation(share, "memory" if memory_s > arithmetic_s else "arithmetic")


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
