"""The runtime of pretended_gpu.py: JAX's on the processor, under the name of a board."""

from __future__ import annotations

from typing import Any

from zoo.runtimes import Cuda
from zoo.runtimes.jax import Jax


class Pretended(Jax):
    def start(self, *, device: str, precision: str, threads: int | None) -> dict[str, Any]:
        return {**super().start(device="cpu", precision=precision, threads=threads), "device": "NVIDIA H100 80GB HBM3"}

    def uses_cuda(self) -> Cuda:
        return Cuda("0a", "12.8", None)
