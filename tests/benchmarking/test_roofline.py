"""Latencies against roofs that are known."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from zoo.benchmarking.roofline import ABOVE_PEAK, ACCOUNTED, explain, points
from zoo.record.cost import LayerCost


@dataclasses.dataclass(frozen=True)
class Roofs:
    """A machine of one speed and one bandwidth."""

    speed: float | None = 1e9
    bandwidth: float | None = 1e9

    def flops_per_s(self, precision: str, threads: int | None) -> float | None:
        return self.speed

    def bytes_per_s(self, working_set_bytes: float, threads: int | None) -> float | None:
        return self.bandwidth


def layer(name: str, macs: int | None, size: int, inputs: list[str], parameters: int = 0) -> LayerCost:
    return LayerCost(
        name=name,
        type="Layer",
        inputs=tuple(inputs),
        output_shape=(size,),
        parameters=parameters,
        trainable_parameters=parameters,
        macs=macs,
    )


# 2 × 1000 FLOPs for 4 × (100 + 50 + 10) bytes; then 2 × 20 for 4 × (2 + 10 + 2)
LAYERS = [
    layer("in", 0, 50, []),
    layer("conv", 1000, 10, ["in"], parameters=100),
    layer("relu", 0, 10, ["conv"]),
    layer("dense", 20, 2, ["relu"], parameters=2),
]


def test_layers_that_multiply_are_points() -> None:
    conv, dense = points(LAYERS, batch_size=1, peaks=Roofs())
    assert (conv.name, conv.flops, conv.bytes) == ("conv", 2000, 640)
    assert (dense.name, dense.flops, dense.bytes) == ("dense", 40, 56)
    assert conv.intensity == 2000 / 640
    assert (conv.arithmetic_s, conv.memory_s, conv.least_s) == (2e-6, 6.4e-7, 2e-6)
    assert dense.least_s == dense.memory_s == 5.6e-8
    (conv, _) = points(LAYERS, batch_size=8, precision="bfloat16")
    assert (conv.flops, conv.bytes) == (16_000, 2 * (100 + 8 * 60))
    assert conv.least_s is None


@pytest.mark.parametrize(
    ("latency_s", "roofs", "bound", "words"),
    [
        (2.5e-6, Roofs(), "arithmetic", ""),
        (1e-3, Roofs(), "dispatch", ""),
        (1e-5, Roofs(bandwidth=1e8), "memory", ""),
        (2.05e-6, Roofs(), "arithmetic", ""),  # less than the layers take one after the other, by the peaks
        (
            2.03e-6,
            Roofs(),
            None,
            "1.00 GFLOP/s is above the measured peak of float32 on 2 threads: the machine was",
        ),
        (1e-2, Roofs(speed=1e6), "arithmetic", ""),  # kernels that leave much of the machine unused
        (1e-3, Roofs(speed=None), None, "no peak of float32 on 2 threads to hold it against"),
        (1e-3, Roofs(bandwidth=None), None, "how fast memory is wasn't measured"),
        (1e-3, None, None, "'zoo peak' measures what can be"),
    ],
)
def test_what_bounds_is_found_or_why_not_is_said(
    latency_s: float, roofs: Roofs | None, bound: str | None, words: str
) -> None:
    found = explain(latency_s, batch_size=1, layers=LAYERS, peaks=roofs, threads=2)
    assert found.bound_by == bound
    assert words in found.reason
    assert bool(found.reason) == bool(words)
    if roofs is None or roofs.speed is None or ABOVE_PEAK in words:
        assert found.flops_share is None
    else:
        assert found.flops_share == pytest.approx(2040 / roofs.speed / latency_s)


@pytest.mark.parametrize(("latency_s", "share"), [(2.0e-6, None), (2.04e-6, 1.0), (4.08e-6, 0.5)])
def test_no_share_is_above_one(latency_s: float, share: float | None) -> None:
    found = explain(latency_s, batch_size=1, layers=LAYERS, peaks=Roofs(), threads=2)
    assert found.flops_share == (None if share is None else pytest.approx(share))
    assert (found.bound_by is None) == (ABOVE_PEAK in found.reason) == (share is None)


def test_a_result_above_the_peak_has_a_reason_in_place_of_a_share() -> None:
    from zoo.benchmarking.assemble import _explain
    from zoo.record.scenario import Scenario

    record: Any = SimpleNamespace(
        layers=LAYERS, started=SimpleNamespace(threads=2), cost=SimpleNamespace(macs_left_out=())
    )
    roofs: Any = Roofs()  # it has what is asked of peaks
    found = _explain(Scenario(model="toy", dataset="digits"), record, 2.0e-6, roofs)
    assert (found.flops_share, found.bound_by) == (None, None)
    assert ABOVE_PEAK in found.reason


def test_on_a_gpu_threads_are_no_part_of_it_and_starting_a_kernel_takes_less() -> None:
    slow = Roofs(speed=1.3e7)  # two layers, 160 µs: 80 µs each
    on_gpu = explain(1e-3, batch_size=1, layers=LAYERS, peaks=slow, precision="tf32", threads=None)
    assert on_gpu.bound_by == "arithmetic"
    assert explain(1e-3, batch_size=1, layers=LAYERS, peaks=slow, threads=2).bound_by == "dispatch"


def test_tf32_moves_as_many_bytes_as_float32() -> None:
    tf32, float32 = (points(LAYERS, batch_size=8, precision=precision) for precision in ("tf32", "float32"))
    assert [point.bytes for point in tf32] == [point.bytes for point in float32]


@pytest.mark.parametrize(("device", "share"), [("cpu", None), ("gpu:1", 0.5)])
def test_a_results_explanation_takes_the_peak_of_its_device(device: str, share: float | None) -> None:
    from zoo.benchmarking.assemble import _explain
    from zoo.record.scenario import Scenario

    class OfAGpu(Roofs):
        def flops_per_s(self, precision: str, threads: int | None) -> float | None:
            return 1e9 if threads is None else None

    scenario = Scenario(model="toy", dataset="digits", device=device)
    record: Any = SimpleNamespace(
        layers=LAYERS, started=SimpleNamespace(threads=16), cost=SimpleNamespace(macs_left_out=())
    )
    roofs: Any = OfAGpu()
    assert _explain(scenario, record, 4.08e-6, roofs).flops_share == (None if share is None else pytest.approx(share))


def test_a_model_without_macs_is_held_against_nothing() -> None:
    found = explain(1.0, batch_size=1, layers=[layer("own", None, 5, [])], peaks=Roofs())
    assert (found.flops_share, found.bound_by) == (None, None)
    assert found.reason == "no layer is known to multiply, so nothing can be held against a peak"


POSITIVE = st.floats(1e-9, 1e9)
MODELS = st.lists(
    st.tuples(st.integers(0, 10**9), st.integers(1, 10**6), st.integers(0, 10**7)), min_size=1, max_size=6
).map(lambda rows: [layer(str(i), m, s, [str(i - 1)] if i else [], p) for i, (m, s, p) in enumerate(rows)])


@given(POSITIVE, MODELS, st.integers(1, 512), POSITIVE, POSITIVE)
def test_the_least_time_lies_between_the_longer_part_and_the_sum(
    latency_s: float, layers: list[LayerCost], batch: int, speed: float, bandwidth: float
) -> None:
    assume(any(row.macs for row in layers))
    roofs = Roofs(speed, bandwidth)
    parts = [
        (point.arithmetic_s or 0.0, point.memory_s or 0.0, point.least_s or 0.0)
        for point in points(layers, batch_size=batch, peaks=roofs)
    ]
    arithmetic_s, memory_s, least_s = (sum(part) for part in zip(*parts, strict=True))
    assert max(arithmetic_s, memory_s) <= least_s * (1 + 1e-9)
    assert least_s <= (arithmetic_s + memory_s) * (1 + 1e-9)
    found = explain(latency_s, batch_size=batch, layers=layers, peaks=roofs)
    if arithmetic_s > latency_s:
        assert (found.flops_share, found.bound_by) == (None, None)
        return
    assert found.flops_share == pytest.approx(arithmetic_s / latency_s)
    assert found.bound_by in ("arithmetic", "memory", "dispatch")
    if found.bound_by == "dispatch":
        assert least_s < ACCOUNTED * latency_s
    elif found.bound_by == "memory":
        assert memory_s > arithmetic_s


@given(POSITIVE, MODELS, st.integers(1, 256), st.floats(1.0, 100.0))
def test_faster_is_a_larger_share_and_a_larger_batch_takes_longer(
    latency_s: float, layers: list[LayerCost], batch: int, factor: float
) -> None:
    assume(any(row.macs for row in layers))
    high = Roofs(speed=1e30)  # nothing is above it
    one = explain(latency_s, batch_size=batch, layers=layers, peaks=high)
    faster = explain(latency_s / factor, batch_size=batch, layers=layers, peaks=high)
    assert one.flops_share is not None
    assert faster.flops_share == pytest.approx(one.flops_share * factor)
    once, twice = (
        sum(point.least_s or 0.0 for point in points(layers, batch_size=size, peaks=high))
        for size in (batch, 2 * batch)
    )
    assert once <= twice * (1 + 1e-9) <= 2 * once * (1 + 1e-6)
