"""How fast JPEG photos become a model's input: the zoo, and tf.data with TensorFlow's JPEG decoder, on the same cores.

    taskset -c 0,1 python benchmarks/decoding.py --images 2000

Photos of 500 × 375 pixels are drawn into a temporary folder. Each round reads all of them once by each way, in random
order, so that what else the machine does meets all alike. `zoo` decodes, crops and resizes as `zoo train` does. The
pipeline of `tf.data` is `decode_jpeg`, a crop and `tf.image.resize`, in as many threads as it likes. The zoo's second
epoch comes from its cache.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT, SIDE = 500, 375, 224
BATCH = 64


def main() -> None:
    """Draw the photos, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["ZOO_HOME"] = str(Path(name) / "home")
        folder = Path(name) / "photos"
        draw(folder, arguments.images)
        ways: dict[str, Callable[[], int]] = {
            "zoo": lambda: by_the_zoo(folder),
            "tf.data": lambda: by_tensorflow(folder, antialias=False),
            "tf.data, antialiased as the zoo": lambda: by_tensorflow(folder, antialias=True),
            "zoo, first epoch, which fills the cache": lambda: from_the_cache(folder, fresh=True),
            "zoo, second epoch, from the cache": lambda: from_the_cache(folder, fresh=False),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for way in ways:
            ways[way]()  # imports, threads and the disk's cache
        order = list(ways)
        for _ in range(arguments.rounds):
            random.shuffle(order)
            for way in order:
                if "second" in way:
                    from_the_cache(folder, fresh=False)  # whatever came before, the cache is there
                start = time.perf_counter()
                count = ways[way]()
                seconds[way].append(time.perf_counter() - start)
                if count != arguments.images:
                    raise SystemExit(f"{way} read {count} images and not {arguments.images}")
        report(seconds, arguments.images)


def draw(folder: Path, count: int) -> None:
    """Photos of smooth colours with some noise: about 70 kB each, as a camera's would be at this size."""
    draws = np.random.default_rng(0)
    (folder / "train" / "photo").mkdir(parents=True)
    noise = draws.normal(0, 8, (HEIGHT, WIDTH, 3))
    for number in range(count):
        coarse = Image.fromarray(draws.integers(0, 255, (24, 32, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
        file = io.BytesIO()
        Image.fromarray((smooth + noise).clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
        (folder / "train" / "photo" / f"{number:06}.jpg").write_bytes(file.getvalue())


def by_the_zoo(folder: Path) -> int:
    """Decode them all, a batch at a time; nothing is kept."""
    from zoo.data.fit import Fit
    from zoo.data.folder_images import read

    examples = [(str(path), 0) for path in sorted((folder / "train" / "photo").iterdir())]
    return sum(len(images) for images, _ in read(examples, BATCH, Fit(resize="crop", height=SIDE, width=SIDE)))


def by_tensorflow(folder: Path, *, antialias: bool) -> int:
    """The same by tf.data: decode, crop the centre to a square, resize bilinearly, to 8 bits."""
    import tensorflow as tf

    def photo(path: tf.Tensor) -> tf.Tensor:
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        left = (WIDTH - HEIGHT) // 2
        square = image[:, left : left + HEIGHT]
        resized = tf.image.resize(square, (SIDE, SIDE), antialias=antialias)
        return tf.cast(tf.round(resized), tf.uint8)

    paths = [str(path) for path in sorted((folder / "train" / "photo").iterdir())]
    rows = tf.data.Dataset.from_tensor_slices(paths).map(photo, tf.data.AUTOTUNE)
    return sum(len(images) for images in rows.batch(BATCH).prefetch(tf.data.AUTOTUNE).as_numpy_iterator())


def from_the_cache(folder: Path, *, fresh: bool) -> int:
    """An epoch as `zoo train` reads it: once decoded, pixels are mapped from the cache. Every pixel is touched."""
    import shutil

    from zoo import index
    from zoo.data.catalog import find
    from zoo.data.load import load

    if fresh:
        shutil.rmtree(Path(index.cache_folder()) / "images", ignore_errors=True)
    dataset = find(f"folder:{folder}", {}).fitted((SIDE, SIDE, 3), "crop")
    images = [load(dataset, split).images for split in dataset.splits]
    return sum(len(some) for some in images if some.max() <= 255)


def report(seconds: dict[str, list[float]], images: int) -> None:
    """Medians, and each round's ratio to the zoo's."""
    print(f"{images:,} photos of {WIDTH}×{HEIGHT} to {SIDE}×{SIDE}, {os.cpu_count()} cores")
    for way, times in seconds.items():
        ratios = sorted(theirs / ours for theirs, ours in zip(times, seconds["zoo"], strict=True))
        print(
            f"{way:<42}{images / statistics.median(times):>10,.0f} images/s   time × that of zoo: "
            f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})"
        )
    second = zip(
        seconds["zoo, first epoch, which fills the cache"], seconds["zoo, second epoch, from the cache"], strict=True
    )
    print(f"second epoch against the first: {statistics.median(first / later for first, later in second):.1f} ×")


if __name__ == "__main__":
    main()
