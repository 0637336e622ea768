"""Check a file of weights against what is declared of it, and against its model. Runs in a worker."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from zoo.errors import ModelError, WeightsError
from zoo.modeling import weights
from zoo.specs import ModelSpec, WeightsSpec


def run(job: Mapping[str, Any], report: Callable[..., None]) -> list[tuple[str, str]]:
    """Check `job["weights"]`, against `job["model"]` unless that is None.

    :return: at most one finding, as its code and message.
    """
    report("phase", name="weights")
    declared = WeightsSpec.from_json(job["weights"])
    try:
        path = weights.locate(declared)
        if (digest := hashlib.sha256(path.read_bytes()).hexdigest()) != declared.sha256:
            return [("weights-digest", f"it has sha256 {digest}; declared is {declared.sha256[:12]}…")]
        if job["model"] is not None:
            from zoo.modeling.build import build

            weights.load(build(ModelSpec.from_json(job["model"]), classes=job["classes"]), path)
    except (WeightsError, ModelError) as error:
        return [("weights-do-not-fit", str(error))]
    return []
