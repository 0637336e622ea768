"""Decode images, run a trained model on them, and name the best classes. Runs in a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.benchmarking.weights import load_weights, normalisation, resize_of
from zoo.data.class_names import shown_names
from zoo.data.decode import DamagedError, pixels, read_file
from zoo.data.fit import Fit
from zoo.errors import WeightsError
from zoo.keras_backend import import_keras
from zoo.specs import ModelSpec

if TYPE_CHECKING:
    import keras
    import numpy as np

    Array = np.ndarray[Any, Any]

BATCH = 32  # of one size, so that what is compiled is compiled once
COLOURS = 3


def predict(job: Mapping[str, Any], report: Callable[..., None]) -> dict[str, Any]:
    """Predict the files `job["images"]`; see `zoo.predicting.api.Predicted`."""
    report("phase", name="import")
    import_keras()
    from zoo.modeling import weights as files
    from zoo.modeling.build import build

    spec, chosen = ModelSpec.from_json(job["model"]), job["weights"]
    report("phase", name="build")
    shipped = spec.weights_for(chosen["dataset"] or "")
    path = files.locate(shipped) if chosen["path"] is None and shipped else Path(chosen["path"])
    said = files.find_provenance(path) or {}
    names = shown_names(said)
    model = build(spec, classes=len(names) if names else None)
    loaded = load_weights(model, spec, chosen["dataset"] or "", chosen)
    if loaded is None:
        raise WeightsError(f"{spec.name} has no weights for {chosen['dataset']}")
    names = names or [str(number) for number in range(model.output_shape[-1])]
    resize = resize_of(loaded)
    fit = Fit(resize=resize, height=spec.input_shape[0], width=spec.input_shape[1])

    report("phase", name="predict", steps=len(job["images"]))
    predictions: list[dict[str, Any]] = []
    for first in range(0, len(job["images"]), BATCH):
        predictions += _predict(
            model, spec, job["images"][first : first + BATCH], fit, normalisation(loaded), names, job
        )
        report("step", done=len(predictions))
    dataset = said.get("dataset")
    return {
        "dataset": chosen["dataset"] or (dataset.get("name") if isinstance(dataset, Mapping) else None),
        "weights_sha256": loaded.sha256,
        "weights_source": loaded.source,
        "resize": resize,
        "predictions": predictions,
    }


def _predict(
    model: keras.Model,
    spec: ModelSpec,
    files: Sequence[str],
    fit: Fit,
    scale: tuple[Sequence[float], Sequence[float]],
    names: Sequence[str],
    job: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """At most a batch."""
    import numpy as np
    from keras import ops

    from zoo.data.preprocess import adapt

    batch = np.zeros((BATCH, fit.height, fit.width, COLOURS), np.uint8)
    errors: dict[int, str] = {}
    for number, file in enumerate(files):
        try:
            batch[number] = pixels(read_file(file), COLOURS, fit)
        except DamagedError as error:
            errors[number] = str(error)
    logits = np.asarray(ops.convert_to_numpy(model(adapt(batch, spec.input_shape, *scale), training=False)), np.float64)
    shares = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    best = np.argsort(-shares, axis=1, kind="stable")[:, : job["top"]]
    return [
        {"guesses": [], "error": errors[number]}
        if number in errors
        else {
            "guesses": [{"name": names[i], "probability": float(shares[number, i])} for i in best[number]],
            "error": None,
        }
        for number in range(len(files))
    ]
