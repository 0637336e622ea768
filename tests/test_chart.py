"""Charts: axes that hold what is drawn, and SVG that is well-formed whatever the labels are."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.chart import HEIGHT, WIDTH, Curve, Panel, decades, sheet, ticks

QUICK = settings(max_examples=100, deadline=None, database=None, derandomize=True)
SVG = "{http://www.w3.org/2000/svg}"
values = st.floats(0, 1e6, allow_subnormal=False).filter(lambda v: v == 0 or v > 1e-6)
positive = st.floats(1e-8, 1e8)


@QUICK
@given(values, values, st.booleans())
def test_ticks_are_even_and_hold_the_range(a: float, b: float, whole: bool) -> None:
    low, high = sorted((a, b))
    found = ticks(low, high, whole=whole)
    assert 2 <= len(found) <= 9
    assert found[0] <= low + 1e-6 * max(1, abs(low))
    assert found[-1] >= high - 1e-6 * max(1, abs(high))
    steps = [y - x for x, y in itertools.pairwise(found)]
    assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-6)
    if whole:
        assert all(tick == int(tick) for tick in found)


@QUICK
@given(positive, positive)
def test_decades_hold_the_range(a: float, b: float) -> None:
    low, high = sorted((a, b))
    found = decades(low, high)
    assert len(found) >= 2
    assert found[0] <= low * (1 + 1e-6)
    assert found[-1] >= high * (1 - 1e-6)
    assert found[0] > low / 10.001


def lines(panel: Panel) -> list[list[tuple[float, float]]]:
    root = ElementTree.fromstring(sheet("a sheet", [[panel]]))
    return [
        [(float(x), float(y)) for x, y in (point.split(",") for point in line.attrib["points"].split())]
        for line in root.iter(f"{SVG}polyline")
    ]


@QUICK
@given(st.lists(st.tuples(st.integers(0, 1000), values), min_size=1, max_size=30), st.booleans())
def test_every_point_lies_within_its_panel(points: list[tuple[int, float]], logarithmic: bool) -> None:
    panel = Panel("p", "x", [Curve("c", "red", sorted(points))], whole=True, logarithmic=logarithmic)
    (drawn,) = lines(panel)
    assert len(drawn) == sum(y > 0 for _, y in points) if logarithmic else len(points)
    assert all(-0.1 <= x <= WIDTH + 0.1 and -0.1 <= y <= HEIGHT + 0.1 for x, y in drawn)


def test_a_larger_value_is_drawn_higher_and_a_decade_is_as_long_as_the_next() -> None:
    panel = Panel("p", "x", [Curve("c", "red", [(0, 1.0), (1, 10.0), (2, 100.0)])], logarithmic=True)
    ((_, low), (_, middle), (_, high)) = lines(panel)[0]
    assert low > middle > high
    assert low - middle == pytest.approx(middle - high, abs=0.2)


def test_labels_are_escaped_and_the_same_data_give_the_same_file() -> None:
    panel = Panel("<b>", "x & y", [Curve('"c"</svg>', "red", [(0, 1), (1, 2)]), Curve("empty", "blue", [])])
    drawn = sheet("a < b", [[panel, panel], [panel]])
    texts = [text.text for text in ElementTree.fromstring(drawn).iter(f"{SVG}text")]
    assert {"a < b", "<b>", "x & y", '"c"</svg>', "empty"} <= set(texts)
    assert drawn == sheet("a < b", [[panel, panel], [panel]])
