"""Why a scenario takes as long as it does, by the roofline model (Williams, Waterman & Patterson 2009). Pure.

A layer can't take less time than its arithmetic takes at the machine's peak, nor less than its weights, inputs and
outputs take to pass through memory. Only layers that multiply count: a library can do the others on the way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from zoo.record import numbers
from zoo.record.cost import LayerCost
from zoo.specs import Plain

ITEM_BYTES = {"float32": 4, "tf32": 4, "bfloat16": 2, "float16": 2, "int8": 1}
ACCOUNTED = 0.5  # of the latency: what accounts for less is not what bounds it …
# … unless layers take so long on average that starting them can't be it; a kernel of a GPU takes some µs to start.
SMALL_S, SMALL_ON_GPU_S = 1e-4, 5e-5
ABOVE_PEAK = "above the measured peak"


class Peaks(Protocol):
    """What `zoo.benchmarking.peak.Peaks` knows."""

    def flops_per_s(self, precision: str, threads: int | None) -> float | None:
        """Of matrix products."""

    def bytes_per_s(self, working_set_bytes: float, threads: int | None) -> float | None:
        """Through so much memory, again and again."""


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation(Plain):
    """How a latency compares with what the machine can do.

    Attributes:
        flops_per_s: achieved; of int8, operations.
        flops_share: of the peak of that precision and number of threads; None without a peak, or where it is above one
            however the latency is taken within its interval.
        arithmetic_s, memory_s: the least that arithmetic and memory take, over all layers.
        least_s: the least that the layers take one after the other, each the longer of the two.
        bound_by: "arithmetic", "memory", "dispatch" (neither accounts for the time), or None without peaks, or above
            them.
        sentence: all that in plain words.
    """

    flops_per_s: float
    flops_share: float | None
    arithmetic_s: float | None
    memory_s: float | None
    least_s: float | None
    bound_by: str | None
    sentence: str


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
    most_s: float | None = None,
) -> Explanation:
    """Hold the latency of a batch against the peaks.

    :param most_s: the upper end of the latency's interval; by default the latency.
    :param threads: that computed; None on an accelerator.
    """
    found = points(layers, batch_size=batch_size, precision=precision, threads=threads, peaks=peaks)
    achieved = sum(point.flops for point in found) / latency_s
    arithmetic_s, memory_s = (_sum(getattr(point, name) for point in found) for name in ("arithmetic_s", "memory_s"))
    least_s = _sum(point.least_s for point in found)
    if not found:
        return Explanation(
            flops_per_s=0.0,
            flops_share=None,
            arithmetic_s=None,
            memory_s=None,
            least_s=None,
            bound_by=None,
            sentence="no layer is known to multiply, so nothing can be held against a peak",
        )
    if arithmetic_s is not None and arithmetic_s > (most_s or latency_s):
        return Explanation(
            flops_per_s=achieved,
            flops_share=None,
            arithmetic_s=arithmetic_s,
            memory_s=memory_s,
            least_s=least_s,
            bound_by=None,
            sentence=f"{_speed(achieved, precision)} is {ABOVE_PEAK} of {precision}{_on(threads)}: the machine was "
            "slower when that was measured ('zoo peak --again' measures it again), or the runtime multiplies less "
            "often than is counted (Winograd's convolutions)",
        )
    share = None if arithmetic_s is None else arithmetic_s / latency_s
    bound = None
    if arithmetic_s is not None and memory_s is not None and least_s is not None:
        longer = "memory" if memory_s > arithmetic_s else "arithmetic"
        small_s = (SMALL_ON_GPU_S if threads is None else SMALL_S) * len(found)
        bound = longer if least_s >= ACCOUNTED * latency_s or least_s >= small_s else "dispatch"
    return Explanation(
        flops_per_s=achieved,
        flops_share=share,
        arithmetic_s=arithmetic_s,
        memory_s=memory_s,
        least_s=least_s,
        bound_by=bound,
        sentence=_sentence(latency_s, achieved, share, arithmetic_s, memory_s, least_s, bound, precision, threads),
    )


def _sum(values: Any) -> float | None:
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _speed(flops_per_s: float, precision: str) -> str:
    return f"{numbers.significant(flops_per_s / 1e9)} G{'FLOP' if precision != 'int8' else 'OP'}/s"


def _on(threads: int | None) -> str:
    return "" if threads is None else f" on {threads} thread{'s' if threads > 1 else ''}"


def _sentence(
    latency_s: float,
    achieved: float,
    share: float | None,
    arithmetic_s: float | None,
    memory_s: float | None,
    least_s: float | None,
    bound: str | None,
    precision: str,
    threads: int | None,
) -> str:
    speed, on = _speed(achieved, precision), _on(threads)
    if share is None or arithmetic_s is None:
        return f"{speed}; no peak of {precision}{on} to hold it against: 'zoo peak' measures what can be"
    text = f"{speed}, {numbers.percent(share)} of the {precision} peak{on}"
    if memory_s is None or least_s is None or bound is None:
        return f"{text}; how fast memory is wasn't measured"
    took = numbers.duration(latency_s)
    a, m = numbers.duration(arithmetic_s), numbers.duration(memory_s)
    if least_s > latency_s:
        return f"{text}: bound by {bound}; {took} is less than the {numbers.duration(least_s)} that the peaks allow"
    if bound == "dispatch":
        return (
            f"{text}: bound by dispatch; of {took} arithmetic takes at least {a} and memory {m}, the rest is starting "
            "work and waiting for it"
        )
    if least_s >= ACCOUNTED * latency_s:
        return f"{text}: bound by {bound}, which takes at least {a if bound == 'arithmetic' else m} of {took}"
    return (
        f"{text}: bound by {bound}, by kernels that leave much of the machine unused; of {took} arithmetic takes at "
        f"least {a} and memory {m}"
    )
