"""OpenVINO on the CPU, one synchronous request at a time."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.cores import usable_cores
from zoo.errors import UsageError
from zoo.runtimes import Saved, Started

if TYPE_CHECKING:
    import keras
    import numpy as np
    import openvino as ov

# By precision: the type that is asked for, and the capability that the processor must have. Left alone, OpenVINO takes
# bfloat16 for float32 where it is faster. What isn't quantised in an int8 model stays float32.
TYPES = {"float32": ("f32", "FP32"), "bfloat16": ("bf16", "BF16"), "float16": ("f16", "FP16"), "int8": ("f32", "INT8")}

SNIPPET = """\
import openvino

properties = {properties}
model = openvino.Core().compile_model("model.xml", "CPU", properties)
logits = model(images)[0]
"""


class OpenVINO:
    """The runtime `openvino`."""

    def start(self, *, device: str, precision: str, threads: int | None) -> Started:
        """See `zoo.runtimes.Runtime`. Without `threads`, one for each core that this process may use."""
        import tensorflow as tf

        ov = library()
        if device != "cpu":
            raise UsageError(f"the runtime openvino runs on the CPU here, not on '{device}'; leave --device out")
        if precision not in TYPES:
            raise UsageError(f"the runtime openvino offers {', '.join(TYPES)}, not '{precision}'")
        self.core = ov.Core()
        capabilities = self.core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if TYPES[precision][1] not in capabilities:
            raise UsageError(f"OpenVINO has no {precision} on this processor; it has {', '.join(capabilities)}")
        tf.config.set_visible_devices([], "GPU")  # Keras only builds the model
        self.precision, threads = precision, threads or usable_cores()
        self.properties = {
            "INFERENCE_PRECISION_HINT": TYPES[precision][0],
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_HYPER_THREADING": True,  # else it leaves out cores that share one, whatever the number of threads
        }
        return Started(device="cpu", threads=threads)

    def devices(self) -> list[str]:
        """See `zoo.runtimes.Runtime`."""
        core = library().Core()
        return [f"{name.lower()} {core.get_property(name, 'FULL_DEVICE_NAME')}" for name in core.available_devices]

    def open(
        self, model: keras.Model, batch_size: int, calibration: np.ndarray[Any, Any] | None = None
    ) -> OpenVINOSession:
        """See `zoo.runtimes.Runtime`."""
        from zoo_openvino.convert import convert, quantize

        converted = convert(self.core, model, batch_size)
        if self.precision == "int8":
            if calibration is None:
                raise UsageError("int8 has to be calibrated on images; name a dataset that has a train split")
            converted = quantize(converted, calibration, batch_size)
        return OpenVINOSession(self.core, converted, self.properties)


class OpenVINOSession:
    """An OpenVINO model, compiled, with one request.

    :param properties: to compile it with.
    """

    def __init__(self, core: ov.Core, model: ov.Model, properties: dict[str, Any]) -> None:
        self.model, self.properties = model, properties
        self.compiled = core.compile_model(model, "CPU", properties)
        for name in ("INFERENCE_PRECISION_HINT", "INFERENCE_NUM_THREADS"):
            taken = self.compiled.get_property(name)
            taken = getattr(taken, "get_type_name", lambda taken=taken: taken)()
            if taken != properties[name]:
                raise UsageError(f"OpenVINO takes {name} = {taken} here where {properties[name]} is asked for")
        self.request, self.current = self.compiled.create_infer_request(), None

    def place(self, images: np.ndarray[Any, Any]) -> Any:
        """See `zoo.runtimes.Session`."""
        import numpy as np
        import openvino as ov

        # the copy is ours, so that the tensor can share its memory
        return ov.Tensor(np.array(images, np.float32, order="C"), shared_memory=True)

    def run(self, placed: Any) -> Any:
        """See `zoo.runtimes.Session`; the logits are copied to memory of their own each time."""
        if placed is not self.current:
            self.request.set_input_tensor(placed)
            self.current = placed
        return self.request.infer(share_outputs=False)[0]

    def wait(self, output: Any) -> None:
        """`run` has waited."""

    def fetch(self, output: Any) -> np.ndarray[Any, Any]:
        """See `zoo.runtimes.Session`."""
        import numpy as np

        return np.array(output, np.float32)

    def close(self) -> None:
        """Free the compiled model."""
        del self.request, self.compiled, self.current

    def save(self, folder: Path) -> Saved:
        """See `zoo.runtimes.Saves`."""
        import openvino as ov

        ov.save_model(self.model, folder / "model.xml", compress_to_fp16=False)
        return Saved(
            ("model.xml", "model.bin"), ("openvino",), SNIPPET.format(properties=str(self.properties).replace("'", '"'))
        )


def library() -> Any:
    """OpenVINO, imported without the package by which it and NNCF report their use to a server."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # importing it fails then
    import openvino

    return openvino
