"""A contact sheet: some images of every class, its name beside them. Runs in a worker."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.catalog import Dataset
from zoo.data.load import batches, load
from zoo.errors import DataError
from zoo.files import write_atomic

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image, ImageFont

    Array = np.ndarray[Any, Any]

MOST_CLASSES = 100
ACROSS = 8  # tiles in a row of captioned images
TILE = 64  # pixels that an image should have at least, and, if it has to be made smaller, at most half as many again
MARGIN, GAP, COLUMN_GAP = 24, 6, 36
TITLE_SIZE, LABEL_SIZE, LABEL_MOST = 20, 15, 190
SYSTEM_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial Unicode.ttf", "Arial.ttf")
INK, SOFT, PAPER = "#1a1a1a", "#6b6b6b", "#ffffff"


def draw(job: Mapping[str, Any], report: Callable[..., None]) -> dict[str, Any]:
    """Draw `job["split"]` of `job["dataset"]` into the PNG file `job["output"]`.

    :raises DataError: if the images can't be read, or have a number of channels that can't be shown.
    """
    dataset, split = Dataset.from_json(job["dataset"]), job["split"]
    report("phase", name="read")
    names = job["class_names"][:MOST_CLASSES]
    images = choose(dataset, split, len(names), per_class(len(names)))
    report("phase", name="draw")
    sheet = contact_sheet(images, names, _title(dataset, split, images))
    file = io.BytesIO()
    sheet.save(file, "PNG", optimize=True)
    write_atomic(Path(job["output"]), file.getvalue())
    return {"path": job["output"], "width": sheet.width, "height": sheet.height}


def draw_chosen(job: Mapping[str, Any], report: Callable[..., None]) -> dict[str, Any]:
    """Draw the images `job["indices"]` of `job["split"]`, each over its caption, into the PNG file `job["output"]`.

    :raises DataError: if the split can't be read, or is not the one whose digest is `job["sha256"]`.
    """
    dataset, split = Dataset.from_json(job["dataset"]), job["split"]
    report("phase", name="read")
    images = load(dataset, split)
    if images.digest != job["sha256"]:
        raise DataError(f"{dataset.name} {split} has changed since it was scored; measure again")
    report("phase", name="draw")
    sheet = captioned([images.images[i] for i in job["indices"]], job["captions"], job["title"])
    file = io.BytesIO()
    sheet.save(file, "PNG", optimize=True)
    write_atomic(Path(job["output"]), file.getvalue())
    return {"path": job["output"], "width": sheet.width, "height": sheet.height}


def captioned(images: Sequence[Array], captions: Sequence[Sequence[str]], title: str) -> Image.Image:
    """Tiles in rows of eight, each over its lines of caption."""
    from PIL import Image, ImageDraw

    every = [line for lines in captions for line in lines]
    font, large = (_font(size, "".join([title, *every])) for size in (LABEL_SIZE, TITLE_SIZE))
    tiles = [_tile(image) for image in images]
    across = min(ACROSS, len(tiles))
    lines = [[_shortened(line, font) for line in caption] for caption in captions]
    widest = max(math.ceil(font.getlength(line)) for caption in lines for line in caption)
    width = max(widest, max(tile.width for tile in tiles)) + COLUMN_GAP
    high = max(tile.height for tile in tiles)
    height = high + GAP + max(map(len, lines)) * (LABEL_SIZE + 4) + MARGIN
    top = MARGIN + TITLE_SIZE + MARGIN
    whole = 2 * MARGIN + max(across * width - COLUMN_GAP, math.ceil(large.getlength(title)))
    sheet = Image.new("RGB", (whole, top + math.ceil(len(tiles) / across) * height), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, MARGIN + TITLE_SIZE / 2), title, INK, large, anchor="lm")
    for i, (tile, caption) in enumerate(zip(tiles, lines, strict=True)):
        left, y = MARGIN + i % across * width, top + i // across * height
        sheet.paste(tile, (left, y + high - tile.height))
        for number, line in enumerate(caption):
            below = y + high + GAP + number * (LABEL_SIZE + 4) + LABEL_SIZE / 2
            pen.text((left, below), line, SOFT if number else INK, font, anchor="lm")
    return sheet


def per_class(classes: int) -> int:
    """How many images of each class make a sheet of a good shape."""
    return 10 if classes <= 20 else 6 if classes <= 50 else 5


def choose(dataset: Dataset, split: str, classes: int, count: int) -> list[list[Array]]:
    """The first images of each class, in the split's order; reads no further than it must."""
    chosen: list[list[Array]] = [[] for _ in range(classes)]
    for images, labels in batches(dataset, split, on_damaged=(lambda _: None) if dataset.skip_damaged else None):
        for image, label in zip(images, labels, strict=True):
            if 0 <= label < classes and len(chosen[label]) < count:
                chosen[label].append(image)
        if all(len(images) == count for images in chosen):
            break
    return chosen


def contact_sheet(images: Sequence[Sequence[Array]], names: Sequence[str], title: str) -> Image.Image:
    """Rows of tiles, a class each, in as many columns of rows as make the sheet about as wide as high."""
    from PIL import Image, ImageDraw

    font, large = (_font(size, "".join([title, *names])) for size in (LABEL_SIZE, TITLE_SIZE))
    tiles = [[_tile(image) for image in row] for row in images]
    if not any(tiles):
        raise DataError("there are no images with labels to draw")
    cell = [max(tile.size[side] for row in tiles for tile in row) for side in (0, 1)]
    across = max(len(row) for row in tiles)
    labels = [_shortened(name, font) for name in names]
    label_width = max(math.ceil(font.getlength(label)) for label in labels)
    block = label_width + 2 * GAP + across * (cell[0] + GAP)
    columns = max(1, round(math.sqrt(len(tiles) * (cell[1] + GAP) / block)))
    rows = math.ceil(len(tiles) / columns)
    columns = math.ceil(len(tiles) / rows)

    top = MARGIN + TITLE_SIZE + MARGIN
    width = 2 * MARGIN + columns * block + (columns - 1) * COLUMN_GAP - GAP
    width = max(width, 2 * MARGIN + math.ceil(large.getlength(title)))
    sheet = Image.new("RGB", (width, top + rows * (cell[1] + GAP) - GAP + MARGIN), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, MARGIN + TITLE_SIZE / 2), title, INK, large, anchor="lm")
    for i, (label, row) in enumerate(zip(labels, tiles, strict=True)):
        left = MARGIN + (i // rows) * (block + COLUMN_GAP)
        y = top + (i % rows) * (cell[1] + GAP)
        pen.text((left + label_width, y + cell[1] / 2), label, INK if row else SOFT, font, anchor="rm")
        for j, tile in enumerate(row):
            x = left + label_width + 2 * GAP + j * (cell[0] + GAP)
            sheet.paste(tile, (x + (cell[0] - tile.width) // 2, y + (cell[1] - tile.height) // 2))
    return sheet


def _tile(image: Array) -> Image.Image:
    """Small images enlarged by a whole number, pixels left square; large ones made smaller."""
    from PIL import Image

    channels = image.shape[-1]
    if channels not in (1, 3, 4):
        raise DataError(f"images of {channels} channels can't be drawn")
    picture = Image.fromarray(image[..., 0] if channels == 1 else image).convert("RGB")
    longest = max(picture.size)
    if longest > TILE * 3 // 2:
        scale = TILE * 3 / 2 / longest
        size = [max(1, round(side * scale)) for side in picture.size]
        return picture.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    scale = max(1, round(TILE / longest))
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def _font(size: int, text: str) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, which has little but ASCII; for other text one of the system's, where it has one of these."""
    from PIL import ImageFont

    if not text.isascii():
        for name in SYSTEM_FONTS:
            with contextlib.suppress(OSError):
                return ImageFont.truetype(name, size)
    return ImageFont.load_default(size)


def _shortened(name: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    if font.getlength(name) <= LABEL_MOST:
        return name
    while name and font.getlength(f"{name}…") > LABEL_MOST:
        name = name[:-1]
    return f"{name.rstrip()}…"


def _title(dataset: Dataset, split: str, images: Sequence[Sequence[Array]]) -> str:
    name = Path(dataset.folder).name if dataset.is_folder else f"{dataset.name} {dataset.version}"
    sizes = {image.shape[:2] for row in images for image in row}
    size = " of several sizes" if len(sizes) > 1 else "".join(f" of {w} by {h} pixels" for h, w in sizes)
    of = f" (the first {len(images):,})" if len(images) < dataset.classes else ""
    return f"{name}, {split}: {dataset.splits[split]:,} images{size}, {dataset.classes:,} classes{of}"
