"""What a plugin's dataset that downloads nothing is built on.

TFDS encodes arrays and writes records by TensorFlow. With images encoded by `png` and this builder's own writer, a
dataset is prepared the same where there is no TensorFlow.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from zoo.data import records


class EmbeddedBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[misc,call-arg]  # untyped
    """A TFDS builder whose `_split_generators` returns, by split, an iterator over keys and examples.

    An example is `{"image": png(…), "label": …}`. Keys are unique in a split; the order is that of the keys' hashes.
    """

    def _generate_examples(self) -> Iterator[Any]:
        raise NotImplementedError  # TFDS wants the method; what `_split_generators` returns are iterators already

    def _example_writer(self) -> Any:
        return RecordWriter(self.info.file_format)


class RecordWriter(tfds.core.ExampleWriter):  # type: ignore[misc]  # TFDS is untyped
    """Writes TFRecord files without TensorFlow."""

    def write(self, path: Any, examples: Iterable[tuple[Any, bytes]]) -> None:
        """See `tfds.core.ExampleWriter`."""
        records.write(Path(path), (record for _, record in examples))


def png(image: np.ndarray[Any, Any]) -> bytes:
    """An image as the content of a PNG file.

    :param image: uint8, (height, width) or (height, width, 3).
    """
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()
