"""A plugin whose runtimes are wrong, each in its own way. Installed by test_runtimes.py through PYTHONPATH."""

from __future__ import annotations

import zoo

WAYS = ("scales", "nans", "lazy", "tires", "absent")


@zoo.hookimpl
def zoo_runtimes() -> list[zoo.RuntimeSpec]:
    return [
        zoo.RuntimeSpec(
            name=way,
            summary="is wrong",
            runtime=f"hostile_runtimes_impl:{''.join(part.title() for part in way.split('-'))}",
            keras_backend="jax",
            precisions=("float32", "bfloat16"),
            requires=("jax",),
        )
        for way in WAYS
    ] + [
        zoo.RuntimeSpec(
            name="lacking",
            summary="needs what is not there",
            runtime="hostile_runtimes_impl:Nothing",
            keras_backend="jax",
            requires=("no-such-framework",),
            install="pip install no-such-framework",
        )
    ]
