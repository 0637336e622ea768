"""A Keras model as an OpenVINO model of a static batch size, by OpenVINO's own TensorFlow front end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import openvino as ov
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from zoo.errors import ModelError


def convert(core: ov.Core, model: keras.Model, batch_size: int) -> ov.Model:
    """The model in float32.

    :raises ModelError: if it can't be expressed by OpenVINO's operations.
    """
    signature = tf.TensorSpec((batch_size, *model.input_shape[1:]), tf.float32, name="images")
    function = tf.function(lambda images: model(images, training=False)).get_concrete_function(signature)
    graph = convert_variables_to_constants_v2(function).graph.as_graph_def()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "frozen.pb"
        file.write_bytes(graph.SerializeToString())
        try:
            return core.read_model(file)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            raise ModelError(f"{model.name} can't be converted to OpenVINO: {reason}") from error


def quantize(model: ov.Model, calibration: np.ndarray[Any, Any], batch_size: int) -> ov.Model:
    """A float32 model as one that computes in 8 bits, by NNCF, OpenVINO's tool for it.

    :param calibration: images, float32 (count, height, width, channels): the ranges of activations are taken from them.
    """
    import nncf
    from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    batches = list(_batches(calibration, batch_size))
    # By default ranges are means over batches, and would depend on how the images are divided into them.
    ranges = RangeEstimatorParametersSet.MINMAX
    return nncf.quantize(
        model,
        nncf.Dataset(batches),
        subset_size=len(batches),
        advanced_parameters=AdvancedQuantizationParameters(activations_range_estimator_params=ranges),
    )


def _batches(images: np.ndarray[Any, Any], size: int) -> Iterator[np.ndarray[Any, Any]]:
    """The images, batch by batch; the last batch is filled up by repeating."""
    for first in range(0, len(images), size):
        yield np.resize(images[first : first + size], (size, *images.shape[1:]))
