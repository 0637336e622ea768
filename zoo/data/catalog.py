"""Which dataset a name means, and where it lies. Reads two small JSON files, imports no framework.

A data directory is trusted input: TensorFlow Datasets imports the classes that a `features.json` names.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import DataError, SpecError, UsageError
from zoo.paths import DATA_VARIABLE, home, reason
from zoo.registry import Entry, unknown
from zoo.specs import DatasetSpec, Plain, check_name

VERSION = re.compile(r"\d+\.\d+\.\d+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset(Plain):
    """A dataset on this machine, or one that can be prepared here without a download.

    Attributes:
        name: as it was asked for: `name` or `name/config`.
        version: of the prepared data.
        data_dir: the TFDS data directory.
        folder: the prepared data, `data_dir/name[/config]/version`; it need not exist yet if there is a `builder`.
        builder: `"package.module:Class"` that prepares it, or None.
        classes: number of labels.
        image_shape: (height, width, channels); None where images differ in size.
        splits: number of images by split.
    """

    name: str
    version: str
    data_dir: str
    folder: str
    builder: str | None
    classes: int
    image_shape: tuple[int | None, ...]
    splits: Mapping[str, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "image_shape", tuple(self.image_shape))
        object.__setattr__(self, "splits", dict(self.splits))


def default_folders() -> list[Path]:
    """Where prepared data are looked for when no folder is given, in this order."""
    if folder := os.environ.get(DATA_VARIABLE):
        return [Path(folder).expanduser()]
    return [home() / "data", Path("~/tensorflow_datasets").expanduser()]


def find(name: str, known: Mapping[str, Entry[DatasetSpec]], data_dir: str | Path | None = None) -> Dataset:
    """The dataset of that name: one that a plugin declares, or one that TFDS has prepared in a data directory.

    :param data_dir: where to look; by default `ZOO_DATA_DIR`, or else the zoo's own folder and TFDS's.
    :raises UsageError: if there is none of that name, with what to do about it.
    :raises DataError: if it is there and damaged.
    """
    try:
        parts = [check_name(part) for part in name.split("/")]
        if len(parts) > 2:
            raise SpecError("a name, or name/config")
    except SpecError:
        raise unknown("dataset", name, known, "zoo doctor") from None
    if data_dir is not None and not Path(data_dir).is_dir():
        raise UsageError(f"the data directory {data_dir} is not there")
    folders = [Path(data_dir)] if data_dir is not None else default_folders()

    for folder in folders:
        if versions := _versions(folder / name):
            entry = known.get(name)
            return _read(name, folder, versions[-1], entry.spec.builder if entry else None)
    if name in known:
        spec = known[name].spec
        return Dataset(
            name=name,
            version=spec.version,
            data_dir=str(folders[0]),
            folder=str(folders[0] / name / spec.version),
            builder=spec.builder,
            classes=spec.classes,
            image_shape=spec.image_shape,
            splits=spec.splits,
        )
    names = {*known, *prepared(folders)}
    error = unknown("dataset", name, names, "zoo doctor")
    if "did you mean" in str(error):
        raise error
    raise UsageError(
        f"no dataset '{name}' has been prepared in {' or '.join(map(str, folders))}; "
        "name the folder that TFDS prepared it in with --data-dir"
    )


def prepared(folders: Collection[Path]) -> dict[str, Path]:
    """Every dataset that TFDS has prepared in the folders, by name."""
    found: dict[str, Path] = {}
    for folder in folders:
        children = sorted(folder.iterdir()) if folder.is_dir() else []
        for child in children:
            if not child.is_dir():
                continue
            if _versions(child):
                found.setdefault(child.name, folder)
            for config in sorted(child.iterdir()):
                if _versions(config):
                    found.setdefault(f"{child.name}/{config.name}", folder)
    return found


def _versions(folder: Path) -> list[str]:
    """The prepared versions in a dataset's folder, the newest last."""
    if not folder.is_dir():
        return []
    versions = [
        child.name
        for child in folder.iterdir()
        if VERSION.fullmatch(child.name) and (child / "dataset_info.json").exists()
    ]
    return sorted(versions, key=lambda version: [int(n) for n in version.split(".")])


def _read(name: str, data_dir: Path, version: str, builder: str | None) -> Dataset:
    folder = data_dir / name / version
    info = _read_json(folder / "dataset_info.json")
    features = _read_json(folder / "features.json")
    try:
        fields = features["featuresDict"]["features"]
        dimensions = [int(d) for d in fields["image"]["image"]["shape"]["dimensions"]]
        classes = int(fields["label"]["classLabel"]["numClasses"])
        if len(dimensions) != 3 or classes < 1:
            raise ValueError
        return Dataset(
            name=name,
            version=version,
            data_dir=str(data_dir),
            folder=str(folder),
            builder=builder,
            classes=classes,
            image_shape=tuple(d if d > 0 else None for d in dimensions),
            splits={s["name"]: sum(map(int, s["shardLengths"])) for s in info["splits"]},
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        raise DataError(f"{folder} is not an image classification dataset: it needs 'image' and 'label'") from None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"can't read {path}: {reason(error)}; prepare the dataset again") from None
    except (ValueError, RecursionError):
        raise DataError(f"{path} is damaged (not JSON); prepare the dataset again") from None
    if not isinstance(content, dict):
        raise DataError(f"{path} is damaged (not an object); prepare the dataset again")
    return content
