"""The weights that a scenario is measured with, in a worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.choices import RESIZES
from zoo.data.catalog import Dataset
from zoo.errors import WeightsError
from zoo.record.result import WeightsUsed
from zoo.specs import ModelSpec

if TYPE_CHECKING:
    import keras


def load_weights(
    model: keras.Model, spec: ModelSpec, dataset: str, chosen: Mapping[str, Any] | None
) -> WeightsUsed | None:
    """Load the chosen weights; None where there are none."""
    if chosen is None:
        return None
    from zoo.modeling import weights

    shipped = spec.weights_for(dataset)
    path = weights.locate(shipped) if chosen["path"] is None and shipped else Path(chosen["path"])
    digest = weights.load(model, path, sha256=chosen["sha256"])
    return WeightsUsed(
        source=chosen["source"],
        file=path.name,
        sha256=digest,
        file_bytes=path.stat().st_size,
        provenance=weights.provenance(path),
    )


def as_trained(dataset: Dataset, spec: ModelSpec, loaded: WeightsUsed | None) -> Dataset:
    """The dataset, its images brought to the model's input as those were that the weights were trained on.

    :raises WeightsError: if the record of the weights names no way that there is.
    """
    return dataset.fitted(spec.input_shape, resize_of(loaded))


def resize_of(loaded: WeightsUsed | None) -> str:
    """How images of all sizes came to the model's input when the weights were trained.

    :raises WeightsError: if their record names no way that there is.
    """
    recipe = loaded.provenance.get("recipe", {}) if loaded else {}
    resize: str = recipe.get("resize", RESIZES[0])
    if resize not in RESIZES:
        raise WeightsError(f"the record of the weights has a resize that is none of {', '.join(RESIZES)}")
    return resize


def normalisation(loaded: WeightsUsed | None) -> tuple[Sequence[float], Sequence[float]]:
    """Mean and standard deviation by which the weights want images normalised."""
    recipe = loaded.provenance.get("recipe", {}) if loaded else {}
    return recipe.get("mean", (0.0,)), recipe.get("std", (1.0,))
