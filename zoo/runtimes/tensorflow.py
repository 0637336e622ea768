"""TensorFlow: the model as one graph function of a static batch size; without XLA, and with it and constant weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.runtimes import Cuda, Session, Started
from zoo.runtimes.common import check_gpu, check_processor, check_xla, gpu_number, threads_or_variable
from zoo.runtimes.cuda import of_distributions

if TYPE_CHECKING:
    import keras
    import numpy as np


class TensorFlow:
    """The runtime `tensorflow`: a graph function, its batch normalisations folded, without XLA.

    Its weights stay variables: without XLA a function whose variables have been made constants (TensorFlow 2.21) takes
    half a millisecond more a call, and gains nothing.
    """

    def start(self, *, device: str, precision: str, threads: int | None) -> Started:
        """See `zoo.runtimes.Runtime`."""
        import tensorflow as tf

        # float32 is to mean float32: TensorFlow would use TF32 for it on GPUs that have it.
        tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
        # Left alone it takes the same number, and reports 0 for it.
        tf.config.threading.set_intra_op_parallelism_threads(threads_or_variable(threads, "TF_NUM_INTRAOP_THREADS"))
        if threads is not None:
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        started = tf.config.threading.get_intra_op_parallelism_threads()
        self.precision, self.gpu = precision, False
        gpus = tf.config.list_physical_devices("GPU")
        number = gpu_number(device, len(gpus), "TensorFlow")
        if number is None:
            check_processor(precision)
            tf.config.set_visible_devices([], "GPU")
            return Started(device="cpu", threads=started)
        details = tf.config.experimental.get_device_details(gpus[number])
        check_gpu(precision, details.get("compute_capability", ()), _name(gpus[number]))
        self.gpu = True
        tf.config.set_visible_devices([gpus[number]], "GPU")
        tf.config.experimental.set_memory_growth(gpus[number], True)
        return Started(device=_name(gpus[number]), threads=started)

    def devices(self) -> list[str]:
        """See `zoo.runtimes.Runtime`."""
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        return ["cpu", *(f"gpu:{number} {_name(gpu)}" for number, gpu in enumerate(gpus))]

    def open(self, model: keras.Model, batch_size: int, calibration: np.ndarray[Any, Any] | None = None) -> Session:
        """See `zoo.runtimes.Runtime`."""
        from zoo.modeling.fold import fold

        inference = fold(model, self.precision)
        return GraphFunction(_graph(inference, batch_size), inference)

    def uses_cuda(self) -> Cuda:
        """See `zoo.runtimes.UsesCuda`. TensorFlow tells what it was built with, not what it has loaded."""
        return of_distributions()

    def peak_device_bytes(self) -> int | None:
        """See `zoo.runtimes.CountsMemory`."""
        import tensorflow as tf

        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"]) if self.gpu else None


class TensorFlowXLA(TensorFlow):
    """The runtime `tensorflow-xla`: the same graph with its weights constants, compiled by XLA."""

    def start(self, *, device: str, precision: str, threads: int | None) -> Started:
        """See `zoo.runtimes.Runtime`."""
        check_xla(precision, device)
        return super().start(device=device, precision=precision, threads=threads)

    def open(self, model: keras.Model, batch_size: int, calibration: np.ndarray[Any, Any] | None = None) -> Session:
        """See `zoo.runtimes.Runtime`."""
        import tensorflow as tf
        from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

        from zoo.modeling.fold import fold

        graph = convert_variables_to_constants_v2(_graph(fold(model, self.precision), batch_size))
        compiled = tf.function(lambda images: graph(images), jit_compile=True)
        return GraphFunction(compiled.get_concrete_function(tf.TensorSpec(graph.inputs[0].shape, tf.float32)))


class GraphFunction:
    """A concrete graph function: calling it looks nothing up and traces nothing.

    :param model: whose variables it reads, if it does: it refers to them only weakly.
    """

    def __init__(self, function: Any, model: keras.Model | None = None) -> None:
        self.run, self.model = function, model

    def place(self, images: np.ndarray[Any, Any]) -> Any:
        """See `zoo.runtimes.Session`."""
        return placed(images)

    def wait(self, output: Any) -> None:
        """Copying the logits, a few bytes an image, waits for whatever computes them."""
        output[0].numpy()

    def fetch(self, output: Any) -> np.ndarray[Any, Any]:
        """See `zoo.runtimes.Session`."""
        import numpy as np

        return np.array(output[0].numpy())

    def close(self) -> None:
        """The function and its model are all there is."""
        del self.run, self.model


def placed(images: np.ndarray[Any, Any]) -> Any:
    """A tensor of its own on the device in use."""
    import tensorflow as tf

    # A tensor may share an array's memory; tf.identity copies it to the GPU where there is one, and waits for nobody.
    tensor = tf.identity(tf.constant(images.copy()))
    if "GPU" in tensor.device:
        tf.test.experimental.sync_devices()
    return tensor


def _graph(model: keras.Model, batch_size: int) -> Any:
    """A model as a graph function from images to a list of logits in float32."""
    import tensorflow as tf

    function = tf.function(lambda images: [tf.cast(model(images, training=False), tf.float32)])
    return function.get_concrete_function(tf.TensorSpec((batch_size, *model.input_shape[1:]), tf.float32))


def _name(gpu: Any) -> str:
    import tensorflow as tf

    details = tf.config.experimental.get_device_details(gpu)
    return str(details.get("device_name", "gpu"))
