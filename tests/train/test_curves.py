"""The picture of a history: well-formed, in scale, and ticks that hold what they are for."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.train.curves import HEIGHT, WIDTH, draw, ticks

QUICK = settings(max_examples=100, deadline=None, database=None, derandomize=True)
SVG = "{http://www.w3.org/2000/svg}"


def line(epoch: int, **more: float) -> dict[str, float]:
    return {"epoch": epoch, "loss": 2 / epoch, "accuracy": 1 - 1 / epoch, "learning_rate": 0.1 / epoch, **more}


def curves(text: str) -> list[list[tuple[float, float]]]:
    found = ElementTree.fromstring(text).iter(f"{SVG}polyline")
    return [[tuple(map(float, p.split(","))) for p in curve.get("points", "").split()] for curve in found]


def test_a_curve_for_each_of_loss_accuracy_and_learning_rate() -> None:
    text = draw("toy <&>", [line(epoch) for epoch in range(1, 11)])
    loss, accuracy, rate = curves(text)
    assert [len(loss), len(accuracy), len(rate)] == [10, 10, 10]
    assert [x for x, _ in loss] == pytest.approx([WIDTH * epoch / 10 for epoch in range(1, 11)])
    assert loss[0] == pytest.approx((WIDTH / 10, 0))  # the largest loss, 2, is the last tick
    assert accuracy[0][1] == HEIGHT
    assert ElementTree.fromstring(text).find(f"{SVG}title").text == "toy <&>"


def test_a_tuning_run_has_its_curves_too() -> None:
    history = [line(epoch, tuning_loss=3 / epoch, tuning_accuracy=0.5) for epoch in (1, 2, 3)]
    assert len(curves(draw("toy", history))) == 5


def test_one_epoch_is_enough() -> None:
    assert len(curves(draw("toy", [line(1)]))) == 3


@QUICK
@given(st.floats(1e-9, 1e9))
def test_ticks_reach_just_beyond_the_value(high: float) -> None:
    found = ticks(0, high)
    assert found[0] == 0
    assert found[-1] >= high * (1 - 1e-6)
    assert len(found) == 1 or found[-2] < high
    assert 3 <= len(found) <= 8


@QUICK
@given(st.integers(1, 1000))
def test_epochs_have_whole_ticks(epochs: int) -> None:
    found = ticks(0, epochs, whole=True)
    assert all(math.floor(tick) == tick for tick in found)
    assert found[-1] >= epochs
    assert len(found) <= 8
