"""Weights as safetensors keyed by variable path, with their provenance in the file's metadata.

Safetensors is a JSON header and raw arrays: unlike pickle, SavedModel or a `.keras` file, reading it runs no code.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import WeightsError
from zoo.files import write_atomic
from zoo.modeling import tensorfile
from zoo.references import find
from zoo.specs import WeightsSpec

if TYPE_CHECKING:
    import keras
    import numpy as np

METADATA_KEY = "zoo.weights/1"


def locate(spec: WeightsSpec) -> Path:
    """The file that a plugin ships. The plugin's package is found, not imported.

    :raises WeightsError: if the package or the file is not there, or lies outside the package.
    """
    package, _, relative = spec.file.partition(":")
    found = find(package)
    if found and found.submodule_search_locations is None:
        raise WeightsError(f"weights {spec.file} can't be there: {package} is a module, and only a package has files")
    for folder in (found.submodule_search_locations or ()) if found else ():
        root = os.path.realpath(folder)
        path = os.path.realpath(os.path.join(root, relative))  # pathlib's raises at a link that leads to itself
        if os.path.isfile(path) and Path(path).is_relative_to(root):
            return Path(path)
    raise WeightsError(f"weights {spec.file} are not there; reinstall the plugin that declares them")


def provenance(path: Path) -> dict[str, Any]:
    """What the file says of itself: model, dataset, recipe, score, versions. No tensor is read.

    :raises WeightsError: if it is not a safetensors file that the zoo wrote.
    """
    found = find_provenance(path)
    if found is None:
        raise WeightsError(f"{path} is not a weights file of the zoo's: no {METADATA_KEY} in it")
    return found


def find_provenance(path: Path) -> dict[str, Any] | None:
    """The same; None of a safetensors file that somebody else wrote.

    :raises WeightsError: if it is not a safetensors file.
    """
    metadata = tensorfile.read_metadata(path)
    if METADATA_KEY not in metadata:
        return None
    try:
        return tensorfile.parse_object(metadata[METADATA_KEY].encode(), METADATA_KEY)
    except ValueError as error:
        raise WeightsError(f"{path} is not a weights file of the zoo's: {error}") from None


def with_provenance(content: bytes, record: Mapping[str, Any]) -> bytes:
    """A file's tensors, byte for byte, under another record."""
    return tensorfile.with_metadata(content, {METADATA_KEY: _as_text(record)})


def save(model: keras.Model, path: Path, record: Mapping[str, Any]) -> str:
    """Write a model's weights, whole or not at all.

    :param record: their provenance, JSON values.
    :return: sha256 of the file.
    """
    arrays = {name: _array(v.value) for name, v in _variables(model).items()}
    return save_arrays(arrays, path, record)


def save_arrays(arrays: Mapping[str, np.ndarray[Any, Any]], path: Path, record: Mapping[str, Any]) -> str:
    """Write weights by variable path; see `save`."""
    import numpy as np
    from safetensors.numpy import save as encode

    tensors = {name: np.require(array, requirements="C") for name, array in arrays.items()}
    content = encode(tensors, {METADATA_KEY: _as_text(record)})
    write_atomic(path, content)
    return hashlib.sha256(content).hexdigest()


def load(model: keras.Model, path: Path, *, sha256: str | None = None) -> str:
    """Read weights into a model: the digest is checked first, then every type, name, shape and value.

    The model is changed only once everything has been checked.

    :param sha256: what the digest must be, where it is known.
    :return: sha256 of the file.
    :raises WeightsError: one line that says what doesn't match.
    """
    import numpy as np

    variables = _variables(model)
    size = sum(math.prod(v.shape) * np.dtype(v.dtype).itemsize for v in variables.values())
    content = tensorfile.read(path, most_bytes=8 + tensorfile.MAX_HEADER_BYTES + size)
    digest = hashlib.sha256(content).hexdigest()
    if sha256 is not None and digest != sha256:
        raise WeightsError(
            f"weights {path.name} have sha256 {digest[:12]}… where {sha256[:12]}… is declared; "
            "reinstall the plugin that ships them"
        )
    try:
        tensors = tensorfile.decode(content)
    except ValueError as error:
        raise WeightsError(f"weights {path} can't be used: {error}") from None

    if different := sorted(variables.keys() ^ tensors.keys()):
        first = tensorfile.short(different[0])
        where = "the model lacks" if different[0] in tensors else "the file lacks"
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
        if tensor.dtype != variables[name].dtype:
            raise WeightsError(
                f"weights {path.name} don't fit {model.name}: {name} has type {tensor.dtype} "
                f"where {variables[name].dtype} is needed"
            )
        if not np.isfinite(tensor).all():
            raise WeightsError(f"weights {path.name}: {name} holds values that are not finite")
    for name, tensor in tensors.items():
        variables[name].assign(tensor)
    return digest


def _variables(model: keras.Model) -> dict[str, Any]:
    return {v.path: v for v in model.weights}


def _as_text(record: Mapping[str, Any]) -> str:
    return json.dumps(record, sort_keys=True, allow_nan=False)


def _array(value: Any) -> Any:
    from keras import ops

    return ops.convert_to_numpy(value)
