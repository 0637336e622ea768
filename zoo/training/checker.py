"""Check weights files against the models they are for. Runs in a worker: it builds the models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from zoo.data.catalog import Dataset, class_names
from zoo.errors import WeightsError, ZooError
from zoo.keras_backend import import_keras
from zoo.specs import ModelSpec, Recipe
from zoo.text import describe

Report = Callable[..., None]


def check(job: Mapping[str, Any], report: Report) -> None:
    """Report each of `job["files"]` as an event `checked`: `error`, a line or None, and `rescored`, or None.

    A file is given as `model`, `classes`, `path` and `sha256`; `dataset` is None, or what it is to be scored on, with
    images normalised by `recipe`.
    """
    report("phase", name="import")
    import_keras()  # first, so that what follows are the models' own faults

    for file in job["files"]:
        error = rescored = None
        try:
            rescored = _check(file, report)
        except ZooError as wrong:
            error = str(wrong)
        except Exception as wrong:
            error = f"the model can't be built: {describe(wrong)}"
        report("checked", error=error, rescored=rescored)


def _check(file: Mapping[str, Any], report: Report) -> dict[str, Any] | None:
    """Load a file into its model, and score it if that is asked for."""
    from zoo.modeling.build import build
    from zoo.modeling.weights import load, provenance

    spec = ModelSpec.from_json(file["model"])
    path, sha256 = Path(file["path"]), file["sha256"]
    report("phase", name=f"{spec.name}: build")
    if file["dataset"] is None:
        load(build(spec, classes=file["classes"]), path, sha256=sha256)
        return None

    from zoo.data.class_names import match, trained_names
    from zoo.data.load import load as load_images
    from zoo.training.job import Job
    from zoo.training.score import Scorer
    from zoo.training.splits import InMemory

    recipe = Recipe.from_json(file["recipe"])
    dataset = Dataset.from_json(file["dataset"]).fitted(spec.input_shape, recipe.resize)
    classes = match(trained_names(provenance(path)), class_names(dataset))
    if (wrong := classes.refused or classes.note()) is not None:
        raise WeightsError(wrong)
    scorer = Scorer(Job(model=spec, dataset=dataset, recipe=recipe), sample=None)
    load(scorer.network, path, sha256=sha256)
    report("phase", name=f"{spec.name}: score on {dataset.name}")
    test = load_images(dataset, "test")
    found = scorer.score(InMemory(test.images, test.labels, test.digest))
    return {**found, "dataset_sha256": test.digest}
