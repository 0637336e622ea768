"""Shapes on a plane, and pictures of them."""

import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

SIZE = 32  # pixels, of an image's height and width
FINE = 2  # points on each side of a pixel; its colour is the mean over them
RADII = (7.0, 13.0)  # pixels, of the circle around a shape
CONTRAST = 0.25  # least distance of the two colours, from black to white being 1
NOISE = 0.04  # standard deviation


def polygon(sides: int) -> Callable[[Array, Array], Array]:
    """A regular polygon in the unit circle."""
    return lambda x, y: on_inner_side(x, y, sides, math.cos(math.pi / sides)) == sides


def on_inner_side(x: Array, y: Array, lines: int, distance: float) -> Array:
    """Of how many lines a point lies on the inner side; they stand around the centre, at one distance from it."""
    angles = [2 * math.pi * line / lines for line in range(lines)]
    within = (x * math.cos(angle) + y * math.sin(angle) <= distance for angle in angles)
    return sum(within, start=np.zeros(x.shape, int))


# Each says which points (x, y) of the plane belong to the shape; all lie in the unit circle.
SHAPES: dict[str, Callable[[Array, Array], Array]] = {
    "circle": lambda x, y: x**2 + y**2 <= 1,
    "ring": lambda x, y: (x**2 + y**2 <= 1) & (x**2 + y**2 >= 0.3),
    "crescent": lambda x, y: (x**2 + y**2 <= 1) & ((x - 0.5) ** 2 + y**2 >= 0.64),
    "semicircle": lambda x, y: (x**2 + y**2 <= 1) & (x <= 0),
    "triangle": polygon(3),
    "square": polygon(4),
    "pentagon": polygon(5),
    "hexagon": polygon(6),
    "star": lambda x, y: on_inner_side(x, y, 5, math.cos(2 * math.pi / 5)) >= 4,  # the five lines of a pentagram
    "cross": lambda x, y: (np.maximum(abs(x), abs(y)) <= 0.94) & (np.minimum(abs(x), abs(y)) <= 0.3),
}


def draw(split: str, number: int) -> tuple[Array, int]:
    """One picture, the same at any time: the generator is one whose numbers NumPy promises never to change.

    :return: uint8, (32, 32, 3), and the number of its shape.
    """
    random = np.random.RandomState([zlib.crc32(split.encode()), number])
    label = number % len(SHAPES)
    radius = random.uniform(*RADII)
    centre = random.uniform(radius, SIZE - radius, size=2)
    turn = random.uniform(0, 2 * math.pi)
    ground, colour = two_colours(random)

    share = covered(list(SHAPES.values())[label], centre, radius, turn)[..., np.newaxis]
    picture = ground + share * (colour - ground) + random.normal(0, NOISE, (SIZE, SIZE, 3))
    return np.rint(255 * picture.clip(0, 1)).astype(np.uint8), label


def two_colours(random: np.random.RandomState) -> Array:
    """Two colours that can be told apart, (2, 3) in [0, 1]."""
    while True:
        colours = random.uniform(size=(2, 3))
        if abs(colours[0] - colours[1]).mean() >= CONTRAST:
            return colours


def covered(
    shape: Callable[[Array, Array], Array], centre: Array, radius: float, turn: float, fine: int = FINE
) -> Array:
    """How much of each pixel a shape covers, (32, 32) in [0, 1].

    :param fine: points on each side of a pixel.
    """
    points = (np.arange(SIZE * fine) + 0.5) / fine
    x, y = np.meshgrid((points - centre[0]) / radius, (points - centre[1]) / radius)
    cos, sin = math.cos(turn), math.sin(turn)
    inside = shape(cos * x + sin * y, cos * y - sin * x)
    return inside.reshape(SIZE, fine, SIZE, fine).mean(axis=(1, 3))
