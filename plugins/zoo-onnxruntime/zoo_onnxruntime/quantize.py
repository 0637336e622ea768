"""Quantisation after training, by ONNX Runtime's own tools: int8 weights by channel, 8-bit activations (QDQ)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


def quantize(content: bytes, calibration: np.ndarray[Any, Any], batch_size: int) -> bytes:
    """A float32 model's file as one that computes in 8 bits.

    :param calibration: images, float32 (count, height, width, channels): the ranges of activations are taken from them.
    :param batch_size: of the model.
    """
    given = onnx.load_model_from_string(content).graph.input[0].name
    with tempfile.TemporaryDirectory() as folder:
        float32, prepared, int8 = (Path(folder) / f"{name}.onnx" for name in ("float32", "prepared", "int8"))
        float32.write_bytes(content)
        quant_pre_process(str(float32), str(prepared), skip_symbolic_shape=True)  # folds batch normalisation
        quantize_static(
            str(prepared),
            str(int8),
            _Batches(given, calibration, batch_size),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,  # U8S8 is what x86 has instructions for
            weight_type=QuantType.QInt8,
            per_channel=True,
        )
        return int8.read_bytes()


class _Batches(CalibrationDataReader):  # type: ignore[misc]  # it has no types
    """The calibration images, batch by batch; the last batch is filled up by repeating."""

    def __init__(self, name: str, images: np.ndarray[Any, Any], batch_size: int) -> None:
        self.name, self.left = name, self._batches(images, batch_size)

    @staticmethod
    def _batches(images: np.ndarray[Any, Any], size: int) -> Iterator[np.ndarray[Any, Any]]:
        for first in range(0, len(images), size):
            yield np.resize(images[first : first + size], (size, *images.shape[1:]))

    def get_next(self) -> dict[str, np.ndarray[Any, Any]] | None:
        batch = next(self.left, None)
        return None if batch is None else {self.name: batch}
