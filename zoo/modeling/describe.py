"""What `zoo show` says of a model, as JSON values. Runs in a worker: it builds the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from zoo.keras_backend import import_keras
from zoo.specs import ModelSpec


def describe(job: Mapping[str, Any], report: Callable[..., None]) -> dict[str, Any]:
    """Build the model that `job["model"]` specifies and say what it is made of."""
    report("phase", name="import")
    keras = import_keras()
    from zoo.modeling.build import build
    from zoo.modeling.cost import cost

    spec = ModelSpec.from_json(job["model"])
    report("phase", name="build")
    total = cost(build(spec))
    return {
        "parameters": total.parameters,
        "trainable_parameters": total.trainable_parameters,
        "non_trainable_parameters": total.parameters - total.trainable_parameters,
        "macs": total.macs,
        "flops": total.flops,
        "macs_not_counted": total.not_counted,
        "macs_left_out": list(total.macs_left_out),
        "layers": [dataclasses.asdict(layer) for layer in total.layers],
        "keras_backend": keras.backend.backend(),
        "keras_version": keras.__version__,
    }
