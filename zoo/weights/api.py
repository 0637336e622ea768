"""Weights from elsewhere, and for elsewhere."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo import registry as _registry
from zoo.data.catalog import find
from zoo.errors import SpecError, UsageError, WeightsError
from zoo.executors.local import Task, call, make_folder
from zoo.files import write_atomic
from zoo.keras_backend import environment
from zoo.modeling import tensorfile
from zoo.modeling import weights as files
from zoo.paths import trained_weights
from zoo.specs import ANY_DATASET, ModelSpec
from zoo.weights import foreign
from zoo.weights import name_map as maps
from zoo.weights.inventory import dataset_of, weights
from zoo.weights.verify import check, classes_for, normalisation

TIMEOUT_S = 600.0  # for reading a file and building its model


def import_file(
    file: str | Path,
    model: str,
    *,
    dataset: str | None = None,
    name_map: str | Path | None = None,
    epsilon: float | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    force: bool = False,
    data_dir: str | None = None,
    registry: _registry.Registry | None = None,
) -> dict[str, Any]:
    """Check a weights file against a model and put it where `zoo bench` finds it, as safetensors.

    A file that `zoo train` wrote is copied as it is. Another is given a record: what is said here, its digest and its
    format. What Keras saved as `.keras` or `.weights.h5`, and PyTorch's tensors, are brought into the zoo's form.
    No code in the file is run, and a file that would need it is refused.

    :param dataset: what it was trained on; needed where the file doesn't say.
    :param name_map: a JSON file that says which tensor of PyTorch's is which variable (`zoo.weights.name_map`).
    :param epsilon: of the batch normalisations in PyTorch; needed where the model's is another than PyTorch's default.
    :param mean, std: how images were normalised then, per channel in units of [0, 1], where the file doesn't say.
    :param force: replace weights that are there.
    :return: `model`, `dataset`, `path`, `sha256` and `provenance` of the file as it lies there.
    :raises UsageError: for what is unknown, contradicts the file, or would have no effect.
    :raises WeightsError: if the file can't be read without running code, is damaged, or doesn't fit.
    """
    registry = registry or _registry.load()
    spec = registry.model(model).spec
    path = Path(file)
    content, kind = _content(path)
    job: dict[str, Any] = {"path": str(path.absolute()), "sha256": hashlib.sha256(content).hexdigest(), "format": kind}
    record = files.find_provenance(path) if kind == foreign.SAFETENSORS else None
    if record is not None and (mean or std):
        raise UsageError(f"{path} says itself how images are normalised; leave out --mean and --std")
    if record is not None and name_map is not None:
        raise UsageError(f"{path} has the names of the zoo already; leave out --map")
    if name_map is not None:
        job |= _mapped(Path(name_map), kind)
    elif epsilon is not None:
        raise UsageError("--epsilon is for tensors of PyTorch; give their --map too, or leave it out")
    elif kind == foreign.SAFETENSORS:
        _check_names(path, content, model)
    as_it_is = kind == foreign.SAFETENSORS and name_map is None

    if record is None:
        record = _record_of_unknown(path, model, dataset, mean, std)
        record["imported"] |= {"sha256": job["sha256"], "format": kind}
        if name_map is not None:
            record["imported"] |= {"map_sha256": hashlib.sha256(job["map"].encode()).hexdigest(), "epsilon": epsilon}
        if as_it_is:
            content = files.with_provenance(content, record)
    name = agreed(path, record, model, dataset)
    check_normalisation(path, spec, record, name)
    _check_dataset(spec, name, registry, data_dir)
    place = free_place(spec, name, force)

    job |= {"model": spec.to_json(), "classes": classes_for(spec, name, registry, data_dir)}
    if not as_it_is:
        content = converted({**job, "record": record, "epsilon": epsilon})
    elif error := check([{**job, "dataset": None}])[0]["error"]:
        raise WeightsError(error)
    write_atomic(place, content)
    digest = hashlib.sha256(content).hexdigest()
    return {"model": model, "dataset": name, "path": str(place), "sha256": digest, "provenance": record}


def draft_map(
    file: str | Path,
    model: str,
    output: str | Path,
    *,
    dataset: str | None = None,
    force: bool = False,
    data_dir: str | None = None,
    registry: _registry.Registry | None = None,
) -> dict[str, Any]:
    """Begin a map of PyTorch's tensors to a model's variables, for somebody to look at and to finish.

    Layers are matched by what they hold and its shapes, and among those alike by their order.

    :param file: safetensors.
    :param output: the map, as `import_file` takes it. A tensor without a match has "" there, which isn't imported.
    :param dataset: whose classes the model is built for; by default the model's own.
    :param force: replace a map that is there.
    :return: `path`; `names`, the map; `guessed`, how many tensors were told from others by their order alone; and
        `lacking`, the variables without a tensor.
    :raises UsageError: for what is unknown, or another format.
    :raises WeightsError: if the file is damaged.
    """
    registry = registry or _registry.load()
    spec = registry.model(model).spec
    path, place = Path(file), Path(output)
    content, kind = _content(path)
    if kind != foreign.SAFETENSORS:
        raise UsageError(f"{path} needs no map: Keras' layers are found by their order; import it as it is")
    if dataset is not None:
        _check_dataset(spec, dataset, registry, data_dir)
    if os.path.lexists(place) and not force:
        raise UsageError(f"{place} is there already; --force replaces it")
    job = {
        "model": spec.to_json(),
        "classes": spec.classes if dataset is None else classes_for(spec, dataset, registry, data_dir),
        "path": str(path.absolute()),
        "sha256": hashlib.sha256(content).hexdigest(),
        "format": kind,
    }
    drafted: dict[str, Any] = call(_task("draft", job))
    write_atomic(place.absolute(), (json.dumps(drafted["names"], indent=1, ensure_ascii=False) + "\n").encode())
    return {**drafted, "path": str(place)}


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


def _content(path: Path) -> tuple[bytes, str]:
    """What is in a file, and its format.

    :raises UsageError: if it is not there.
    :raises WeightsError: if it can't be read, or only by running code.
    """
    if not os.path.lexists(path):
        raise UsageError(f"the weights file {path} is not there")
    content = tensorfile.read(path)
    try:
        return content, foreign.format_of(content)
    except WeightsError as error:
        raise WeightsError(f"{path} {error}") from None


def _mapped(path: Path, kind: str) -> dict[str, str]:
    """A map as the job has it: its text, and the name of its file."""
    if kind != foreign.SAFETENSORS:
        raise UsageError("--map is for safetensors: Keras' layers are found by their order; leave it out")
    if not os.path.lexists(path):
        raise UsageError(f"the map {path} is not there; 'zoo weights map' begins one")
    content = tensorfile.read(path, most_bytes=maps.MAX_BYTES, what="map")
    try:
        maps.parse(content)
    except UsageError as error:
        raise UsageError(f"{path} {error}") from None
    return {"map": content.decode(), "map_file": str(path)}


def _check_names(path: Path, content: bytes, model: str) -> None:
    """Paths of Keras' variables have slashes, PyTorch's names have none."""
    names = tensorfile.names(content)
    if names and not any("/" in name for name in names):
        raise UsageError(
            f"{path} has names of another kind than Keras' ({tensorfile.short(names[0])}); "
            f"'zoo weights map FILE {model} -o MAP.json' begins a map of them, which --map takes"
        )


def converted(job: Mapping[str, Any]) -> bytes:
    """What `zoo.weights.convert` makes of a file, in a process of its own.

    :param job: as `zoo.weights.convert.convert` takes it, without `output`.
    """
    with make_folder() as folder:
        output = folder.path / "weights.safetensors"
        call(_task("convert", {**job, "output": str(output)}))
        return tensorfile.read(output)


def _task(function: str, job: Mapping[str, Any]) -> Task:
    variables = {**environment(), **foreign.ENVIRONMENT}
    return Task(f"zoo.weights.convert:{function}", job, environment=variables, timeout_s=TIMEOUT_S, label="weights")


def _record_of_unknown(
    path: Path, model: str, dataset: str | None, mean: Sequence[float] | None, std: Sequence[float] | None
) -> dict[str, Any]:
    if dataset is None:
        raise UsageError(f"{path} doesn't say what it was trained on; name the dataset with --dataset")
    return {
        "model": model,
        "dataset": {"name": dataset},
        "recipe": {"mean": list(mean or (0.0,)), "std": list(std or (1.0,))},
        "score": None,
        "imported": {"file": tensorfile.short(path.name)},
    }


def agreed(path: Path, record: Mapping[str, Any], model: str, dataset: str | None) -> str:
    """The dataset that the record of a file names.

    :raises UsageError: if the record is of another model or dataset.
    :raises WeightsError: if it names none.
    """
    said = dataset_of(record)
    if said is None:
        raise WeightsError(f"{path} doesn't name its dataset")
    if record.get("model") != model or dataset not in (None, said):
        of = f"{tensorfile.short(record.get('model'))} on {said}"
        raise UsageError(f"{path} says that it is of {of}, and not of {model} on {dataset or said}")
    return said


def free_place(spec: ModelSpec, dataset: str, force: bool) -> Path:
    """Where weights for a dataset are put; UsageError if some are there and may not be replaced."""
    place = trained_weights(spec.name, dataset)
    if place.exists() and not force:
        raise UsageError(f"there are weights of {spec.name} for {dataset} in {place}; --force replaces them")
    return place


def _check_dataset(spec: ModelSpec, dataset: str, registry: _registry.Registry, data_dir: str | None) -> None:
    """It must be one that the model's plugin names, or be here: anything else is a slip of the pen."""
    named = {recipe.dataset for recipe in spec.recipes} - {ANY_DATASET}
    if dataset not in named or data_dir is not None:
        find(dataset, registry.datasets, data_dir)


def check_normalisation(path: Path, spec: ModelSpec, record: Mapping[str, Any], dataset: str) -> None:
    """UsageError unless the mean and the deviation in the record of a file are sound and fit the model's channels."""
    try:
        recipe = normalisation(record, dataset)
    except SpecError as error:
        raise UsageError(f"{path}: {error}") from None
    channels = spec.input_shape[-1]
    if any(len(values) not in (1, channels) for values in (recipe.mean, recipe.std)):
        raise UsageError(f"{spec.name} takes {channels} channels; give one value of --mean and --std, or one for each")
