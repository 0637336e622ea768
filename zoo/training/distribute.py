"""Training on several devices: which ways there are, which are refused and why, and how each is set up."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.errors import UsageError
from zoo.training.frameworks import use_device

if TYPE_CHECKING:
    from zoo.training.job import Job

STRATEGIES = {"mirrored": "tensorflow", "data-parallel": "jax"}  # and the Keras backend of each
PROCESSES_VARIABLE = "KERAS_DISTRIBUTION_NUM_PROCESSES"

USE = "use --strategy mirrored, or --keras-backend jax with --strategy data-parallel"
REASONS = {
    ("multi-worker", "tensorflow"): f"Keras 3 does not support it on the TensorFlow backend; {USE}",
    ("data-parallel", "tensorflow"): "keras.distribution runs on the TensorFlow backend and silently distributes "
    f"nothing; {USE}",
    ("mirrored", "jax"): "it is TensorFlow's; use --strategy data-parallel",
    ("mirrored", "torch"): f"it is TensorFlow's; {USE}",
    ("data-parallel", "torch"): f"keras.distribution does not distribute on the Torch backend; {USE}",
}


def check(
    strategy: str | None, backend: str, environment: Mapping[str, str] = os.environ, device: str | None = None
) -> None:
    """Refuse what would not train on the devices that were meant. Imports no framework.

    :raises UsageError: with the reason and what to do instead.
    """
    if backend == "tensorflow" and _tensorflow_workers(environment) > 1:
        raise UsageError(f"TF_CONFIG names several workers: {REASONS['multi-worker', 'tensorflow']}")
    if environment.get(PROCESSES_VARIABLE) and strategy != "data-parallel":
        raise UsageError(f"{PROCESSES_VARIABLE} is set: add --keras-backend jax --strategy data-parallel, or unset it")
    if strategy is not None and device is not None:
        raise UsageError("--strategy takes every device that the framework sees; leave --device out")
    if strategy is None or STRATEGIES.get(strategy) == backend:
        return
    reason = REASONS.get((strategy, backend), f"there is no such strategy; {USE}")
    raise UsageError(f"--strategy {strategy} with --keras-backend {backend}: {reason}")


def _tensorflow_workers(environment: Mapping[str, str]) -> int:
    try:
        return len(json.loads(environment["TF_CONFIG"])["cluster"]["worker"])
    except (KeyError, ValueError, TypeError):
        return 0


@dataclass(frozen=True, slots=True)
class Devices:
    """What a run is distributed over.

    Attributes:
        scope: the context in which the model and its optimizer are made.
        number: of devices, over all processes.
        name: "cpu", or what the GPU calls itself.
        process, processes: which process this is, of how many.
    """

    scope: contextlib.AbstractContextManager[Any]
    number: int = 1
    name: str = "cpu"
    process: int = 0
    processes: int = 1

    def agree(self, value: int) -> bool:
        """Whether all processes give the same value; each waits for all."""
        if self.processes == 1:
            return True
        from jax.experimental import multihost_utils

        return len(set(multihost_utils.process_allgather(value).ravel().tolist())) == 1


def set_up(job: Job) -> Devices:
    """Find the devices and prepare Keras for them. Runs in the worker, before any variable is made.

    :raises UsageError: if the job names several devices and there is one, or names one that isn't there.
    """
    strategy = job.strategy
    if strategy is None:
        name = use_device(job.keras_backend, job.device, deterministic=job.deterministic)
        return Devices(contextlib.nullcontext(), name=name)
    devices = _mirrored() if strategy == "mirrored" else _data_parallel()
    if devices.number < 2:
        raise UsageError(
            f"--strategy {strategy} needs two devices or more, and there is {devices.number}; leave it out"
        )
    return devices


@contextlib.contextmanager
def one_device(strategy: str | None) -> Iterator[None]:
    """What is made and computed in here stays on one device of this process."""
    if strategy != "data-parallel":
        yield
        return
    import keras

    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    yield
    keras.distribution.set_distribution(distribution)


def _mirrored() -> Devices:
    import tensorflow as tf

    names = [d.name for d in tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")]
    scope = tf.distribute.MirroredStrategy(names).scope() if len(names) > 1 else contextlib.nullcontext()
    return Devices(scope, len(names), name="gpu" if tf.config.list_logical_devices("GPU") else "cpu")


def _data_parallel() -> Devices:
    import jax
    import keras

    if os.environ.get(PROCESSES_VARIABLE):
        keras.distribution.initialize()
    devices = jax.devices()
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False))
    name = "cpu" if devices[0].platform == "cpu" else str(devices[0].device_kind)
    return Devices(contextlib.nullcontext(), len(devices), name, jax.process_index(), jax.process_count())
