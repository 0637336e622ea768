"""Files of all forms come to the pixels that Pillow gives step by step, and what is no image is one line."""

from __future__ import annotations

import os
import socket
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from odd_images import OddImage, drawing, encoded, odd_images
from PIL import Image

from zoo.data.decode import MOST_BYTES, DamagedError, pixels, read_file
from zoo.data.fit import Fit

ODD = odd_images()
SIZES = [(32, 32), (20, 48), (64, 24)]  # height, width


def test_there_are_sixty_odd_files() -> None:
    assert len(ODD) >= 60
    assert len({odd.name for odd in ODD}) == len(ODD)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_every_form_gives_pillows_pixels(odd: OddImage) -> None:
    found = pixels(odd.content)
    assert found.dtype == np.uint8
    assert np.array_equal(found, np.asarray(odd.expected))
    assert np.array_equal(pixels(odd.content, 1)[..., 0], np.asarray(odd.expected.convert("L")))


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_every_form_comes_to_size_as_pillow_does_it(odd: OddImage) -> None:
    for height, width in SIZES:
        crop, squash, pad = (
            pixels(odd.content, fit=Fit(resize=resize, height=height, width=width))
            for resize in ("crop", "squash", "pad")
        )
        assert np.array_equal(crop, np.asarray(cropped(odd.expected, height, width)))
        assert np.array_equal(squash, np.asarray(odd.expected.resize((width, height), Image.Resampling.BILINEAR)))
        assert np.array_equal(pad, np.asarray(padded(odd.expected, height, width)))


def cropped(image: Image.Image, height: int, width: int) -> Image.Image:
    """The largest part of the image's centre that has the shape wanted, at the size wanted."""
    if image.width / image.height >= width / height:
        part = (width / height * image.height, image.height)
    else:
        part = (image.width, image.width / (width / height))
    left, top = (image.width - part[0]) * 0.5, (image.height - part[1]) * 0.5
    box = (left, top, left + part[0], top + part[1])
    return image.resize((width, height), Image.Resampling.BILINEAR, box=box)


def padded(image: Image.Image, height: int, width: int) -> Image.Image:
    scale = min(width / image.width, height / image.height)
    inner = image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.BILINEAR
    )
    black = Image.new("RGB", (width, height))
    black.paste(inner, ((width - inner.width) // 2, (height - inner.height) // 2))
    return black


@pytest.mark.parametrize("resize", ["crop", "squash", "pad"])
def test_an_image_of_the_size_wanted_keeps_its_pixels(resize: str) -> None:
    image = drawing("RGB", (20, 12))
    fit = Fit(resize=resize, height=12, width=20)
    assert np.array_equal(pixels(encoded(image, "png"), fit=fit), np.asarray(image))


def test_small_details_are_averaged_and_not_dropped() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    found = pixels(encoded(Image.fromarray(stripes), "png"), fit=Fit(resize="crop", height=8, width=8))
    assert np.abs(found.astype(int) - 127.5).max() < 8  # one of two columns alone would be 0 or 255


def test_a_clear_pixel_is_white_whatever_colour_it_hides() -> None:
    clear = Image.new("RGBA", (2, 1), (200, 10, 10, 0))
    clear.putpixel((1, 0), (200, 10, 10, 255))
    assert pixels(encoded(clear, "png")).tolist() == [[[255, 255, 255], [200, 10, 10]]]


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(encoded(drawing("RGB"), "webp", lossless=True))
    assert np.array_equal(pixels(read_file(str(tmp_path / "x.jpg"))), np.asarray(drawing("RGB")))


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"
PPM = b"P6 1 1 255\n\0\0\0"


@pytest.mark.parametrize("content", [b"", b"not an image", EPS, PPM, b"II*\0", b"GIF89a", b"\xff\xd8\xff", b"BM"])
def test_anything_else_is_one_line(content: bytes) -> None:
    with pytest.raises(DamagedError) as error:
        pixels(content)
    assert str(error.value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    "odd", [odd for odd in ODD if odd.name.startswith(("rgb.", "l.", "three."))], ids=lambda o: o.name
)
def test_a_file_that_was_cut_off_is_one_line_or_an_image(odd: OddImage) -> None:
    for share in (0.1, 0.3, 0.5, 0.8):
        try:
            found = pixels(odd.content[: int(len(odd.content) * share)])
        except DamagedError as error:
            assert str(error).isprintable()  # noqa: PT017 - a cut after the first of three images leaves one whole
        else:
            assert found.shape == np.asarray(odd.expected).shape


@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "bmp", "gif", "tiff"])
def test_half_a_file_is_refused(form: str) -> None:
    content = encoded(drawing("RGB", (300, 200)), form)
    with pytest.raises(DamagedError):
        pixels(content[: len(content) // 2])


def test_a_small_file_of_endless_size_is_refused_before_it_is_decoded() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )
    with pytest.raises(DamagedError, match="pixels"):
        pixels(bomb)


def test_values_without_a_white_are_refused() -> None:
    for values in (np.zeros((2, 2), np.float32), np.zeros((2, 2), np.int32)):
        with pytest.raises(DamagedError, match="32 bits a channel"):
            pixels(encoded(Image.fromarray(values), "tiff"))


def test_damaged_metadata_leave_the_image_as_it_is() -> None:
    content = encoded(drawing("RGB"), "jpeg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + bytes(20))
    assert pixels(content).shape == (21, 37, 3)


NO_FILES = {
    "missing": "no such file or directory",
    "folder": "it is a folder, not a file",
    "fifo": "it is a FIFO, not a file",
    "socket": "it is a socket, not a file",
    "loop": "it is a link that leads to itself",
    "device": "it is a device, not a file",
    "forbidden": "permission denied",
    "huge": "it is larger than 256 MiB",
}


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_is_one_line_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    path = tmp_path / "x.png"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        monkeypatch.chdir(tmp_path)  # a socket's path is short
        with socket.socket(socket.AF_UNIX) as end:
            end.bind("x.png")
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "forbidden":
        path.touch(0)
        if os.access(path, os.R_OK):
            pytest.skip("nothing is forbidden to this user")
    elif kind == "huge":
        with path.open("wb") as file:
            file.truncate(MOST_BYTES + 1)
    with pytest.raises(DamagedError) as error:
        read_file(str(path))
    assert str(error.value) == NO_FILES[kind]


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    content = encoded(drawing("RGB"), "png")
    (tmp_path / "x.png").write_bytes(content)
    assert read_file(str(tmp_path / "x.png")) == content
