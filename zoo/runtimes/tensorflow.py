"""TensorFlow: the model as one graph function of a static batch size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.errors import UsageError

if TYPE_CHECKING:
    import keras
    import numpy as np

PRECISIONS = ("float32",)


class TensorFlow:
    """The runtime `tensorflow`: `tf.function`, traced once, without XLA."""

    def start(self, *, device: str, precision: str, threads: int | None) -> dict[str, Any]:
        """See `zoo.runtimes.Runtime`."""
        import tensorflow as tf

        if precision not in PRECISIONS:
            raise UsageError(f"the runtime tensorflow offers {', '.join(PRECISIONS)}, not '{precision}'")
        # float32 is to mean float32: TensorFlow would use TF32 for it on GPUs that have it.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        if threads is not None:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        gpus = tf.config.list_physical_devices("GPU")
        if device == "cpu":
            tf.config.set_visible_devices([], "GPU")
            return {"device": "cpu", "threads": threads or _cores()}
        if not gpus:
            raise UsageError("TensorFlow finds no GPU here; leave --device out to measure on the CPU")
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
        tf.config.set_visible_devices(gpus[:1], "GPU")
        details = tf.config.experimental.get_device_details(gpus[0])
        return {"device": details.get("device_name", "gpu"), "threads": threads or _cores()}

    def devices(self) -> list[str]:
        """See `zoo.runtimes.Runtime`."""
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
        return ["cpu", *(f"gpu:{number} {name}" for number, name in enumerate(names))]

    def open(
        self, model: keras.Model, batch_size: int, calibration: np.ndarray[Any, Any] | None = None
    ) -> GraphFunction:
        """See `zoo.runtimes.Runtime`."""
        return GraphFunction(model, batch_size)


class GraphFunction:
    """A model as a concrete graph function: calling it looks nothing up and traces nothing."""

    def __init__(self, model: keras.Model, batch_size: int) -> None:
        import tensorflow as tf

        signature = tf.TensorSpec((batch_size, *model.input_shape[1:]), tf.float32)
        function = tf.function(lambda images: model(images, training=False))
        self.run = function.get_concrete_function(signature)

    def place(self, images: np.ndarray[Any, Any]) -> Any:
        """See `zoo.runtimes.Session`."""
        import tensorflow as tf

        return tf.identity(tf.constant(images))  # tf.identity copies to the GPU where there is one

    def wait(self, output: Any) -> None:
        """Copying the logits, a few bytes an image, waits for whatever computes them."""
        output.numpy()

    def fetch(self, output: Any) -> np.ndarray[Any, Any]:
        """See `zoo.runtimes.Session`."""
        return output.numpy()  # type: ignore[no-any-return]

    def close(self) -> None:
        """The function is all there is."""
        del self.run


def _cores() -> int:
    from zoo.bench.environment import usable_cores

    return usable_cores()
