"""How an image of any size is brought to the size of a model's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.choices import RESIZES
from zoo.plain import Plain

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit(Plain):
    """A size in pixels, and how images come to it.

    Attributes:
        resize: `"crop"` scales the image until it covers the size and keeps the centre; `"squash"` scales height and
            width apart; `"pad"` scales the image until it lies within the size and puts black around it.
        height, width: of every image afterwards.
    """

    resize: str
    height: int
    width: int

    def __post_init__(self) -> None:
        if self.resize not in RESIZES:
            raise ValueError(f"resize must be one of {', '.join(RESIZES)}")


def fitted(image: Image.Image, fit: Fit) -> Image.Image:
    """The image at its new size: bilinear, each new pixel averaged over all old ones that it covers (antialiased).

    An image that has the size already is returned as it is.

    :param image: of Pillow's mode RGB or L.
    """
    from PIL import Image, ImageOps

    size = (fit.width, fit.height)
    if image.size == size:
        return image
    if fit.resize == "squash":
        return image.resize(size, Image.Resampling.BILINEAR)
    if fit.resize == "crop":
        return ImageOps.fit(image, size, Image.Resampling.BILINEAR)
    scale = min(fit.width / image.width, fit.height / image.height)
    inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    padded = Image.new(image.mode, size)
    place = ((fit.width - inner[0]) // 2, (fit.height - inner[1]) // 2)
    padded.paste(image.resize(inner, Image.Resampling.BILINEAR), place)
    return padded
