"""What trained weights say of how they were made."""

from __future__ import annotations

import datetime
import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.data.catalog import class_names
from zoo.training.distribute import Devices
from zoo.training.job import Job
from zoo.training.splits import Part


def provenance(
    job: Job,
    trained: Part,
    scored: Part,
    history: Sequence[Mapping[str, Any]],
    score: Mapping[str, Any],
    *,
    devices: Devices,
    values_sha256: str,
) -> dict[str, Any]:
    """The record that travels in the weights' metadata.

    :param history: a line for each epoch.
    :param score: what was scored on `scored`.
    :param values_sha256: `zoo.training.state.digest` of the weights: equal for equal values.
    """
    from zoo.benchmarking.environment import accelerators, processor_model
    from zoo.cores import usable_cores

    return {
        "model": job.model.name,
        "dataset": {
            "name": job.dataset.name,
            "version": job.dataset.version,
            "class_names": class_names(job.dataset),
            "train_sha256": trained.digest,
            "test_sha256": None if job.tune else scored.digest,
            "image_shape": list(trained.image_shape),
            "divided": job.dataset.divided,
            "damaged": job.dataset.damaged + trained.damaged + scored.damaged,
            "left_out": job.dataset.left_out,
        },
        "recipe": job.recipe.to_json(),
        "changes": dict(job.changes),
        "code": {reference: code.to_json() for reference, code in job.code.items()},
        "sized": dict(job.sized),
        **_parent(job),
        "score": dict(score),
        "trained_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "final_loss": history[-1]["loss"],
        "train_s": round(sum(line["seconds"] for line in history), 1),
        "train_images": trained.count,
        "values_sha256": values_sha256,
        "versions": _versions(job.keras_backend),
        "deterministic": job.deterministic,
        "strategy": job.strategy,
        "device": devices.name,
        "devices": devices.number,
        "processor": processor_model(),
        "cores": usable_cores(),
        "accelerators": [device.name for device in accelerators()],
    }


def _parent(job: Job) -> dict[str, Any]:
    """The weights that training started from, and how long only the head learned; nothing where it started anew."""
    if job.start is None:
        return {}
    start = job.start
    return {
        "parent": {"sha256": start.sha256, "model": start.model, "dataset": start.dataset, "freeze": job.freeze},
    }


def _versions(backend: str) -> dict[str, str]:
    import zoo

    names = ("keras", backend, "numpy")
    return {
        "zoobench": zoo.__version__,
        **{name: importlib.metadata.version(name) for name in names},
        "keras_backend": backend,
    }
