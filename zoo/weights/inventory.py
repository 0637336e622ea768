"""Which weights there are: those that come with plugins, and those that were trained or imported here.

Imports neither NumPy nor a framework.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo import registry as _registry
from zoo.errors import WeightsError
from zoo.modeling import weights as files
from zoo.paths import home, reason, trained_weights
from zoo.specs import ModelSpec, WeightsSpec

Entry = _registry.Entry[ModelSpec]

SUFFIX = ".safetensors"


def weights(
    *patterns: str, dataset: str | None = None, registry: _registry.Registry | None = None
) -> list[dict[str, Any]]:
    """The weights of the models that match names or shell globs, or of all.

    :param dataset: only those for it.
    :return: of each file `model` and `dataset`; `source`: `"plugin"`, or `"here"` if it was trained or imported;
        `plugin` and `plugin_version`; `used`, whether `zoo bench` takes it; `path`; `bytes`; `sha256`, as a plugin
        declares it; `provenance`, as the file tells it; `score` and `epochs` from there; and `error`, why it can't be
        read. None is what isn't known.
    :raises UsageError: if a pattern matches no model.
    """
    entries = (registry or _registry.load()).select(patterns)
    found = [record for entry in entries for record in _of(entry)]
    return [record for record in found if dataset in (None, record["dataset"])]


def describe_file(path: Path) -> dict[str, Any]:
    """A file that may lie anywhere, as `weights` describes those it finds."""
    record = _described(path)
    said = record["provenance"] or {}
    about = {"model": _text(said.get("model")), "dataset": dataset_of(said), "source": "file"}
    return {**record, **about, "sha256": _sha256(path)}


def dataset_of(provenance: Mapping[str, Any]) -> str | None:
    """The name of the dataset that the weights were trained on, if there is one."""
    dataset = provenance.get("dataset")
    return _text(dataset.get("name")) if isinstance(dataset, Mapping) else None


def score_of(provenance: Mapping[str, Any]) -> dict[str, Any] | None:
    """The score with its interval and its number of images, if it is one."""
    score = provenance.get("score")
    if not isinstance(score, dict):
        return None
    shares = [score.get(key) for key in ("low", "value", "high")]
    if not all(isinstance(share, (int, float)) and 0 <= share <= 1 for share in shares):
        return None
    return score if _count(score.get("images")) else None


def _of(entry: Entry) -> Iterator[dict[str, Any]]:
    spec = entry.spec
    for shipped in spec.weights:
        yield {
            **_shipped(shipped),
            "model": spec.name,
            "dataset": shipped.dataset,
            "source": "plugin",
            "plugin": entry.source(shipped).distribution,
            "plugin_version": entry.source(shipped).version,
            "used": not trained_weights(spec.name, shipped.dataset).is_file(),
            "sha256": shipped.sha256,
        }
    for path in sorted((home() / "weights" / spec.name).glob(f"*{SUFFIX}")):
        record = _described(path)
        dataset = dataset_of(record["provenance"] or {})
        if dataset is None or trained_weights(spec.name, dataset) != path:
            dataset = path.name.removesuffix(SUFFIX).replace("@", "/")
        about = {
            "model": spec.name,
            "dataset": dataset,
            "source": "here",
            "used": trained_weights(spec.name, dataset) == path,
        }
        yield {**record, **about, "sha256": _sha256(path)}


def _shipped(spec: WeightsSpec) -> dict[str, Any]:
    try:
        return _described(files.locate(spec))
    except WeightsError as error:
        return {**_UNKNOWN, "error": str(error)}


def _described(path: Path) -> dict[str, Any]:
    """What the file itself tells."""
    try:
        size = path.stat().st_size
        provenance = files.find_provenance(path)
    except OSError as error:
        return {**_UNKNOWN, "path": str(path), "error": f"can't read weights {path}: {reason(error)}"}
    except WeightsError as error:
        return {**_UNKNOWN, "path": str(path), "bytes": size, "error": str(error)}
    said = provenance or {}
    recipe = said.get("recipe")
    return {
        **_UNKNOWN,
        "path": str(path),
        "bytes": size,
        "provenance": provenance,
        "score": score_of(said),
        "epochs": _count(recipe.get("epochs")) if isinstance(recipe, Mapping) else None,
    }


_UNKNOWN: Mapping[str, Any] = {
    "model": None,
    "dataset": None,
    "source": None,
    "plugin": None,
    "plugin_version": None,
    "used": False,
    "path": None,
    "bytes": None,
    "sha256": None,
    "score": None,
    "epochs": None,
    "provenance": None,
    "error": None,
}


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.isprintable() else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 1 else None
