"""What differs between the frameworks below Keras."""

from __future__ import annotations

import os

from zoo.benchmarking.environment import accelerators
from zoo.references import resolve

RUNTIMES = {
    "tensorflow": "zoo.runtimes.tensorflow:TensorFlow",
    "jax": "zoo.runtimes.jax:Jax",
    "torch": "zoo.runtimes.torch:Torch",
}


def make_deterministic(backend: str) -> None:
    """Have every operation add in a fixed order. Before the framework's first computation."""
    if backend == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    elif backend == "torch":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        import torch

        torch.use_deterministic_algorithms(True)
    elif accelerators():  # XLA reads its flags once; on the processor it is deterministic anyway
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true".strip()


def use_device(backend: str, device: str | None, *, deterministic: bool) -> str:
    """Have a framework compute on one device, as it does when it is measured: float32 means float32, not TF32.

    :param device: "cpu", "gpu", "gpu:N", or None for a GPU where the framework sees one, else the processor.
    :return: "cpu", or what the GPU calls itself.
    :raises UsageError: if there is no such GPU.
    """
    wanted = device or ("gpu" if has_accelerator(backend) else "cpu")
    started = resolve(RUNTIMES[backend])().start(device=wanted, precision="float32", threads=None)
    if backend == "torch" and deterministic:
        import torch

        torch.backends.cudnn.benchmark = False  # the fastest algorithm may be another each time
    return str(started.device)


def seed_epoch(backend: str, seed: int, epoch: int) -> None:
    """Have an epoch's dropout follow from seed and epoch on Torch, where Keras draws it from Torch's own generator.
    Elsewhere Keras keeps its generators in variables."""
    if backend == "torch":
        import numpy as np
        import torch

        torch.manual_seed(int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0]))


def has_accelerator(backend: str) -> bool:
    """Whether the framework computes on something else than the processor."""
    if backend == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))
    if backend == "jax":
        import jax

        return bool(jax.default_backend() != "cpu")
    import torch

    return bool(torch.cuda.is_available())
