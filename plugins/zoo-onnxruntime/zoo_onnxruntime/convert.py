"""A Keras model as an ONNX file of a static batch size, by tf2onnx."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tf2onnx
from keras.src.export.tf2onnx_lib import patch_tf2onnx

from zoo.errors import ModelError


def convert(model: keras.Model, batch_size: int) -> bytes:
    """The model as the content of a file, in float32.

    :raises ModelError: if it can't be expressed by ONNX's operations.
    """
    patch_tf2onnx()  # for NumPy 2
    signature = tf.TensorSpec((batch_size, *model.input_shape[1:]), tf.float32, name="images")
    # Keras' own export leaves layers that augment images as they are in training.
    function = tf.function(lambda images: model(images, training=False))
    try:
        # Keras compiles a grouped convolution by XLA, as a function of its own, which ONNX can't call.
        tf.config.run_functions_eagerly(True)
        converted, _ = tf2onnx.convert.from_function(function, [signature], custom_op_handlers={"Erfc": (_erfc, [])})
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{model.name} can't be converted to ONNX: {reason}") from error
    finally:
        tf.config.run_functions_eagerly(False)
    return bytes(converted.SerializeToString())


def _erfc(graph: Any, node: Any, name: str, _: Any) -> None:
    """ONNX has the error function and not its complement, which is in `gelu`: 1 - erf(x)."""
    given, output = node.input[0], node.output[0]
    shape, dtype = graph.get_shape(output), graph.get_dtype(output)
    one = graph.make_const(f"{name}_one", np.ones((), np.float32))
    graph.remove_node(node.name)
    erf = graph.make_node("Erf", [given], shapes=[shape], dtypes=[dtype])
    graph.make_node("Sub", [one.output[0], erf.output[0]], name=name, outputs=[output], shapes=[shape], dtypes=[dtype])
