"""ONNX Runtime on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.benchmarking.environment import processor_model
from zoo.cores import usable_cores
from zoo.errors import UsageError
from zoo.runtimes import Saved, Started

if TYPE_CHECKING:
    import keras
    import numpy as np

PRECISIONS = ("float32", "int8")
ERRORS_ONLY = 3

SNIPPET = """\
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = {threads}
session = onnxruntime.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
(logits,) = session.run(None, {{"{input}": images}})
"""


class OnnxRuntime:
    """The runtime `onnxruntime`."""

    def start(self, *, device: str, precision: str, threads: int | None) -> Started:
        """See `zoo.runtimes.Runtime`. Without `threads`, one for each core that this process may use."""
        import onnxruntime
        import tensorflow as tf

        if device != "cpu":
            raise UsageError(f"the runtime onnxruntime runs on the CPU here, not on '{device}'; leave --device out")
        if precision not in PRECISIONS:
            raise UsageError(f"the runtime onnxruntime offers {', '.join(PRECISIONS)} on the CPU, not '{precision}'")
        onnxruntime.set_default_logger_severity(ERRORS_ONLY)
        tf.config.set_visible_devices([], "GPU")  # Keras only builds the model
        self.precision, self.threads = precision, threads or usable_cores()
        return Started(device="cpu", threads=self.threads)

    def devices(self) -> list[str]:
        """See `zoo.runtimes.Runtime`."""
        return [f"cpu {processor_model()}"]

    def open(self, model: keras.Model, batch_size: int, calibration: np.ndarray[Any, Any] | None = None) -> OnnxSession:
        """See `zoo.runtimes.Runtime`."""
        from zoo_onnxruntime.convert import convert

        content = convert(model, batch_size)
        if self.precision == "int8":
            from zoo_onnxruntime.quantize import quantize

            if calibration is None:
                raise UsageError("int8 has to be calibrated on images; name a dataset that has a train split")
            content = quantize(content, calibration, batch_size)
        return OnnxSession(content, self.threads)


class OnnxSession:
    """An ONNX model in an inference session.

    :param content: of the model's file.
    """

    def __init__(self, content: bytes, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads  # the calling thread is one of them
        options.inter_op_num_threads = 1  # only the parallel mode has use for more
        self.content, self.threads = content, threads
        self.session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        taken = self.session.get_session_options().intra_op_num_threads
        if taken != threads:
            raise UsageError(f"ONNX Runtime takes {taken} threads here where {threads} are asked for")
        self.input, self.outputs = self.session.get_inputs()[0].name, [self.session.get_outputs()[0].name]

    def place(self, images: np.ndarray[Any, Any]) -> Any:
        """See `zoo.runtimes.Session`."""
        import numpy as np

        return np.array(images, np.float32, order="C")  # which `run` reads where it lies

    def run(self, placed: Any) -> Any:
        """See `zoo.runtimes.Session`; the logits are in memory of their own each time."""
        return self.session.run(self.outputs, {self.input: placed})[0]  # by OrtValue it takes 40 µs longer

    def wait(self, output: Any) -> None:
        """`run` has waited."""

    def fetch(self, output: Any) -> np.ndarray[Any, Any]:
        """See `zoo.runtimes.Session`."""
        import numpy as np

        return np.array(output)

    def close(self) -> None:
        """Free the session and its threads."""
        del self.session

    def save(self, folder: Path) -> Saved:
        """See `zoo.runtimes.Saves`."""
        (folder / "model.onnx").write_bytes(self.content)
        return Saved(("model.onnx",), ("onnxruntime",), SNIPPET.format(threads=self.threads, input=self.input))
