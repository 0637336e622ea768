"""The dataset that is drawn: the same everywhere, of what its spec declares, and its classes are its shapes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import Zoo

drawing = pytest.importorskip("zoo_shapes.drawing")

NUMBERS = st.integers(0, 10_000)


@settings(max_examples=20, deadline=None)
@given(split=st.sampled_from(["train", "test"]), number=NUMBERS)
def test_a_picture_follows_from_its_split_and_its_number(split: str, number: int) -> None:
    np.random.seed(number)  # makes no difference
    image, label = drawing.draw(split, number)
    again, _ = drawing.draw(split, number)
    assert (image == again).all()
    assert (image.shape, image.dtype, label) == ((32, 32, 3), np.uint8, number % 10)
    other, _ = drawing.draw("test" if split == "train" else "train", number)
    assert (image != other).any()


AXIS = np.linspace(-1.1, 1.1, 2000)
AREAS = {name: shape(*np.meshgrid(AXIS, AXIS)).mean() * 2.2**2 for name, shape in drawing.SHAPES.items()}


@pytest.mark.parametrize("name", drawing.SHAPES)
@settings(max_examples=10, deadline=None)
@given(turn=st.floats(0, 7), radius=st.floats(*drawing.RADII))
@example(turn=0.0, radius=7.5)
def test_a_shape_keeps_its_area_however_it_is_turned(name: str, turn: float, radius: float) -> None:
    """An edge along a row of points is off by at most half a row, with 16 rows to a pixel. The longest outline of such
    edges, the cross', is 7.52 radii long: 7.52 / 32 / 7 = 0.034 radii² at the smallest radius."""
    share = drawing.covered(drawing.SHAPES[name], np.array([16.0, 16.0]), radius, turn, fine=16)
    assert 0 <= share.min() <= share.max() <= 1
    assert share.sum() / radius**2 == pytest.approx(AREAS[name], abs=0.035)
    border = np.concatenate([share[0], share[-1], share[:, 0], share[:, -1]])
    assert border.sum() == 0  # all of it lies in the circle of that radius


def test_shapes_can_be_told_apart_by_their_areas_or_outlines() -> None:
    axis = np.linspace(-1, 1, 400)
    masks = [shape(*np.meshgrid(axis, axis)) for shape in drawing.SHAPES.values()]
    for index, one in enumerate(masks):
        for other in masks[:index]:
            assert (one != other).mean() > 0.02


def test_it_is_declared_without_importing_what_draws_it() -> None:
    script = (
        "import sys, zoo_shapes; sys.exit(str([m for m in ('numpy', 'tensorflow_datasets') if m in sys.modules] or ''))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.strip() == ""


@pytest.mark.real
def test_what_is_drawn_here_is_what_the_spec_declares(zoo: Zoo) -> None:
    done = zoo("data", "verify", "shapes", "--json")  # compares the digests
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["class_names"] == list(drawing.SHAPES)
    for split, images in (("train", 4000), ("test", 1000)):
        assert found["splits"][split]["images_by_class"] == [images // 10] * 10
