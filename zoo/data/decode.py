"""From the bytes of an image file to its pixels: upright, 8 bits a channel, RGB or grey, without transparency.

Every part of the zoo that looks at an image file comes through here, so that training, scoring and every runtime see
the same pixels.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import warnings
from typing import TYPE_CHECKING, Any

from zoo.data.fit import Fit, fitted
from zoo.paths import reason
from zoo.text import line

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

# Of Pillow's plugins only these may look at a file: others start programs (EPS) or are little tested.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
MOST_PIXELS = 2**27  # a photo of 108 megapixels is less; a larger one is taken for a decompression bomb
MOST_BYTES = 2**28
BEHIND = (255, 255, 255, 255)  # white, what shows through a transparent image
MODES = {1: "L", 3: "RGB"}
DEEP = ("I;16", "I;16L", "I;16B", "I;16N")
KINDS = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder"}
ORIENTATION = 0x0112  # EXIF's tag


class DamagedError(ValueError):
    """A file that can't be used as an image. The message is a line that follows the file's name and a colon."""


def read_file(path: str) -> bytes:
    """The content of a regular file. A FIFO or a device is never waited for.

    :raises DamagedError: if it is none, can't be read, or has more than `MOST_BYTES`.
    """
    try:
        _check_regular(os.stat(path))  # before it is opened, which a device may take for a command
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            _check_regular(found)
            if found.st_size > MOST_BYTES:
                raise DamagedError(f"it is larger than {MOST_BYTES // 2**20} MiB")
            return file.read()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise DamagedError("it is a link that leads to itself") from None
        raise DamagedError(reason(error)) from None


def _check_regular(found: os.stat_result) -> None:
    if (kind := stat.S_IFMT(found.st_mode)) != stat.S_IFREG:
        raise DamagedError(f"it is {KINDS.get(kind, 'a device')}, not a file")


def pixels(content: bytes, channels: int = 3, fit: Fit | None = None) -> np.ndarray[Any, Any]:
    """The pixels of an image file, whatever its name: PNG, JPEG, WebP, BMP, TIFF or GIF, the first image in it.

    :param channels: 3, or 1 for grey: ITU-R BT.601's luma of the colours.
    :param fit: what size to bring the image to; None leaves it.
    :return: uint8, (height, width, channels).
    :raises DamagedError: if it can't be decoded, or would take more than `MOST_PIXELS`.
    """
    import numpy as np

    # Pillow warns of odd metadata, and of sizes that are checked here. Threads decode, so the filter stays.
    warnings.filterwarnings("ignore", module=r"PIL\b")
    try:
        image = _upright(content, MODES[channels])
        found = np.asarray(image if fit is None else fitted(image, fit))
    except DamagedError:
        raise
    except Exception as error:  # a damaged file makes Pillow raise nearly anything
        raise DamagedError(_said(error)) from None
    return found if found.ndim == 3 else found[..., np.newaxis]


def _upright(content: bytes, mode: str) -> Image.Image:
    """The image in one of the `MODES`, turned as its metadata say that it was held."""
    from PIL import Image

    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        if image.width * image.height > MOST_PIXELS:
            raise DamagedError(f"it has {image.width:,} × {image.height:,} pixels, and {MOST_PIXELS:,} are the most")
        image.load()
        orientation = _orientation(image)
        plain = _opaque(_eight_bits(image))
        turn = _turns().get(orientation)
        plain = plain if plain.mode == mode else plain.convert(mode)
        return plain if turn is None else plain.transpose(turn)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits by its upper 8, as Pillow itself reads colours of 16 bits.

    :raises DamagedError: for other numbers of bits: nothing says which value is white.
    """
    if image.mode in DEEP:
        import numpy as np
        from PIL import Image

        values = np.asarray(image).astype(np.uint16)
        grey = Image.fromarray((values >> 8).astype(np.uint8))
        if isinstance(clear := image.info.get("transparency"), int):
            grey.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
        return grey
    if image.mode in ("I", "F"):
        raise DamagedError("it has 32 bits a channel, and nothing says which value is white; convert it to 8 or 16")
    return image


def _opaque(image: Image.Image) -> Image.Image:
    """The image before `BEHIND` where it has transparent pixels; as RGB or L."""
    from PIL import Image

    if image.has_transparency_data:
        behind = Image.new("RGBA", image.size, BEHIND)
        return Image.alpha_composite(behind, image.convert("RGBA")).convert("RGB")
    return image if image.mode in MODES.values() else image.convert("RGB")


def _orientation(image: Image.Image) -> int:
    """EXIF's number of how the camera was held; 1, upright, where there is none or it is damaged."""
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # damaged metadata make Pillow raise nearly anything, and viewers pass over them
        return 1


def _turns() -> dict[int, Image.Transpose]:
    from PIL.Image import Transpose

    return {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }


def _said(error: Exception) -> str:
    """What Pillow raised, as a line."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return f"it is none of {', '.join(FORMATS)}"
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {MOST_PIXELS:,} pixels"
    if isinstance(error, MemoryError):
        return "decoding it takes more memory than there is"
    if isinstance(error, OSError):
        return line(reason(error))
    return line(str(error)) or type(error).__name__
