"""Weights as safetensors keyed by variable path, with their provenance in the file's metadata.

Safetensors is a JSON header and raw arrays: unlike pickle, SavedModel or a `.keras` file, reading it runs no code.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import WeightsError
from zoo.files import write_atomic
from zoo.paths import reason
from zoo.specs import WeightsSpec

if TYPE_CHECKING:
    import keras
    import numpy as np

METADATA_KEY = "zoo.weights/1"
MAX_HEADER_BYTES = 16 * 2**20
MAX_FILE_BYTES = 4 * 2**30


def locate(spec: WeightsSpec) -> Path:
    """The file that a plugin ships. The plugin's package is found, not imported.

    :raises WeightsError: if the package or the file is not there, or lies outside the package.
    """
    package, _, relative = spec.file.partition(":")
    try:
        found = importlib.util.find_spec(package)
    except ImportError:
        found = None
    folders = [Path(p).resolve() for p in (found.submodule_search_locations or ())] if found else []
    for folder in folders:
        path = (folder / relative).resolve()
        if path.is_file() and path.is_relative_to(folder):
            return path
    raise WeightsError(f"weights {spec.file} are not there; reinstall the plugin that declares them")


def provenance(path: Path) -> dict[str, Any]:
    """What the file says of itself: model, dataset, recipe, score, versions. No tensor is read.

    :raises WeightsError: if it is not a safetensors file that the zoo wrote.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > MAX_HEADER_BYTES:
                raise ValueError("header too large")
            header = json.loads(file.read(length))
        record = json.loads(header["__metadata__"][METADATA_KEY])
    except OSError as error:
        raise WeightsError(f"can't read weights {path}: {reason(error)}") from None
    except (ValueError, KeyError, TypeError, struct.error):
        raise WeightsError(f"{path} is not a weights file of the zoo's: no {METADATA_KEY} in it") from None
    if not isinstance(record, dict):
        raise WeightsError(f"{path} is not a weights file of the zoo's: {METADATA_KEY} is malformed")
    return record


def save(model: keras.Model, path: Path, record: Mapping[str, Any]) -> str:
    """Write a model's weights, whole or not at all.

    :param record: their provenance, JSON values.
    :return: sha256 of the file.
    """
    arrays = {v.path: _array(v.value) for v in model.weights}
    if len(arrays) != len(model.weights):
        raise WeightsError(f"{model.name} has two variables of one path; name its layers apart")
    return save_arrays(arrays, path, record)


def save_arrays(arrays: Mapping[str, np.ndarray[Any, Any]], path: Path, record: Mapping[str, Any]) -> str:
    """Write weights by variable path; see `save`."""
    import numpy as np
    from safetensors.numpy import save as encode

    tensors = {name: np.require(array, requirements="C") for name, array in arrays.items()}
    content = encode(tensors, {METADATA_KEY: json.dumps(record, sort_keys=True)})
    write_atomic(path, content)
    return hashlib.sha256(content).hexdigest()


def load(model: keras.Model, path: Path, *, sha256: str | None = None) -> str:
    """Read weights into a model: the digest is checked first, then every name, shape, type and value.

    The model is changed only once everything has been checked.

    :param sha256: what the digest must be, where it is known.
    :return: sha256 of the file.
    :raises WeightsError: one line that says what doesn't match.
    """
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import load as decode

    content = _read(path)
    digest = hashlib.sha256(content).hexdigest()
    if sha256 is not None and digest != sha256:
        raise WeightsError(
            f"weights {path.name} have sha256 {digest[:12]}… where {sha256[:12]}… is declared; "
            "reinstall the plugin that ships them"
        )
    try:
        tensors = decode(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise WeightsError(f"{path} is not a whole safetensors file: {error}") from None

    variables = {v.path: v for v in model.weights}
    if different := sorted(variables.keys() ^ tensors.keys()):
        first = different[0]
        where = "the model lacks" if first in tensors else "the file lacks"
        raise WeightsError(
            f"weights {path.name} don't fit {model.name}: {where} {first} ({len(different)} names differ)"
        )
    for name, tensor in tensors.items():
        expected = tuple(variables[name].shape)
        if tensor.shape != expected:
            raise WeightsError(
                f"weights {path.name} don't fit {model.name}: {name} has shape {tensor.shape} "
                f"where {expected} is needed"
            )
        if tensor.dtype != np.float32:
            raise WeightsError(f"weights {path.name}: {name} has type {tensor.dtype}, not float32")
        if not np.isfinite(tensor).all():
            raise WeightsError(f"weights {path.name}: {name} holds values that are not finite")
    for name, tensor in tensors.items():
        variables[name].assign(tensor)
    return digest


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise WeightsError(f"weights {path} are larger than {MAX_FILE_BYTES >> 30} GiB")
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"can't read weights {path}: {reason(error)}") from None


def _array(value: Any) -> Any:
    from keras import ops

    return ops.convert_to_numpy(value)
