"""A Keras model as an ONNX file of a static batch size, by Keras' own export, which uses tf2onnx."""

from __future__ import annotations

import tempfile
from pathlib import Path

import keras
import tensorflow as tf

from zoo.errors import ModelError


def convert(model: keras.Model, batch_size: int) -> bytes:
    """The model as the content of a file, in float32.

    :raises ModelError: if it can't be expressed by ONNX's operations.
    """
    signature = tf.TensorSpec((batch_size, *model.input_shape[1:]), tf.float32, name="images")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        try:
            model.export(str(file), format="onnx", input_signature=[signature], verbose=False)
            return file.read_bytes()
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise ModelError(f"{model.name} can't be converted to ONNX: {reason}") from error
