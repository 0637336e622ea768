"""Weights from elsewhere, and for elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo import registry as _registry
from zoo.data.catalog import find
from zoo.errors import SpecError, UsageError, WeightsError
from zoo.files import write_atomic
from zoo.modeling import tensorfile
from zoo.modeling import weights as files
from zoo.paths import trained_weights
from zoo.specs import ANY_DATASET, ModelSpec
from zoo.weights.inventory import dataset_of, weights
from zoo.weights.verify import check, classes_for, normalisation


def import_file(
    file: str | Path,
    model: str,
    *,
    dataset: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    force: bool = False,
    data_dir: str | None = None,
    registry: _registry.Registry | None = None,
) -> dict[str, Any]:
    """Check a safetensors file against a model and put it where `zoo bench` finds it.

    A file that `zoo train` wrote is copied as it is. Another is given a record: what is said here, and its digest.

    :param dataset: what it was trained on; needed where the file doesn't say.
    :param mean, std: how images were normalised then, per channel in units of [0, 1], where the file doesn't say.
    :param force: replace weights that are there.
    :return: `model`, `dataset`, `path`, `sha256` and `provenance` of the file as it lies there.
    :raises UsageError: for what is unknown, contradicts the file, or would have no effect.
    :raises WeightsError: if the file doesn't fit.
    """
    registry = registry or _registry.load()
    spec = registry.model(model).spec
    path = Path(file)
    if not path.is_file():
        raise UsageError(f"the weights file {path} is not there")
    content = tensorfile.read(path)
    sha256 = hashlib.sha256(content).hexdigest()

    record = files.find_provenance(path)
    if record is None:
        record = _record_of_unknown(path, sha256, model, dataset, mean, std)
        content = files.with_provenance(content, record)
    elif mean or std:
        raise UsageError(f"{path} says itself how images are normalised; leave out --mean and --std")
    name = _agreed(path, record, model, dataset)
    _check_normalisation(path, spec, record, name)
    _check_dataset(spec, name, registry, data_dir)
    place = _free_place(spec, name, force)

    classes = classes_for(spec, name, registry, data_dir)
    job = {"model": spec.to_json(), "classes": classes, "path": str(path.absolute()), "sha256": sha256, "dataset": None}
    if error := check([job])[0]["error"]:
        raise WeightsError(error)
    write_atomic(place, content)
    digest = hashlib.sha256(content).hexdigest()
    return {"model": model, "dataset": name, "path": str(place), "sha256": digest, "provenance": record}


def export_file(
    model: str,
    output: str | Path,
    *,
    dataset: str | None = None,
    registry: _registry.Registry | None = None,
) -> dict[str, Any]:
    """Copy the weights that `zoo bench` takes, whole, with the record of how they were made.

    :param output: a file, or a folder that is there.
    :param dataset: needed where the model has weights for several.
    :return: `model`, `dataset`, `path` and `sha256` of the copy.
    :raises UsageError: if there are none, or several.
    :raises WeightsError: if they can't be read, or are not what their plugin declares.
    """
    registry = registry or _registry.load()
    name = registry.model(model).spec.name
    found = {record["dataset"]: record for record in weights(name, registry=registry) if record["used"]}
    if dataset is None and len(found) > 1:
        raise UsageError(f"{name} has weights for {', '.join(found)}; name one with --dataset")
    record = found.get(dataset or next(iter(found), ""))
    if record is None:
        of, option = (f" for {dataset}", f" --dataset {dataset}") if dataset else ("", "")
        raise UsageError(f"{name} has no weights{of}; 'zoo train {name}{option}' makes them")
    if record["error"]:
        raise WeightsError(record["error"])
    content = tensorfile.read(Path(record["path"]))
    if hashlib.sha256(content).hexdigest() != record["sha256"]:
        raise WeightsError(f"{record['path']} is not what is declared; 'zoo weights verify {name}' says more")
    path = Path(output)
    if path.is_dir():
        path /= f"{name}-{trained_weights(name, record['dataset']).name}"
    write_atomic(path.absolute(), content)
    return {"model": name, "dataset": record["dataset"], "path": str(path), "sha256": record["sha256"]}


def _record_of_unknown(
    path: Path,
    sha256: str,
    model: str,
    dataset: str | None,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
) -> dict[str, Any]:
    if dataset is None:
        raise UsageError(f"{path} doesn't say what it was trained on; name the dataset with --dataset")
    return {
        "model": model,
        "dataset": {"name": dataset},
        "recipe": {"mean": list(mean or (0.0,)), "std": list(std or (1.0,))},
        "score": None,
        "imported": {"file": tensorfile.short(path.name), "sha256": sha256},
    }


def _agreed(path: Path, record: Mapping[str, Any], model: str, dataset: str | None) -> str:
    """The dataset, if the file is of that model and that dataset."""
    said = dataset_of(record)
    if said is None:
        raise WeightsError(f"{path} doesn't name its dataset")
    if record.get("model") != model or dataset not in (None, said):
        of = f"{tensorfile.short(record.get('model'))} on {said}"
        raise UsageError(f"{path} says that it is of {of}, and not of {model} on {dataset or said}")
    return said


def _free_place(spec: ModelSpec, dataset: str, force: bool) -> Path:
    place = trained_weights(spec.name, dataset)
    if place.exists() and not force:
        raise UsageError(f"there are weights of {spec.name} for {dataset} in {place}; --force replaces them")
    return place


def _check_dataset(spec: ModelSpec, dataset: str, registry: _registry.Registry, data_dir: str | None) -> None:
    """It must be one that the model's plugin names, or be here: anything else is a slip of the pen."""
    named = {recipe.dataset for recipe in spec.recipes} - {ANY_DATASET}
    if dataset not in named or data_dir is not None:
        find(dataset, registry.datasets, data_dir)


def _check_normalisation(path: Path, spec: ModelSpec, record: Mapping[str, Any], dataset: str) -> None:
    try:
        recipe = normalisation(record, dataset)
    except SpecError as error:
        raise UsageError(f"{path}: {error}") from None
    channels = spec.input_shape[-1]
    if any(len(values) not in (1, channels) for values in (recipe.mean, recipe.std)):
        raise UsageError(f"{spec.name} takes {channels} channels; give one value of --mean and --std, or one for each")
