"""Datasets of 40 images, each with one fault, and a plugin that brings them."""

from __future__ import annotations

import dataclasses
from typing import Any

import zoo

FAULTS = (
    *("fine", "fine-digest", "dataset-fails", "dataset-fails-name", "dataset-wrong-shape", "dataset-wrong-classes"),
    *("dataset-wrong-count", "dataset-wrong-split", "dataset-wrong-empty", "dataset-digest", "dataset-digest-random"),
    *("fine-arrays", "dataset-fails-arrays", "dataset-fails-arrays-there", "dataset-wrong-arrays-one"),
    *("dataset-wrong-arrays-type", "dataset-wrong-arrays-count", "dataset-wrong-arrays-labels"),
    *("dataset-wrong-arrays-empty", "dataset-digest-arrays", "dataset-digest-arrays-random"),
)
DIGEST = "d1192834d2a4f99687c8fce7abb1e1beb20dc8c9c3219ab8ffacfbe7ab77ba06"
CHANGES: dict[str, dict[str, Any]] = {
    "fine-digest": {"digests": {"test": DIGEST}},
    "dataset-wrong-shape": {"image_shape": (4, 4, 1)},
    "dataset-wrong-classes": {"classes": 3},
    "dataset-wrong-count": {"splits": {"train": 40, "test": 41}},
    "dataset-digest-arrays": {"digests": {"train": "0" * 64}},
    "dataset-digest": {"digests": {"train": "0" * 64, "test": DIGEST}},
}


@zoo.hookimpl
def zoo_datasets() -> list[zoo.DatasetSpec]:
    return [spec(name) for name in FAULTS]


def spec(name: str) -> zoo.DatasetSpec:
    code = name.replace("-", "_")
    fine = zoo.DatasetSpec(
        name=code,
        summary="has this fault",
        arrays=f"faulty.arrays:{code}" if "-arrays" in name else None,
        builder=None if "-arrays" in name else f"faulty.builders:{code}",
        classes=2,
        image_shape=(2, 2, 1),
        splits={"train": 40} if name == "dataset-wrong-split" else {"train": 40, "test": 40},
        licence="CC0-1.0",
        source="here",
    )
    return dataclasses.replace(fine, **CHANGES.get(name, {}))


def check_all(job: Any, report: Any) -> dict[str, Any]:
    """What is found of each, in one process to save time."""
    from pathlib import Path

    from zoo.authoring.check import dataset_worker

    found = {}
    for name in FAULTS:
        folder = Path(job["folder"]) / name
        folder.mkdir()
        found[name] = dataset_worker.run(
            {"dataset": spec(name).to_json(), "plugin": "zoo-faulty", "folder": str(folder)}, report
        )
    return found
