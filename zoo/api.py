"""The public functions, for notebooks and other programs. A command is a thin face of one of them.

Those that make Results and compare them are in `zoo.results.bench` and `zoo.results.api`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import keras_backend
from zoo import registry as _registry
from zoo.errors import UsageError
from zoo.specs import DatasetSpec, ModelSpec

if TYPE_CHECKING:
    import keras


def models(*patterns: str) -> list[ModelSpec]:
    """The models of the installed plugins, or those that match names or shell globs.

    :raises UsageError: if a pattern matches nothing.
    """
    return [entry.spec for entry in _registry.load().select(patterns)]


def datasets() -> list[DatasetSpec]:
    """The datasets that plugins declare; `zoo.data.api.datasets` lists also those that TFDS has prepared here."""
    return [entry.spec for entry in _registry.load().datasets.values()]


def describe(name: str, *, registry: _registry.Registry | None = None) -> dict[str, Any]:
    """What a model is made of and costs, as `zoo show NAME --json` prints it. Builds it in a process of its own.

    :raises UsageError: if there is no such model.
    :raises ZooError: if it can't be built.
    """
    from zoo.executors.local import Task, call

    entry = (registry or _registry.load()).model(name)
    task = Task(
        "zoo.modeling.describe:describe",
        {"model": entry.spec.to_json()},
        environment=keras_backend.environment(),
        label=f"show-{name}",
    )
    built = call(task)
    return {
        "name": name,
        "plugin": entry.plugin.distribution,
        "plugin_version": entry.plugin.version,
        "summary": entry.spec.summary,
        "input_shape": list(entry.spec.input_shape),
        "classes": entry.spec.classes,
        **built,
        "weights": [_weights_record(spec) for spec in entry.spec.weights],
        "recipes": [recipe.to_json() for recipe in entry.spec.recipes],
        "paper": entry.spec.paper,
        "licence": entry.spec.licence,
    }


def _weights_record(spec: Any) -> dict[str, Any]:
    """Weights as declared, with what their file says of itself, or why it can't be read."""
    from zoo.errors import WeightsError
    from zoo.modeling.weights import locate, provenance

    record = spec.to_json()
    try:
        return {**record, "provenance": provenance(locate(spec)), "error": None}
    except WeightsError as error:
        return {**record, "provenance": None, "error": str(error)}


def build(name: str, *, weights: str | Path | None = None, seed: int = 0) -> keras.Model:
    """Build a model in this process, under the Keras backend in use.

    :param weights: a dataset whose shipped weights to load, or a file; None leaves fresh ones.
    :param seed: of the fresh weights.
    :raises UsageError: if there is no such model or no such weights.
    :raises WeightsError: if the weights don't fit.
    """
    from zoo.modeling import weights as files
    from zoo.modeling.build import build as build_model

    spec = _registry.load().model(name).spec
    model = build_model(spec, seed=seed)
    if weights is None:
        return model
    if shipped := spec.weights_for(str(weights)):
        files.load(model, files.locate(shipped), sha256=shipped.sha256)
    elif Path(weights).is_file():
        files.load(model, Path(weights))
    else:
        names = ", ".join(w.dataset for w in spec.weights) or "none"
        raise UsageError(f"{name} has no weights '{weights}' (shipped: {names}), and no such file is there")
    return model
