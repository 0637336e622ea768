"""Weights files of Keras and PyTorch, read without running any code of theirs.

Keras has two layouts of HDF5. In the newer one, arrays are named by the structure of the model. In the older one, each
layer has a list of its arrays. Of a `.keras` archive only the arrays are taken. Its configuration is searched for code,
and never built. HDF5 is read in a worker: its library is written in C.
"""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zoo.errors import WeightsError
from zoo.modeling import tensorfile
from zoo.text import describe

if TYPE_CHECKING:
    import h5py

KERAS, HDF5, SAFETENSORS = "keras", "hdf5", "safetensors"

CONFIGURATION, WEIGHTS = "config.json", "model.weights.h5"  # within an archive of Keras'
OPTIMIZERS = ("optimizer/", "optimizer_weights/")  # HDF5 groups that are the optimizer's
OLDER_MODEL = "model_weights"  # the group of the layers where an older file holds a whole model
PICKLE = "is a pickle, and loading one runs code; save model.state_dict() with safetensors.torch.save_file instead"
# An HDF5 filter can be a library that HDF5 loads by itself. Two colons switch that off.
ENVIRONMENT = {"HDF5_PLUGIN_PRELOAD": "::"}


@dataclass(frozen=True, slots=True)
class Found:
    """What a file holds.

    Attributes:
        arrays: by name. Floating-point ones of 16 bits have become float32, which is exact.
        layers: of Keras' files: the name of the layer that each group of arrays belongs to, by the group's path.
        lists: of an older file: the layers that have arrays, in order, and the names of these arrays, in order.
    """

    arrays: tensorfile.Arrays
    layers: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] | None = None


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

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            layers: dict[str, str] = {}
            datasets: dict[str, h5py.Dataset] = {}
            groups: dict[str, h5py.Group] = {"": file}

            def visit(name: str, item: object) -> None:
                if name.startswith(OPTIMIZERS):
                    return
                if isinstance(item, h5py.Dataset):
                    _check_plain(name, item)
                    datasets[name] = item
                elif isinstance(item, h5py.Group):
                    groups[name] = item
                    if name.endswith("/vars"):
                        layer = item.attrs.get("name")
                        layers[name] = layer if isinstance(layer, str) else ""

            file.visititems(visit)  # neither soft nor external links are followed, and nothing is visited twice
            if sum(dataset.nbytes for dataset in datasets.values()) > len(content):
                raise WeightsError("has arrays that share their bytes")
            lists = _lists(groups, datasets)
            names = datasets if lists is None else [name for listed in lists.values() for name in listed]
            return Found({name: _array(datasets[name]) for name in names}, layers, lists)
    except WeightsError:
        raise
    except Exception as error:  # h5py raises nearly every type for files that are damaged
        raise WeightsError(f"is not a whole HDF5 file: {describe(error)}") from None


def _lists(groups: Mapping[str, h5py.Group], datasets: Mapping[str, h5py.Dataset]) -> dict[str, list[str]] | None:
    """What an older file says of its layers; None of a newer file.

    :param groups: of the file, by their paths; the root is "". So no link is followed here either.
    """
    root = OLDER_MODEL if OLDER_MODEL in groups else ""
    layers = _listed(groups[root], "layer_names")
    if not layers and not root:
        return None
    if (configuration := groups[""].attrs.get("model_config")) is not None:
        _check_for_code(configuration if isinstance(configuration, bytes) else str(configuration).encode())
    lists: dict[str, list[str]] = {}
    for layer in layers:
        place = f"{root}/{layer}".lstrip("/")
        if place not in groups or layer in lists:
            raise WeightsError(
                f"has {'two layers' if layer in lists else 'no layer'} {tensorfile.short(layer)} where it lists one"
            )
        lists[layer] = [f"{place}/{name}" for name in _listed(groups[place], "weight_names")]
        if lost := [name for name in lists[layer] if name not in datasets]:
            raise WeightsError(f"lists {tensorfile.short(lost[0])} and lacks it ({len(lost)} in all)")
    return {layer: names for layer, names in lists.items() if names}


def _listed(group: h5py.Group, name: str) -> list[str]:
    """Names that Keras keeps in an attribute, or in several numbered ones where they are too long for one."""
    several = (f"{name}{number}" for number in itertools.count())
    keys = [name] if name in group.attrs else itertools.takewhile(lambda key: key in group.attrs, several)
    return [item.decode() if isinstance(item, bytes) else str(item) for key in keys for item in group.attrs[key]]


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
