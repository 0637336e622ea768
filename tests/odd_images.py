"""Image files of all forms, and what their pixels should be: made by Pillow alone, step by step."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

Array = np.ndarray[Any, Any]
WIDE, HIGH = (37, 21), (18, 45)


@dataclass(frozen=True)
class OddImage:
    """A file's content, and the image in it by Pillow: RGB, upright, without transparency."""

    name: str
    content: bytes
    expected: Image.Image


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def drawing(mode: str, size: tuple[int, int] = WIDE, seed: int = 0) -> Image.Image:
    """Smooth colours and some noise, in the mode."""
    random = np.random.default_rng(seed)
    height, width = size[1], size[0]
    y, x = np.mgrid[:height, :width]
    bands = [(x * 255 // width), (y * 255 // height), ((x + y) * 255 // (width + height))]
    smooth = np.stack(bands, axis=-1) + random.integers(0, 24, (height, width, 3))
    colours = Image.fromarray(smooth.clip(0, 255).astype(np.uint8))
    if mode in ("RGBA", "LA"):
        colours.putalpha(Image.fromarray((255 - x * 255 // width).astype(np.uint8)))
    return colours.convert(mode)


def reference(content: bytes) -> Image.Image:
    """The content as Pillow's documentation would have one do it."""
    image: Image.Image = Image.open(io.BytesIO(content))
    image.seek(0)
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image.convert("RGB")


def deep(values: Array) -> Image.Image:
    """16 bits by their upper 8."""
    return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")


def odd_images() -> list[OddImage]:
    """Some sixty of them: six formats, whatever modes each has, and every way of holding a camera."""
    found = []

    def add(name: str, content: bytes, expected: Image.Image | None = None) -> None:
        found.append(OddImage(name, content, expected if expected is not None else reference(content)))

    modes = {
        "png": ("RGB", "RGBA", "L", "LA", "1", "P"),
        "jpeg": ("RGB", "L", "CMYK"),
        "webp": ("RGB", "RGBA"),
        "bmp": ("RGB", "L", "1", "P"),
        "gif": ("RGB", "L", "P"),
        "tiff": ("RGB", "RGBA", "L", "LA", "1", "P", "CMYK", "YCbCr"),
    }
    for form, names in modes.items():
        for i, mode in enumerate(names):
            size = (WIDE, HIGH)[i % 2]
            lossless = {"lossless": True} if form == "webp" else {}
            add(f"{mode.lower()}.{form}", encoded(drawing(mode, size, i), form, **lossless))

    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        for form in ("jpeg", "png", "webp", "tiff"):
            add(f"held-{orientation}.{form}", encoded(drawing("RGB", HIGH, orientation), form, exif=exif))
    palette = drawing("RGB").quantize(16)
    add("palette-with-a-clear-colour.png", encoded(palette, "png", transparency=3))
    add("palette-with-half-clear-colours.png", encoded(palette, "png", transparency=bytes(range(0, 256, 16))))
    add("clear-colour.gif", encoded(palette, "gif", transparency=5))
    add("grey-with-a-clear-value.png", encoded(drawing("L").point(lambda v: v // 32 * 32), "png", transparency=64))
    add("colours-with-a-clear-one.png", encoded(Image.new("RGB", WIDE, (9, 8, 7)), "png", transparency=(9, 8, 7)))
    frames = [drawing("RGB", WIDE, seed) for seed in range(3)]
    for form in ("gif", "webp", "tiff", "png"):
        add(f"three.{form}", encoded(frames[0], form, save_all=True, append_images=frames[1:]))
    add("progressive.jpeg", encoded(frames[0], "jpeg", progressive=True))
    add("4:4:4.jpeg", encoded(frames[0], "jpeg", subsampling=0, quality=100))
    add("lossy.webp", encoded(frames[0], "webp", quality=40))
    add("with-text.png", encoded(frames[0], "png", pnginfo=_text()))
    add("compressed.tiff", encoded(frames[0], "tiff", compression="tiff_lzw"))
    add("jpeg-in.tiff", encoded(frames[0], "tiff", compression="jpeg"))
    add("one-pixel.png", encoded(drawing("RGB", (1, 1)), "png"))
    add("one-row.png", encoded(drawing("RGB", (200, 1)), "png"))
    add("one-column.gif", encoded(drawing("L", (1, 200)), "gif"))

    values = (np.arange(21 * 37, dtype=np.uint32).reshape(21, 37) * 84).astype(np.uint16)
    for form in ("png", "tiff"):
        add(f"deep.{form}", encoded(Image.fromarray(values), form), deep(values))
    return found


def _text() -> PngInfo:
    info = PngInfo()
    info.add_text("Comment", "a line\n" * 100)
    return info
