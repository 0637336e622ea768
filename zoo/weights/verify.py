"""Check weights against what is declared of them, and against the model as built in a process of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo import registry as _registry
from zoo.data.catalog import Dataset, find
from zoo.errors import SpecError, UsageError, ZooError
from zoo.executors.local import OnEvent, Task, run
from zoo.keras_backend import environment
from zoo.modeling.tensorfile import short
from zoo.specs import ModelSpec, Recipe
from zoo.weights.inventory import SUFFIX, dataset_of, describe_file, score_of, weights

ROUNDING = 1e-3  # of the test images, and at least one: so many may change sides by another order of adding


def verify(
    *names: str,
    dataset: str | None = None,
    score: bool = False,
    data_dir: str | None = None,
    on_event: OnEvent | None = None,
    registry: _registry.Registry | None = None,
) -> list[dict[str, Any]]:
    """Check weights: the digest, what the file says it is of, and every tensor against the model as built.

    :param names: models or shell globs, or files that end in `.safetensors`; none selects all weights there are.
    :param dataset: only those for it.
    :param score: also score them on the test split, and compare with the score that they record.
    :param on_event: told of each file, as an event `checked`.
    :return: for each file what `zoo.weights.inventory.weights` says of it; in `error` what is wrong with it, or None;
        the score as `rescored`, or None; and in `unscored` why there is none though it was asked for, or None.
    :raises UsageError: for what is unknown, weights that are not there, or a `dataset` that is to score them and is
        not here.
    """
    registry = registry or _registry.load()
    found = _find(names, dataset, registry)
    jobs: dict[int, dict[str, Any]] = {}
    for i, record in enumerate(found):
        record |= {"rescored": None, "unscored": None}
        record["error"] = record["error"] or _mistaken(record, registry)
        if record["error"] is None:
            on = _scored_on(record, registry, data_dir, insist=dataset is not None) if score else None
            jobs[i] = _job(record, registry, on, data_dir)
    for i, outcome in zip(jobs, check(list(jobs.values()), on_event), strict=True):
        found[i] |= outcome
        if outcome["rescored"]:
            found[i]["error"] = disagreement(found[i]["provenance"], outcome["rescored"])
    return found


def check(jobs: Sequence[Mapping[str, Any]], on_event: OnEvent | None = None) -> list[dict[str, Any]]:
    """Have files checked by `zoo.training.checker`, in one process, or in another after one that dies at a file.

    :param jobs: see there.
    :return: for each its `error` and `rescored`.
    """
    outcomes: list[dict[str, Any]] = []

    def collect(event: dict[str, Any]) -> None:
        if event["event"] == "checked":
            outcomes.append({key: event[key] for key in ("error", "rescored")})
        if on_event is not None:
            on_event(event)

    while len(outcomes) < len(jobs):
        task = Task(
            "zoo.training.checker:check", {"files": jobs[len(outcomes) :]}, environment=environment(), label="weights"
        )
        failure = run(task, collect).failure
        if failure is not None and len(outcomes) < len(jobs):
            collect({"event": "checked", "error": f"the model can't be built: {failure.message}", "rescored": None})
    return outcomes


def classes_for(spec: ModelSpec, dataset: str, registry: _registry.Registry, data_dir: str | None = None) -> int:
    """How many classes the model is built for: the dataset's, if it is here, else the model's own."""
    try:
        return find(dataset, registry.datasets, data_dir).classes
    except ZooError:
        return spec.classes


def normalisation(provenance: Mapping[str, Any], dataset: str) -> Recipe:
    """A recipe with what it says of images: how they were resized and normalised, as `zoo bench` does it.

    :raises SpecError: if they are malformed.
    """
    recipe = provenance.get("recipe", {})
    if not isinstance(recipe, Mapping):
        raise SpecError("recipe must be an object")
    given = {key: recipe[key] for key in ("mean", "std", "resize") if key in recipe}
    return Recipe(dataset=dataset, epochs=1, **given)


def disagreement(provenance: Mapping[str, Any], rescored: Mapping[str, Any]) -> str | None:
    """How a score differs from the one that the file records, in one line; None if it doesn't, or none is recorded."""
    recorded = score_of(provenance)
    if recorded is None or recorded.get("split") != "test" or recorded.get("test_time_augmentation"):
        return None
    data: Mapping[str, Any] = provenance.get("dataset") or {}
    if data.get("test_sha256") not in (None, rescored["dataset_sha256"]):
        return "the score that is recorded was taken on other test images than are here"
    images = rescored["images"]
    changed = round(images * abs(recorded["value"] - rescored["value"]))
    if recorded["images"] == images and changed <= max(1, ROUNDING * images):
        return None
    there, here = (f"{100 * score['value']:.2f} % of {score['images']:,}" for score in (recorded, rescored))
    return f"scores {here} test images, and {there} is recorded"


def _find(names: Iterable[str], dataset: str | None, registry: _registry.Registry) -> list[dict[str, Any]]:
    paths = [Path(name) for name in names if name.endswith(SUFFIX)]
    patterns = [name for name in names if not name.endswith(SUFFIX)]
    for path in paths:
        if not path.is_file():
            raise UsageError(f"the weights file {path} is not there")
    found = weights(*patterns, dataset=dataset, registry=registry) if patterns or not paths else []
    if not found and not paths:
        what = f"of {', '.join(patterns)}" if patterns else "at all"
        raise UsageError(f"there are no weights {what}{f' for {dataset}' if dataset else ''}")
    return found + [describe_file(path) for path in paths]


def _mistaken(record: Mapping[str, Any], registry: _registry.Registry) -> str | None:
    """What a file says of itself that isn't so, in one line."""
    said = record["provenance"]
    if said is None:
        return "doesn't say what it is of; 'zoo weights import FILE MODEL --dataset NAME' checks such a file"
    if record["model"] is None or record["dataset"] is None:
        return "doesn't name its model and its dataset"
    if record["model"] not in registry.models:
        return f"is of {record['model']}, which no plugin here brings"
    if (said.get("model"), dataset_of(said)) != (record["model"], record["dataset"]):
        return f"says that it is of {short(said.get('model'))} on {dataset_of(said)}"
    try:
        normalisation(said, record["dataset"])
    except SpecError as error:
        return f"its record is malformed: {error}"
    return None


def _scored_on(
    record: dict[str, Any], registry: _registry.Registry, data_dir: str | None, *, insist: bool
) -> Dataset | None:
    """The dataset that the weights are for; if it is not here None, and the reason in `unscored`."""
    try:
        return find(record["dataset"], registry.datasets, data_dir)
    except UsageError as error:
        if insist:
            raise
        record["unscored"] = str(error)
        return None


def _job(
    record: Mapping[str, Any], registry: _registry.Registry, dataset: Dataset | None, data_dir: str | None
) -> dict[str, Any]:
    return {
        "model": registry.models[record["model"]].spec.to_json(),
        "classes": classes_for(registry.models[record["model"]].spec, record["dataset"], registry, data_dir),
        "path": record["path"],
        "sha256": record["sha256"],
        "dataset": dataset.to_json() if dataset else None,
        "recipe": normalisation(record["provenance"], record["dataset"]).to_json(),
    }
