"""Bring the weights of somebody else's file into the zoo's form. Runs in a worker: it builds the model."""

from __future__ import annotations

import fnmatch
import hashlib
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import UsageError, WeightsError
from zoo.keras_backend import import_keras
from zoo.modeling import tensorfile
from zoo.modeling import weights as files
from zoo.specs import ModelSpec
from zoo.weights import foreign, name_map
from zoo.weights.layout import Variable, from_torch, variables_of

if TYPE_CHECKING:
    import keras

Report = Callable[..., None]

TORCH_EPSILON = 1e-5  # PyTorch's default of a batch normalisation
RANDOM_STATE = "seed_generator"  # what Keras calls the state of dropout and the like, which is no weight


def convert(job: Mapping[str, Any], report: Report) -> None:
    """Write what `job["path"]` holds to `job["output"]`, if it is the whole of the model's weights.

    :param job: `model` and `classes`; `path`, `sha256` and `format` (see `foreign`) of the file; the `record` to write
        to `output`. Of safetensors also `map`, the map's text, `map_file`, and `epsilon` or None. Of an older HDF5
        file there may be `leave_out`, layers that the model lacks, by names or shell globs.
    :raises WeightsError: if the file doesn't fit the model.
    :raises UsageError: if the map fits neither, or the epsilon must be said.
    """
    model, path, found = _read(job, report)
    variables = variables_of(model)
    if job["format"] == foreign.SAFETENSORS:
        arrays = _by_map(model.name, variables, found, job)
    elif found.lists is not None:
        arrays = _as_keras_saved(model, found, path.name, job.get("leave_out", ()))
    else:
        arrays = _as_keras_saves(model, variables, found, path.name)
    output = Path(job["output"])
    files.save_arrays(arrays, output, job["record"])
    files.load(model, output)


def draft(job: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Begin a map for `job["path"]`.

    :param job: `model`, `classes`, `path`, `sha256` and `format`.
    :return: `names`, `guessed` and `lacking` of a `name_map.Draft`.
    """
    model, _, found = _read(job, report)
    shapes = {name: tuple(array.shape) for name, array in found.arrays.items()}
    drafted = name_map.draft(shapes, variables_of(model))
    return {"names": dict(drafted.names), "guessed": drafted.guessed, "lacking": list(drafted.lacking)}


def _read(job: Mapping[str, Any], report: Report) -> tuple[keras.Model, Path, foreign.Found]:
    from zoo.modeling.build import build

    path = Path(job["path"])
    report("phase", name="read")
    content = tensorfile.read(path)
    if hashlib.sha256(content).hexdigest() != job["sha256"]:
        raise WeightsError(f"{path} changed while it was read; import it again")
    try:
        found = foreign.read(content, job["format"])
    except WeightsError as error:
        raise WeightsError(f"{path} {error}") from None
    report("phase", name="import")
    import_keras()
    report("phase", name="build")
    return build(ModelSpec.from_json(job["model"]), classes=job["classes"]), path, found


def _by_map(model: str, variables: list[Variable], found: foreign.Found, job: Mapping[str, Any]) -> tensorfile.Arrays:
    """PyTorch's tensors by the variables that the map sends them to."""
    by_path = {variable.path: variable for variable in variables}
    try:
        names = name_map.parse(job["map"].encode())
        name_map.check(names, found.arrays, by_path)
    except UsageError as error:
        raise UsageError(f"{job['map_file']} {error}") from None
    shifts = _shifts(model, variables, job["epsilon"])
    arrays: tensorfile.Arrays = {}
    for tensor, target in names.items():
        if target is not None:
            variable = by_path[target.variable]
            try:
                arrays[variable.path] = _placed(found.arrays[tensor], variable, target.axes, shifts)
            except WeightsError as error:
                raise WeightsError(f"{tensorfile.short(tensor)} {error}") from None
    return arrays


def _placed(array: Any, variable: Variable, axes: tuple[int, ...] | None, shifts: Mapping[str, float]) -> Any:
    import numpy as np

    _check_type(array)
    if axes is not None and len(axes) != len(variable.shape):
        raise WeightsError(f"has {len(axes)} axes in the map where {variable.path} has {len(variable.shape)}")
    if axes is None:
        wanted = variable.torch_shape
    else:
        wanted = tuple(variable.shape[axes.index(axis)] for axis in range(len(axes)))
    if array.shape != wanted:
        raise WeightsError(f"has shape {array.shape} in the file where {variable.path} needs {wanted}")
    result = from_torch(array, variable) if axes is None else array.transpose(axes)
    if (shift := shifts.get(variable.path)) is not None:
        result = (result.astype(np.float64) + shift).astype(np.float32)
    return result


def _shifts(model: str, variables: list[Variable], epsilon: float | None) -> dict[str, float]:
    """What to add to variances, so that variance + epsilon is what it was with the file's epsilon."""
    here = {variable.path: variable.epsilon for variable in variables if variable.name == "moving_variance"}
    known = {path: value for path, value in here.items() if value is not None}
    if epsilon is not None:
        return {path: epsilon - value for path, value in known.items()}
    if other := [value for value in known.values() if not math.isclose(value, TORCH_EPSILON, rel_tol=1e-3)]:
        raise UsageError(
            f"{model} normalises batches with an epsilon of {other[0]:g}, and PyTorch by default with "
            f"{TORCH_EPSILON:g}; say the file's with --epsilon, so that variances make up for a difference"
        )
    return {}


def _as_keras_saves(
    model: keras.Model, variables: list[Variable], found: foreign.Found, file: str
) -> tensorfile.Arrays:
    """Keras' arrays by the variables that Keras would load them into."""
    saved, layers = _saved(model)
    by_path = {variable.path: variable for variable in variables}
    if lacking := [name for name in saved if name not in found.arrays]:
        raise WeightsError(
            f"{file} doesn't fit {model.name}: the file lacks {saved[lacking[0]]} ({lacking[0]}; {len(lacking)} in all)"
        )
    if extra := sorted(name for name in found.arrays.keys() - saved.keys() if RANDOM_STATE not in name):
        raise WeightsError(
            f"{file} doesn't fit {model.name}: the model lacks {tensorfile.short(extra[0])} ({len(extra)} in all)"
        )
    _check_order(model.name, file, {group: found.layers.get(group, "") for group in layers}, layers)
    for name, path in saved.items():
        _check_fit(model.name, file, path, found.arrays[name], by_path[path].shape)
    return {path: found.arrays[name] for name, path in saved.items()}


def _as_keras_saved(model: keras.Model, found: foreign.Found, file: str, leave_out: Sequence[str]) -> tensorfile.Arrays:
    """The arrays of an older file by the variables that Keras loads them into: layer by layer, in their order."""
    lists = {
        layer: names
        for layer, names in (found.lists or {}).items()
        if not any(fnmatch.fnmatchcase(layer, pattern) for pattern in leave_out)
    }
    layers = {layer.name: [*layer.trainable_weights, *layer.non_trainable_weights] for layer in model.layers}
    layers = {name: variables for name, variables in layers.items() if variables}
    if len(lists) != len(layers):
        raise WeightsError(
            f"{file} doesn't fit {model.name}: the file has {len(lists)} layers with weights, the model {len(layers)}"
        )
    there, here = ({f"layer {number}": name for number, name in enumerate(names, 1)} for names in (lists, layers))
    _check_order(model.name, file, there, here)
    arrays: tensorfile.Arrays = {}
    for (layer, names), (name, variables) in zip(lists.items(), layers.items(), strict=True):
        if len(names) != len(variables):
            raise WeightsError(
                f"{file} doesn't fit {model.name}: {tensorfile.short(layer)} has {len(names)} arrays "
                f"where {name} needs {len(variables)}"
            )
        for array, variable in zip(names, variables, strict=True):
            _check_fit(model.name, file, variable.path, found.arrays[array], tuple(variable.shape))
            arrays[variable.path] = found.arrays[array]
    return arrays


def _check_fit(model: str, file: str, path: str, array: Any, wanted: tuple[int, ...]) -> None:
    try:
        _check_type(array)
        if array.shape != wanted:
            raise WeightsError(f"has shape {array.shape} where {wanted} is needed")
    except WeightsError as error:
        raise WeightsError(f"{file} doesn't fit {model}: {path} {error}") from None


def _saved(model: keras.Model) -> tuple[dict[str, str], dict[str, str]]:
    """Where Keras saves each variable, and the names of the layers there.

    The names in Keras' files follow from a model's structure by rules that are Keras' alone. So it is asked: it writes
    a file in which each array holds the number of its variable.
    """
    import numpy as np

    paths = [variable.path for variable in model.weights]
    for number, variable in enumerate(model.weights):
        variable.assign(np.full(variable.shape, number, np.float32))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "numbers.weights.h5"
        model.save_weights(file)
        found = foreign.read(file.read_bytes(), foreign.HDF5)
    by_number = dict(enumerate(paths))
    saved = {
        name: by_number[int(array.flat[0])]
        for name, array in found.arrays.items()
        if array.dtype == np.float32 and array.size and array.flat[0] in by_number
    }
    if sorted(saved.values()) != sorted(paths):
        raise WeightsError(
            f"{model.name} has weights that Keras doesn't save by themselves; import them as safetensors"
        )
    groups = {name.rpartition("/")[0] for name in saved}
    return saved, {group: name for group, name in found.layers.items() if group in groups}


def _check_order(model: str, file: str, there: Mapping[str, str], here: Mapping[str, str]) -> None:
    """Layers of one class are told apart by their order alone. Where the names say another order, neither is believed.

    :param there, here: names of layers by group, in the file and in one that Keras would write of the model.
    """
    if sorted(there.values()) != sorted(here.values()):
        return  # the file's names are others: Keras makes up most of them
    for group, name in here.items():
        if (other := there[group]) != name:
            raise WeightsError(
                f"{file} has its layers in another order than {model}: {group} is {tensorfile.short(other)}, not {name}"
            )


def _check_type(array: Any) -> None:
    if array.dtype.name != "float32":
        raise WeightsError(f"has type {array.dtype}, not float32")
