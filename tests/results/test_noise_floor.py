"""A noise floor counts for the scenario that it was measured of, and for no other."""

from __future__ import annotations

import math
from typing import Any

import pytest
from support import make_result

from zoo.errors import UsageError
from zoo.record.result import Result
from zoo.results.api import calibrate
from zoo.results.compare import compare_matching
from zoo.results.noise_floor import load_noise_floor, noise_floor_of, save_noise_floor
from zoo.results.store import Store
from zoo.results.verdicts import NoiseFloor


def side(*medians: float, **changes: Any) -> Result:
    """A Result with one process of each median."""
    samples = [{"latency_s": [x] * 8, "memory": {"peak_bytes": 1}, "pair": None} for x in medians]
    return make_result(**{"model": "one", "samples": samples, **changes})


def calibrated(store: Store, scale: float = 1.0, **changes: Any) -> NoiseFloor:
    steps = [0.0, 0.01 * scale, 0.02 * scale]
    a, b = (side(*[0.01 * math.exp(x) for x in order], **changes) for order in (steps, steps[::-1]))
    floor = noise_floor_of(a, b)
    save_noise_floor(store, floor)
    return floor


def test_it_counts_for_its_scenario_whatever_the_dataset(store: Store) -> None:
    floor = calibrated(store)
    assert floor.pairs == 3
    assert floor.pair_sd == pytest.approx(0.02)
    assert load_noise_floor(store, side(0.01), side(0.02)) == floor
    assert load_noise_floor(store, side(0.01, dataset="cifar10"), side(0.02, dataset="cifar10")) == floor


@pytest.mark.parametrize(
    "other",
    [
        {"model": "two"},
        {"runtime": "jax"},
        {"device": "gpu"},
        {"precision": "bfloat16"},
        {"batch_size": 32},
        {"threads": 1},
        {"fingerprint": "fedcba9876543210"},
    ],
)
def test_it_counts_for_no_other(store: Store, other: dict[str, Any]) -> None:
    calibrated(store)
    assert load_noise_floor(store, side(0.01, **other), side(0.02, **other)) is None
    assert load_noise_floor(store, side(0.01), side(0.02, **other)) is None
    assert load_noise_floor(store, side(0.01, **other), side(0.02)) is None


def test_of_two_models_the_noisier_counts(store: Store) -> None:
    quiet, noisy = calibrated(store), calibrated(store, 5.0, model="two")
    found = load_noise_floor(store, side(0.01), side(0.02, model="two"))
    assert found is not None
    assert (found.process_sd, found.pair_sd, found.ratio_p95) == (noisy.process_sd, noisy.pair_sd, noisy.ratio_p95)
    assert found.pair_sd > quiet.pair_sd


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"process_sd": "x"}'])
def test_a_damaged_one_counts_as_none(store: Store, content: bytes) -> None:
    calibrated(store)
    (file,) = (store.folder / "calibration").iterdir()
    file.write_bytes(content)
    assert load_noise_floor(store, side(0.01), side(0.02)) is None


@pytest.mark.parametrize("given", [{"runtime": "all"}, {"device": "all"}])
def test_it_is_of_one_scenario(store: Store, given: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="one runtime and one device"):
        calibrate("one", store=store, **given)


def test_it_takes_two_pairs() -> None:
    with pytest.raises(UsageError, match="two pairs"):
        noise_floor_of(side(0.01), side(0.01))


def test_a_scenario_without_one_is_compared_without(store: Store) -> None:
    calibrated(store, batch_size=1)
    sides = [[side(scale * x, batch_size=size) for size, x in ((1, 0.01), (32, 0.1))] for scale in (1.0, 1.15)]
    found = compare_matching(*sides, floors=lambda a, b: load_noise_floor(store, a, b))
    one, many = (comparison for comparison in found if comparison.measure == "latency")
    assert (one.verdict, many.verdict) == ("slower", "inconclusive")
    assert "noise floor of 3 pairs" in one.reason
    assert "'zoo calibrate' measures it for this scenario" in many.reason
