"""The runtime of pretended_gpu.py: JAX's on the processor, under the name of a board."""

from __future__ import annotations

import dataclasses

from zoo.runtimes import Cuda, Started
from zoo.runtimes.jax import Jax


class Pretended(Jax):
    def start(self, *, device: str, precision: str, threads: int | None) -> Started:
        started = super().start(device="cpu", precision=precision, threads=threads)
        return dataclasses.replace(started, device="NVIDIA H100 80GB HBM3")

    def uses_cuda(self) -> Cuda:
        return Cuda("0a", "12.8", None)
