"""The contact sheet, by its pixels."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.data.sheet import GAP, MARGIN, TILE, contact_sheet, per_class
from zoo.errors import DataError

RED, GREEN = (200, 30, 40), (20, 180, 60)


def plain(colour: tuple[int, ...], height: int = 8, width: int = 8) -> np.ndarray:
    return np.full((height, width, len(colour)), colour, np.uint8)


def count(sheet: object, colour: tuple[int, ...]) -> int:
    return int((np.asarray(sheet) == colour).all(-1).sum())


def test_every_image_is_drawn_whole() -> None:
    sheet = contact_sheet([[plain(RED)] * 3, [plain(GREEN)] * 2], ["red", "green"], "title")
    assert count(sheet, RED) == 3 * TILE * TILE
    assert count(sheet, GREEN) == 2 * TILE * TILE


def test_small_images_keep_square_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 200, (8, 8, 3), np.uint8)
    sheet = np.asarray(contact_sheet([[image]], ["a"], "t"))
    enlarged = image.repeat(TILE // 8, 0).repeat(TILE // 8, 1)
    places = np.lib.stride_tricks.sliding_window_view(sheet, enlarged.shape)[:, :, 0]
    assert (places == enlarged).all((2, 3, 4)).sum() == 1


def test_large_images_are_made_smaller_in_proportion() -> None:
    sheet = contact_sheet([[plain(RED, 200, 400)]], ["a"], "t")
    assert count(sheet, RED) == 96 * 48


def test_images_of_several_sizes_are_drawn_whole_too() -> None:
    sheet = contact_sheet([[plain(RED, 200, 400), plain(GREEN, 400, 200)]], ["a"], "t")
    assert count(sheet, RED) == count(sheet, GREEN) == 96 * 48


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_grey_colour_and_transparency_can_be_drawn(channels: int) -> None:
    sheet = contact_sheet([[plain((77,) * 3 + (255,) if channels == 4 else (77,) * channels)]], ["a"], "t")
    assert count(sheet, (77, 77, 77)) == TILE * TILE


def test_other_channels_are_refused() -> None:
    with pytest.raises(DataError, match="2 channels"):
        contact_sheet([[plain((1, 2))]], ["a"], "t")


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(DataError, match="no images"):
        contact_sheet([[], []], ["a", "b"], "t")


@pytest.mark.parametrize("classes", [1, 2, 10, 37, 100])
def test_a_sheet_of_any_number_of_classes_is_not_far_from_square(classes: int) -> None:
    images = [[plain(RED, 32, 32)] * per_class(classes)] * classes
    sheet = contact_sheet(images, [f"class {i}" for i in range(classes)], "t")
    assert count(sheet, RED) == classes * per_class(classes) * TILE * TILE
    if classes >= 10:
        assert 0.5 < sheet.width / sheet.height < 2


def test_names_are_beside_the_images_and_long_ones_are_shortened() -> None:
    short = contact_sheet([[plain(RED)]], ["a"], "t")
    longer = contact_sheet([[plain(RED)]], ["a name"], "t")
    longest = contact_sheet([[plain(RED)]], ["a very long name " * 20], "t")
    assert short.width < longer.width < longest.width < 500
    assert short.height == longest.height
    left = np.asarray(short)[-MARGIN - TILE : -MARGIN, : short.width - MARGIN - TILE - GAP]
    assert left.min() < 100  # ink


@pytest.mark.parametrize("name", ["größe", "鸟", "🐦", "a\nb"])
def test_any_name_can_be_drawn(name: str) -> None:
    sheet = contact_sheet([[plain(RED)]], [name], "t")
    assert count(sheet, RED) == TILE * TILE
