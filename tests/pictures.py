"""Pictures as people have them: of four kinds, in many sizes and formats, some held sideways.

python tests/pictures.py FOLDER NEW_PICTURE
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from zoo_shapes.drawing import SHAPES, draw

KINDS = ("cross", "ring", "star", "triangle")
EACH = 60
FORMATS = ("jpg", "JPG", "png", "webp", "bmp", "gif", "tiff")
ORIENTATION = 0x0112  # EXIF's tag
SIDEWAYS = 6
TURNED = {SIDEWAYS: Image.Transpose.ROTATE_90}


def make(folder: Path) -> None:
    """Sixty pictures of each kind, in `folder/KIND/`."""
    random = np.random.default_rng(0)
    counts = dict.fromkeys(KINDS, 0)
    names = list(SHAPES)
    number = 0
    while min(counts.values()) < EACH:
        image, label = draw("photos", number)
        number += 1
        kind = names[label]
        if kind not in counts or counts[kind] == EACH:
            continue
        counts[kind] += 1
        ending = FORMATS[int(random.integers(len(FORMATS)))]
        place = folder / kind / f"{kind}-{counts[kind]}.{ending}"
        place.parent.mkdir(parents=True, exist_ok=True)
        save(image, place, width=int(random.integers(48, 320)), sideways=bool(random.integers(2)))


def save(image: np.ndarray, place: Path, *, width: int, sideways: bool = False) -> None:  # type: ignore[type-arg]
    """One picture, enlarged to that width."""
    picture = Image.fromarray(image).resize((width, width), Image.Resampling.BICUBIC)
    if sideways and place.suffix.lower() == ".jpg":
        exif = Image.Exif()
        exif[ORIENTATION] = SIDEWAYS
        picture.transpose(TURNED[SIDEWAYS]).save(place, exif=exif, quality=95)
    else:
        picture.save(place)


def draw_new(place: Path) -> str:
    """A picture that is not among the others; returns what it shows."""
    kind = "star"
    number = next(number for number in range(len(SHAPES)) if draw("new", number)[1] == list(SHAPES).index(kind))
    save(draw("new", number)[0], place, width=240)
    return kind


if __name__ == "__main__":
    make(Path(sys.argv[1]))
    draw_new(Path(sys.argv[2]))
