"""LiteRT, formerly TensorFlow Lite, on the CPU: its interpreter, which hands what it can to XNNPACK."""

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

SNIPPET = """\
from ai_edge_litert.interpreter import Interpreter

interpreter = Interpreter("model.tflite", num_threads={threads})
interpreter.allocate_tensors()
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], images)
interpreter.invoke()
logits = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
"""


class LiteRT:
    """The runtime `litert`."""

    def start(self, *, device: str, precision: str, threads: int | None) -> Started:
        """See `zoo.runtimes.Runtime`. Without `threads`, one for each core that this process may use."""
        import ai_edge_litert.interpreter  # noqa: F401 - so that the import is timed as one
        import tensorflow as tf

        if device != "cpu":
            raise UsageError(f"the runtime litert runs on the CPU here, not on '{device}'; leave --device out")
        if precision not in PRECISIONS:
            raise UsageError(f"the runtime litert offers {', '.join(PRECISIONS)} on the CPU, not '{precision}'")
        tf.config.set_visible_devices([], "GPU")  # Keras only builds the model
        self.precision, self.threads = precision, threads or usable_cores()
        return Started(device="cpu", threads=self.threads)

    def devices(self) -> list[str]:
        """See `zoo.runtimes.Runtime`."""
        return [f"cpu {processor_model()}"]

    def open(self, model: keras.Model, batch_size: int, calibration: np.ndarray[Any, Any] | None = None) -> LiteSession:
        """See `zoo.runtimes.Runtime`."""
        from zoo_litert.convert import convert

        if self.precision == "float32":
            calibration = None
        elif calibration is None:
            raise UsageError("int8 has to be calibrated on images; name a dataset that has a train split")
        return LiteSession(convert(model, batch_size, calibration), self.threads)


class LiteSession:
    """A LiteRT model in an interpreter.

    :param content: of the model's file.
    """

    def __init__(self, content: bytes, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self.content, self.threads = content, threads
        self.interpreter = Interpreter(model_content=content, num_threads=threads)
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]["index"]
        self.output = self.interpreter.get_output_details()[0]["index"]

    def place(self, images: np.ndarray[Any, Any]) -> Any:
        """See `zoo.runtimes.Session`."""
        import numpy as np

        return np.array(images, np.float32, order="C")

    def run(self, placed: Any) -> Any:
        """See `zoo.runtimes.Session`. The interpreter has tensors of its own; copying to and from them is included."""
        self.interpreter.set_tensor(self.input, placed)
        self.interpreter.invoke()
        return self.interpreter.get_tensor(self.output)

    def wait(self, output: Any) -> None:
        """`run` has waited."""

    def fetch(self, output: Any) -> np.ndarray[Any, Any]:
        """See `zoo.runtimes.Session`."""
        import numpy as np

        return np.array(output)

    def close(self) -> None:
        """Free the interpreter and its threads."""
        del self.interpreter

    def save(self, folder: Path) -> Saved:
        """See `zoo.runtimes.Saves`."""
        (folder / "model.tflite").write_bytes(self.content)
        return Saved(("model.tflite",), ("ai-edge-litert",), SNIPPET.format(threads=self.threads))
