"""Write a model as a runtime's file, with what proves that it is the same model. Runs in a worker."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.benchmarking.reference import Reference
from zoo.benchmarking.verification import Verification
from zoo.data.catalog import Dataset
from zoo.errors import ModelError
from zoo.exporting.readme import readme
from zoo.references import resolve
from zoo.runtimes import Runtime, Saves
from zoo.specs import ModelSpec, RuntimeSpec

if TYPE_CHECKING:
    import keras
    import numpy as np

COMPARED_IMAGES = 256
CALIBRATION_IMAGES = 256
EXAMPLE = "example.npz"

Report = Callable[..., None]


def export(job: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Fill `job["folder"]`, and return what its `parity.json` says."""
    spec, chosen = ModelSpec.from_json(job["model"]), RuntimeSpec.from_json(job["runtime"])
    dataset, folder = Dataset.from_json(job["dataset"]), Path(job["folder"])
    precision, batch_size = job["precision"], job["batch_size"]

    report("phase", name="import")
    runtime: Runtime = resolve(chosen.runtime)()
    runtime.start(device="cpu", precision=precision, threads=None)
    import numpy as np

    from zoo.benchmarking.weights import as_trained, load_weights, normalisation
    from zoo.data.class_names import trained_names
    from zoo.data.load import load
    from zoo.data.preprocess import adapt
    from zoo.modeling.build import build

    report("phase", name="build")
    model = build(spec, classes=dataset.classes)
    weights = load_weights(model, spec, dataset.name, job["weights"])
    mean, std = normalisation(weights)
    dataset = as_trained(dataset, spec, weights)

    report("phase", name="read images")
    test = load(dataset, "test")
    images = adapt(test.images[:COMPARED_IMAGES], spec.input_shape, mean, std)
    calibration = None
    if precision == "int8":
        train = load(dataset, "train").images[:CALIBRATION_IMAGES]
        calibration = adapt(train, spec.input_shape, mean, std)
    # The example is in 8 bits, as images are, so that the README's lines begin where a user does.
    pixels = adapt(np.resize(test.images, (batch_size, *test.images.shape[1:])), spec.input_shape)
    pixels = np.rint(pixels * 255).astype(np.uint8)
    # before the runtime has touched the model
    logits = _by_keras(model, images, batch_size)
    reference = Reference(images, logits, "Keras, float32", folder, calibration)
    expected = _by_keras(model, adapt(pixels, spec.input_shape, mean, std), batch_size)

    report("phase", name="convert")
    session = runtime.open(model, batch_size, calibration)
    if not isinstance(session, Saves):
        raise ModelError(f"the runtime {chosen.name} declares that it exports, and its sessions save no file")
    saved = session.save(folder)

    report("phase", name="compare")
    parity = Verification(session, reference, batch_size, precision).check()
    session.close()
    if not parity.accepted:
        raise ModelError(f"the converted model is not the same model: {parity.reason}; nothing is written")

    np.savez(folder / EXAMPLE, images=pixels, logits=expected)
    record = {
        "model": spec.name,
        "plugin": job["plugin"],
        "dataset": dataset.name,
        "runtime": chosen.name,
        "precision": precision,
        "batch_size": batch_size,
        "input_shape": list(spec.input_shape),
        "mean": list(mean),
        "std": list(std),
        "resize": dataset.fit and dataset.fit.resize,
        "classes": trained_names(weights.provenance if weights else {}) or job["class_names"] or dataset.classes,
        "parity": {"split": "test", **parity.to_json()},
        "weights_sha256": weights and weights.sha256,
        "dataset_sha256": test.digest,
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (*saved.files, EXAMPLE)},
        "requires": list(saved.requires),
        "versions": _versions(chosen),
    }
    (folder / "parity.json").write_text(json.dumps(record, indent=2, allow_nan=False) + "\n")
    (folder / "README.md").write_text(readme(record, saved.snippet))
    return record


def _by_keras(model: keras.Model, images: np.ndarray[Any, Any], batch_size: int) -> np.ndarray[Any, Any]:
    import numpy as np
    from keras import ops

    size = max(batch_size, COMPARED_IMAGES)
    batches = (images[first : first + size] for first in range(0, len(images), size))
    return np.concatenate([ops.convert_to_numpy(model(batch, training=False)) for batch in batches])


def _versions(runtime: RuntimeSpec) -> dict[str, str]:
    names = ("zoobench", "keras", "numpy", *runtime.requires)
    return {name: importlib.metadata.version(name) for name in names}
