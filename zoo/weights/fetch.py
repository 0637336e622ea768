"""Trained weights from a server, by what a plugin says of them."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from zoo import registry as _registry
from zoo.data.patience import Patience
from zoo.errors import DataError, UsageError, WeightsError
from zoo.executors.local import OnEvent, Task, call, make_folder
from zoo.files import write_atomic
from zoo.modeling import tensorfile
from zoo.modeling import weights as files
from zoo.paths import trained_weights
from zoo.specs import FetchSpec, ModelSpec, RemoteFile
from zoo.weights import api, foreign
from zoo.weights.verify import check

TIMEOUT_S = 3600.0
IDLE_S = 30.0
GRACE_S = 10.0
MARGIN_BYTES = 16 * 2**20  # of a file over its weights: names, and what else it holds
INDEX_BYTES = 2**20
UNSAFE, MOST_CHARACTERS = re.compile(r"[^A-Za-z0-9_.-]"), 100


def fetch(
    model: str,
    *,
    dataset: str | None = None,
    force: bool = False,
    timeout_s: float = TIMEOUT_S,
    idle_s: float = IDLE_S,
    on_event: OnEvent | None = None,
    registry: _registry.Registry | None = None,
) -> dict[str, Any]:
    """Download the trained weights that a model's plugin names, check them, and put them where `zoo bench` finds them.

    They become safetensors with a record of where they are from. No code in the file is run.

    :param dataset: needed where the plugin names weights for several.
    :param force: replace weights that are there.
    :param timeout_s: after which a download is ended.
    :param idle_s: without a byte arriving, after which it is ended.
    :param on_event: told of the progress.
    :return: `model`, `dataset`, `path`, `sha256` and `provenance` of the file as it lies there; `fresh`: False if it
        was there already; and `declared`: False if the plugin knows no digest, so that the server was trusted.
    :raises UsageError: if the plugin names none, others are there, or there is no room.
    :raises WeightsError: if a file can't be downloaded, has another digest, is damaged, or doesn't fit.
    """
    entry = (registry or _registry.load()).model(model)
    spec = entry.spec
    wanted = _wanted(spec, dataset)
    declared = None not in [_digest(file) for file in (wanted.file, wanted.class_index) if file is not None]
    place = trained_weights(spec.name, wanted.dataset)
    found = _there(place, wanted)
    if found is not None and not force:
        digest = hashlib.sha256(tensorfile.read(place)).hexdigest()
        return {**_done(spec, wanted, place, digest, found), "fresh": False, "declared": declared}
    api.free_place(spec, wanted.dataset, force)

    limits = (timeout_s, idle_s, on_event)
    names = None
    with make_folder() as folder:
        if wanted.class_index is not None:
            index = folder.path / _name(wanted.class_index)
            _download(wanted.class_index, index, INDEX_BYTES, *limits)
            names = parse_index(index.read_bytes(), spec.classes, _name(wanted.class_index))
        path = folder.path / _name(wanted.file)
        facts = _download(wanted.file, path, 8 * spec.parameters + MARGIN_BYTES, *limits)
        try:
            content, record = _converted(spec, wanted, path, facts, names)
        except WeightsError as error:
            raise WeightsError(str(error).replace(str(path), path.name)) from None
    write_atomic(place, content)
    digest = hashlib.sha256(content).hexdigest()
    return {**_done(spec, wanted, place, digest, record), "fresh": True, "declared": declared}


def parse_index(content: bytes, classes: int, name: str) -> list[tuple[str, str]]:
    """The ids and titles of classes by their numbers, from a file such as Keras' `imagenet_class_index.json`.

    :raises WeightsError: if it is not one of that many classes, each with an id that no other has.
    """
    try:
        index = tensorfile.parse_object(content, "content")
    except ValueError as error:
        raise WeightsError(f"{name} can't be used: {error}") from None
    found = [index.get(str(number)) for number in range(classes)]
    pairs = [(str(entry[0]), str(entry[1])) for entry in found if isinstance(entry, list) and len(entry) == 2]
    if len(index) != classes or len({wordnet_id for wordnet_id, _ in pairs}) != classes:
        raise WeightsError(f"{name} doesn't name {classes:,} classes")
    return pairs


def _wanted(spec: ModelSpec, dataset: str | None) -> FetchSpec:
    there = {wanted.dataset: wanted for wanted in spec.fetch}
    if not there:
        raise UsageError(f"the plugin of {spec.name} names no weights to fetch; 'zoo weights import' takes a file")
    if dataset is None and len(there) > 1:
        raise UsageError(f"{spec.name} has weights to fetch for {', '.join(there)}; name one with --dataset")
    if dataset is not None and dataset not in there:
        raise UsageError(f"{spec.name} has no weights to fetch for {dataset}, but for {', '.join(there)}")
    return there[dataset] if dataset is not None else next(iter(there.values()))


def _there(place: Path, wanted: FetchSpec) -> dict[str, Any] | None:
    """The record of the weights that are there, if they are those that would be fetched."""
    try:
        record = files.find_provenance(place) if place.is_file() else None
    except WeightsError:
        return None
    fetched = record.get("fetched") if record is not None else None
    if not isinstance(fetched, Mapping):
        return None
    same = (fetched.get("url"), fetched.get("digest")) == (wanted.file.url, _digest(wanted.file))
    return record if same else None


def _download(
    file: RemoteFile, output: Path, most_bytes: int, timeout_s: float, idle_s: float, on_event: OnEvent | None
) -> dict[str, Any]:
    name = _name(file)
    patience = Patience(name, timeout_s=timeout_s, idle_s=idle_s)

    def watched(event: dict[str, Any]) -> None:
        patience(event)
        if on_event is not None:
            on_event(event)

    job = {"file": file.to_json(), "output": str(output), "most_bytes": most_bytes}
    # patience ends it sooner, unless the worker can't even say how it fares
    task = Task("zoo.weights.download:download", job, timeout_s=timeout_s + GRACE_S, label="fetch-weights")
    try:
        done: dict[str, Any] = call(task, watched)
    except WeightsError as error:
        raise WeightsError(f"{name} {error}") from None
    except DataError as error:
        raise WeightsError(str(error)) from None
    return done


def _converted(
    spec: ModelSpec, wanted: FetchSpec, path: Path, facts: Mapping[str, Any], names: list[tuple[str, str]] | None
) -> tuple[bytes, dict[str, Any]]:
    """The weights in the zoo's form, with their record."""
    content = tensorfile.read(path)
    try:
        kind = foreign.format_of(content)
    except WeightsError as error:
        raise WeightsError(f"{path} {error}") from None
    record = files.find_provenance(path) if kind == foreign.SAFETENSORS else None
    record = record or _record(spec, wanted, names)
    try:
        api.agreed(Path(path.name), record, spec.name, wanted.dataset)
        api.check_normalisation(Path(path.name), spec, record, wanted.dataset)
    except UsageError as error:  # nobody who fetches can mend it
        raise WeightsError(str(error)) from None
    record = {
        **record,
        "fetched": {
            "url": wanted.file.url,
            "digest": _digest(wanted.file),
            "sha256": facts["sha256"],
            "bytes": facts["bytes"],
            "format": kind,
            "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        },
    }
    job = {"model": spec.to_json(), "classes": spec.classes, "path": str(path), "sha256": facts["sha256"]}
    if kind != foreign.SAFETENSORS:
        job |= {"format": kind, "leave_out": list(wanted.leave_out), "record": record}
        return api.converted(job), record
    if wrong := check([{**job, "dataset": None}])[0]["error"]:
        raise WeightsError(wrong)
    return files.with_provenance(content, record), record


def _record(spec: ModelSpec, wanted: FetchSpec, names: list[tuple[str, str]] | None) -> dict[str, Any]:
    dataset: dict[str, Any] = {"name": wanted.dataset}
    if names is not None:
        dataset |= {
            "class_names": [wordnet_id for wordnet_id, _ in names],
            "class_titles": [title for _, title in names],
        }
    return {
        "model": spec.name,
        "dataset": dataset,
        "recipe": {"mean": list(wanted.mean), "std": list(wanted.std)},
        "score": None,
    }


def _done(spec: ModelSpec, wanted: FetchSpec, place: Path, sha256: str, record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model": spec.name,
        "dataset": wanted.dataset,
        "path": str(place),
        "sha256": sha256,
        "provenance": dict(record),
    }


def _digest(file: RemoteFile) -> str | None:
    """The digest that is declared of it."""
    return file.sha256 or file.md5


def _name(file: RemoteFile) -> str:
    """What to call it, here and in messages: the end of its address."""
    name = UNSAFE.sub("_", urlsplit(file.url).path.rpartition("/")[2])[:MOST_CHARACTERS].lstrip(".")
    return name or "download"
