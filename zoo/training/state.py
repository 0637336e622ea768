"""The state of a training run: read from Keras variables, kept in one file, and put back to the bit.

A checkpoint is safetensors: the network's variables (weights, batch-norm statistics, generators of dropout), the
optimizer's (step, momenta, moving averages), and in its metadata how many epochs are done. Nothing else is needed: the
order of the images and their augmentation follow from the seed and the epoch (`zoo.training.order`).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import ModelError, UsageError, WeightsError
from zoo.files import write_atomic

if TYPE_CHECKING:
    import keras
    import numpy as np

    Arrays = dict[str, np.ndarray[Any, Any]]

METADATA_KEY = "zoo.checkpoint/1"


def read(network: keras.Model, optimizer: keras.optimizers.Optimizer) -> Arrays:
    """Every variable of a run, by kind and number; names would differ where Keras numbers layers and generators."""
    return {name: _array(variable) for name, variable in _variables(network, optimizer).items()}


def restore(network: keras.Model, optimizer: keras.optimizers.Optimizer, arrays: Arrays) -> None:
    """Put back what `read` gave.

    :raises WeightsError: if it is of another model or another optimizer; nothing is changed then.
    """
    variables = _variables(network, optimizer)
    for name in sorted(variables.keys() | arrays.keys()):
        known = name in variables and name in arrays
        if not known or tuple(variables[name].shape) != arrays[name].shape:
            raise WeightsError(f"the checkpoint is of another run: {name} differs")
    for name, variable in variables.items():
        variable.assign(arrays[name])


def averaged(network: keras.Model, optimizer: keras.optimizers.Optimizer) -> Arrays:
    """The network's weights by path, with moving averages in place of those that have one."""
    holders = {v.path: v for v in network.weights}
    if optimizer.use_ema:
        averages = optimizer._model_variables_moving_average  # Keras itself would put them in the network's place
        holders |= {v.path: a for v, a in zip(network.trainable_variables, averages, strict=True)}
    return {path: _array(variable) for path, variable in holders.items()}


def save(path: Path, arrays: Arrays, epoch: int) -> None:
    """Write a checkpoint, whole or not at all.

    :param epoch: how many epochs are done.
    :raises ModelError: if a value is not finite; the file is left as it was.
    :raises UsageError: if it can't be written.
    """
    from safetensors.numpy import save as encode

    if not all(map(_is_finite, arrays.values())):
        raise ModelError(f"the weights or the optimizer's state were not finite after epoch {epoch}")
    content = encode(arrays, {METADATA_KEY: json.dumps({"epoch": epoch})})
    write_atomic(path, content)
    free = shutil.disk_usage(path.parent).free
    if epoch == 0 and free < 2 * len(content):  # for the next, before this one goes, and the weights
        raise UsageError(
            f"{path.parent} has {free / 1e6:,.0f} MB left and a checkpoint takes {len(content) / 1e6:,.1f} MB; "
            "make room, or name another folder with --run-dir"
        )


def load(path: Path) -> tuple[Arrays, int]:
    """What `save` wrote: the variables, and how many epochs were done.

    :raises WeightsError: if it is not a whole checkpoint.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            epoch = int(json.loads(file.metadata()[METADATA_KEY])["epoch"])
            return {name: file.get_tensor(name) for name in file.keys()}, epoch  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        raise WeightsError(f"{path} is not a whole checkpoint: {error}; train without --resume") from None


def digest(arrays: Mapping[str, np.ndarray[Any, Any]]) -> str:
    """sha256 over names, types, shapes and values, whatever else a file of them says."""
    import numpy as np

    found = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        found.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _variables(network: keras.Model, optimizer: keras.optimizers.Optimizer) -> dict[str, keras.Variable]:
    kinds = {"network": network.variables, "optimizer": optimizer.variables}
    return {f"{kind} {i}": v for kind, variables in kinds.items() for i, v in enumerate(variables)}


def _array(variable: Any) -> np.ndarray[Any, Any]:
    import numpy as np
    from keras import ops

    return np.array(ops.convert_to_numpy(variable.value), order="C")


def _is_finite(array: np.ndarray[Any, Any]) -> bool:
    import numpy as np

    return array.dtype.kind != "f" or bool(np.isfinite(array).all())
