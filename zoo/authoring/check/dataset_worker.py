"""Check a dataset: prepare it if a builder does, read every image, compare with its spec. Runs in a worker."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.data.arrays import WrongArraysError
from zoo.data.catalog import Dataset, find, of_arrays
from zoo.data.prepare import prepare
from zoo.data.verify import verify
from zoo.errors import ZooError
from zoo.specs import DatasetSpec
from zoo.text import describe

Found = Iterator[tuple[str, str]]
Report = Callable[..., None]


def run(job: Mapping[str, Any], report: Report) -> list[dict[str, str]]:
    """Check `job["dataset"]`, which `job["plugin"]` declares, in `job["folder"]`.

    :return: findings, without where they are.
    """
    report("phase", name="prepare")
    findings = []
    try:
        for code, message in _check(DatasetSpec.from_json(job["dataset"]), job["plugin"], Path(job["folder"])):
            findings.append({"code": code, "message": message, "detail": ""})
    except WrongArraysError as error:
        findings.append({"code": "dataset-wrong", "message": str(error), "detail": ""})
    except (Exception, SystemExit) as error:
        message = str(error) if isinstance(error, ZooError) else describe(error)
        findings.append({"code": "dataset-fails", "message": message, "detail": traceback.format_exc()})
    return findings


def _check(spec: DatasetSpec, plugin: str, folder: Path) -> Found:
    dataset, facts = _read(spec, plugin, folder / "first")
    yield from _compared(spec, dataset, facts)
    undeclared = [split for split in facts if split not in spec.digests]
    again = _read(spec, plugin, folder / "again")[1] if undeclared else {}
    for split, found in facts.items():
        digest = found["sha256"]
        if split in undeclared:
            if again[split]["sha256"] != digest:
                yield "dataset-digest", f"'{split}' is another each time it is {'made' if spec.arrays else 'prepared'}"
        elif spec.digests[split] != digest:
            yield "dataset-digest", f"'{split}' has sha256 {digest}; declared is {spec.digests[split][:12]}…"


def _read(spec: DatasetSpec, plugin: str, folder: Path) -> tuple[Dataset, dict[str, Any]]:
    """The dataset, if need be prepared in a folder, and what `zoo data verify` counts in it."""
    if spec.arrays is not None:
        dataset = of_arrays(spec, plugin)
        return dataset, verify({"dataset": dataset.to_json()}, _quiet)["splits"]
    folder.mkdir()
    job: dict[str, Any] = {
        "name": spec.name,
        "builder": spec.builder,
        "version": spec.version,
        "known": [],
        "staging": str(folder),
        "data_dir": str(folder.with_name("nothing")),
    }
    prepare(job, _quiet)
    dataset = find(spec.name, {}, folder)
    return dataset, verify({"dataset": dataset.to_json()}, _quiet)["splits"]


def _compared(spec: DatasetSpec, dataset: Dataset, facts: Mapping[str, Any]) -> Found:
    for what, declared, there in (
        ("image_shape", tuple(spec.image_shape), tuple(dataset.image_shape)),
        ("classes", spec.classes, dataset.classes),
        ("splits", dict(spec.splits), dict(dataset.splits)),
    ):
        if declared != there:
            yield "dataset-wrong", f"it declares {what} {declared} and has {there}"
            return
    if lacking := [split for split in ("train", "test") if split not in facts]:
        yield "dataset-wrong", f"it has no split '{lacking[0]}'"
        return
    empty = [label for label, count in enumerate(facts["train"]["images_by_class"]) if not count]
    if empty:
        yield "dataset-wrong", f"'train' has no image of class {empty[0]}"


def _quiet(*_: Any, **__: Any) -> None:
    """Nobody is told."""
