"""JAX: the model as one function compiled by XLA, its weights constants."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from zoo.runtimes import Cuda, Started
from zoo.runtimes.common import check_gpu, check_xla, count_threads, gpu_number, threads_or_variable
from zoo.runtimes.cuda import of_jax

if TYPE_CHECKING:
    import keras
    import numpy as np


POOL = "tf_XLAEigen"  # what XLA names the threads that compute on the processor; it tells their number in no other way


class Jax:
    """The runtime `jax`: `jax.jit`."""

    def start(self, *, device: str, precision: str, threads: int | None) -> Started:
        """See `zoo.runtimes.Runtime`."""
        check_xla(precision, device)
        os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        if threads is not None:
            os.environ["NPROC"] = str(threads)  # XLA sizes its pools of threads by it
        import jax

        if device == "cpu":
            jax.config.update("jax_platforms", "cpu")
        gpus = _gpus() if device != "cpu" else []
        number = gpu_number(device, len(gpus), "JAX")
        # float32 is to mean float32: XLA would use TF32 for it on GPUs that have it. Convolutions go by this too.
        jax.config.update("jax_default_matmul_precision", "tensorfloat32" if precision == "tf32" else "highest")
        if number is not None:
            check_gpu(precision, _capability(gpus[number]), gpus[number].device_kind)
        self.precision = precision
        self.device = jax.devices("cpu")[0] if number is None else gpus[number]
        jax.config.update("jax_default_device", self.device)
        return Started(
            device="cpu" if number is None else self.device.device_kind,
            threads=count_threads(POOL) or threads_or_variable(threads, "NPROC"),
        )

    def devices(self) -> list[str]:
        """See `zoo.runtimes.Runtime`."""
        os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        return ["cpu", *(f"gpu:{number} {gpu.device_kind}" for number, gpu in enumerate(_gpus()))]

    def open(
        self, model: keras.Model, batch_size: int, calibration: np.ndarray[Any, Any] | None = None
    ) -> JittedFunction:
        """See `zoo.runtimes.Runtime`."""
        from zoo.modeling.fold import fold

        return JittedFunction(fold(model, self.precision), self.device)

    def peak_device_bytes(self) -> int | None:
        """See `zoo.runtimes.CountsMemory`."""
        counted = self.device.memory_stats() or {}
        return counted.get("peak_bytes_in_use")

    def uses_cuda(self) -> Cuda:
        """See `zoo.runtimes.UsesCuda`. JAX doesn't tell a GPU's identity."""
        return of_jax()


class JittedFunction:
    """A compiled function; JAX compiles it at the first call."""

    def __init__(self, model: keras.Model, device: Any) -> None:
        import jax
        import jax.numpy as jnp

        self.device = device
        self.run = jax.jit(lambda images: model(images, training=False).astype(jnp.float32))

    def place(self, images: np.ndarray[Any, Any]) -> Any:
        """See `zoo.runtimes.Session`."""
        import jax

        # On the processor JAX may share an array's memory instead of copying it.
        return jax.device_put(images.copy(), self.device).block_until_ready()

    def wait(self, output: Any) -> None:
        """See `zoo.runtimes.Session`."""
        output.block_until_ready()

    def fetch(self, output: Any) -> np.ndarray[Any, Any]:
        """See `zoo.runtimes.Session`."""
        import numpy as np

        return np.array(output)

    def close(self) -> None:
        """Forget the compiled function."""
        self.run.clear_cache()
        del self.run


def _capability(gpu: Any) -> list[int]:
    """Its compute capability, which JAX gives as "9.0"; empty where it gives none."""
    numbers = str(getattr(gpu, "compute_capability", "")).split(".")
    return [int(number) for number in numbers] if all(number.isdigit() for number in numbers) else []


def _gpus() -> list[Any]:
    """The GPUs that JAX sees; none where its build knows no GPUs."""
    import jax

    try:
        return list(jax.devices("gpu"))
    except RuntimeError:
        return []
