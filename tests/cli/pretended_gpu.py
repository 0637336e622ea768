"""A plugin with a runtime that says that it computes on a GPU. Installed by test_energy.py through PYTHONPATH."""

from __future__ import annotations

import zoo


@zoo.hookimpl
def zoo_runtimes() -> list[zoo.RuntimeSpec]:
    return [
        zoo.RuntimeSpec(
            name="pretended",
            summary="says that it computes on a GPU",
            runtime="pretended_gpu_impl:Pretended",
            keras_backend="jax",
            devices=("gpu",),
            requires=("jax",),
        )
    ]
