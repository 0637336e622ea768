"""What differs between the frameworks below Keras."""

from __future__ import annotations

import os

from zoo.bench.environment import accelerators


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
