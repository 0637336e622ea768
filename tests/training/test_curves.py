"""The picture of a history: a curve for each of its columns, in scale."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from zoo.chart import HEIGHT, WIDTH
from zoo.training.curves import draw

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
