"""Weights files of Keras and PyTorch, read without running any code of theirs.

Of a `.keras` archive only the arrays are taken. Its configuration is searched for code, and never built. HDF5 is read
in a worker: its library is written in C.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zoo.errors import WeightsError
from zoo.modeling import tensorfile
from zoo.text import describe

if TYPE_CHECKING:
    import h5py

KERAS, HDF5, SAFETENSORS = "keras", "hdf5", "safetensors"

CONFIGURATION, WEIGHTS = "config.json", "model.weights.h5"  # within an archive of Keras'
OPTIMIZER = "optimizer/"  # HDF5 groups that are the optimizer's
PICKLE = "is a pickle, and loading one runs code; save model.state_dict() with safetensors.torch.save_file instead"
OLDER = "is in Keras' older HDF5 format; load it in Keras and write it by model.save_weights('NAME.weights.h5')"
# An HDF5 filter can be a library that HDF5 loads by itself. Two colons switch that off.
ENVIRONMENT = {"HDF5_PLUGIN_PRELOAD": "::"}


@dataclass(frozen=True, slots=True)
class Found:
    """What a file holds.

    Attributes:
        arrays: by name. Floating-point ones of 16 bits have become float32, which is exact.
        layers: of Keras' files: the name of the layer that each group of arrays belongs to, by the group's path.
    """

    arrays: tensorfile.Arrays
    layers: dict[str, str] = field(default_factory=dict)


def format_of(content: bytes) -> str:
    """`KERAS`, `HDF5`, or `SAFETENSORS` of everything else.

    :raises WeightsError: of a pickle: what is wrong with it, to stand after its name.
    """
    if content.startswith(b"PK\x03\x04"):
        return KERAS
    if content.startswith(b"\x89HDF\r\n\x1a\n"):
        return HDF5
    if content.startswith(b"\x80") and content[8:9] != b"{":  # a safetensors header may have such a length
        raise WeightsError(PICKLE)
    return SAFETENSORS


def read(content: bytes, kind: str) -> Found:
    """The arrays of a file.

    :param content: anything at all.
    :param kind: as `format_of` has it.
    :raises WeightsError: what is wrong with it, to stand after its name.
    """
    if kind == KERAS:
        return _hdf5(_weights_in_archive(content))
    if kind == HDF5:
        return _hdf5(content)
    try:
        return Found(tensorfile.decode_any(content))
    except ValueError as error:
        raise WeightsError(f"can't be used: {error}") from None


def _weights_in_archive(content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if any(name.endswith("data.pkl") for name in names):
                raise WeightsError(PICKLE)
            if missing := {CONFIGURATION, WEIGHTS} - {*names}:
                raise WeightsError(f"is not an archive of Keras': it has no {min(missing)}")
            for name in (CONFIGURATION, WEIGHTS):  # stored as it is, a file is no larger than the archive
                if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
                    raise WeightsError(f"has {name} compressed, which Keras doesn't do; save it by model.save again")
            _check_for_code(archive.read(CONFIGURATION))
            return archive.read(WEIGHTS)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise WeightsError(f"is not a whole archive of Keras': {tensorfile.short(error)}") from None


def _check_for_code(configuration: bytes) -> None:
    """A Lambda layer is Python code. What it computes is lost without it."""
    lambdas: list[dict[str, Any]] = []

    def look(found: dict[str, Any]) -> dict[str, Any]:
        if found.get("class_name") in ("Lambda", "__lambda__"):
            lambdas.append(found)
        return found

    try:
        json.loads(configuration, object_hook=look)
    except (ValueError, RecursionError):
        raise WeightsError(f"is not a whole archive of Keras': {CONFIGURATION} is not JSON") from None
    if lambdas:
        raise WeightsError(
            "has a Lambda layer, which is code that the zoo doesn't run; "
            "if the zoo's model has it too, import what model.save_weights('NAME.weights.h5') writes"
        )


def _hdf5(content: bytes) -> Found:
    import h5py

    found = Found({}, {})
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            if "layer_names" in file.attrs or "model_weights" in file:
                raise WeightsError(OLDER)
            datasets: dict[str, h5py.Dataset] = {}

            def visit(name: str, item: object) -> None:
                if name.startswith(OPTIMIZER):
                    return
                if isinstance(item, h5py.Dataset):
                    _check_plain(name, item)
                    datasets[name] = item
                elif name.endswith("/vars") and isinstance(item, h5py.Group):
                    layer = item.attrs.get("name")
                    found.layers[name] = layer if isinstance(layer, str) else ""

            file.visititems(visit)  # neither soft nor external links are followed, and nothing is visited twice
            if sum(dataset.nbytes for dataset in datasets.values()) > len(content):
                raise WeightsError("has arrays that share their bytes")
            for name, dataset in datasets.items():
                found.arrays[name] = _array(dataset)
    except WeightsError:
        raise
    except Exception as error:  # h5py raises nearly every type for files that are damaged
        raise WeightsError(f"is not a whole HDF5 file: {describe(error)}") from None
    return found


def _check_plain(name: str, dataset: h5py.Dataset) -> None:
    """Keras writes whole numbers and floating-point ones, uncompressed and in the file itself."""
    stored = dataset.id.get_storage_size()
    elsewhere = dataset.external or dataset.is_virtual
    if dataset.dtype.hasobject or dataset.chunks or elsewhere or stored != dataset.nbytes:
        raise WeightsError(f"has {tensorfile.short(name)} in a form that Keras doesn't write; save it by Keras again")


def _array(dataset: h5py.Dataset) -> Any:
    import numpy as np

    array = np.asarray(dataset[()])
    if dataset.attrs.get("dtype") == "bfloat16" and array.dtype.itemsize == 2:
        return tensorfile.widened(array.view(np.uint16))
    return array.astype(np.float32) if array.dtype == np.float16 else array
