"""A Keras model as a LiteRT file (a flatbuffer) of a static batch size, by TensorFlow's own converter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from zoo.errors import ModelError


def convert(model: keras.Model, batch_size: int, calibration: np.ndarray[Any, Any] | None = None) -> bytes:
    """The model as the content of a file, in float32, or in int8 where there are images to calibrate it by.

    Input and output are float32 in any case.

    :param calibration: float32 (count, height, width, channels).
    :raises ModelError: if it can't be expressed by LiteRT's own operations.
    """
    signature = tf.TensorSpec((batch_size, *model.input_shape[1:]), tf.float32, name="images")
    function = tf.function(lambda images: model(images, training=False)).get_concrete_function(signature)
    # with its variables left in, the file would hold no weights
    frozen = convert_variables_to_constants_v2(function)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if calibration is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: _batches(calibration, batch_size)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    try:
        return bytes(converter.convert())
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise ModelError(f"{model.name} can't be converted to LiteRT: {reason}") from error


def _batches(images: np.ndarray[Any, Any], size: int) -> Iterator[list[np.ndarray[Any, Any]]]:
    """The images, batch by batch; the last batch is filled up by repeating."""
    for first in range(0, len(images), size):
        yield [np.resize(images[first : first + size], (size, *images.shape[1:]))]
