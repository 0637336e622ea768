"""Which dataset a name means, and where it lies. Reads a few small files, imports no framework.

Nothing that a data directory names is imported; only where TFDS streams it (`zoo train --data stream`) does TFDS import
the classes that a `features.json` names.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from zoo.data.divide import with_test
from zoo.data.fit import Fit
from zoo.errors import DataError, SpecError, UsageError
from zoo.paths import DATA_VARIABLE, home, reason
from zoo.references import find as find_module
from zoo.registry import Entry, hint_at, unknown
from zoo.specs import IMAGE_FOLDER, NAME, DatasetSpec, Plain, check_name

VERSION = re.compile(r"\d+\.\d+\.\d+")
FOLDER_VERSION = "1.0.0"  # of tfds.ImageFolder, whose layout and order an image folder has
DOWNLOADS = "downloads"  # TFDS's folder for what it has downloaded; it may hold very many files
INFO = "dataset_info.json"  # TFDS writes it last
CLASS_NAMES = "label.labels.txt"
LOOK = "zoo data list"
AGAIN = "remove its folder and prepare the dataset again"


class NotImagesError(DataError):
    """A dataset that TFDS has prepared and that is no image classification dataset."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset(Plain):
    """A dataset on this machine, or one that can be prepared here without a download.

    Attributes:
        name: `name`, `name/config`, or the recorded name of an image folder (`zoo.data.folder_names`).
        version: of the prepared data.
        data_dir: the TFDS data directory.
        folder: the prepared data, `data_dir/name[/config]/version`; it need not exist yet if there is a `builder`.
            Of an image folder: that folder. Of arrays: the package, or the module, that makes them.
        builder: `"package.module:Class"` that prepares it, or None.
        arrays: `"package.module:function"` that returns it, or None.
        plugin: of arrays: the distribution that declares them.
        class_names: of arrays, as declared.
        digests: of arrays, as declared: sha256 by split.
        classes: number of labels.
        image_shape: (height, width, channels); None where images differ in size.
        splits: number of images by split.
        fit: how images that differ in size are brought to a model's input; None leaves them as they are.
        skip_damaged: whether files that can't be decoded are left out, rather than an error.
        damaged: of an image folder: how many of its files are left out as damaged without a look into them.
        left_out: of an image folder: how many files in it are not used, being no images or at another place.
        divided: the rule that chose the test split, where the files have none.
        notes: of an image folder: what there is to say about it, a line each.
    """

    name: str
    version: str
    data_dir: str
    folder: str
    builder: str | None
    classes: int
    image_shape: tuple[int | None, ...]
    splits: Mapping[str, int]
    arrays: str | None = None
    plugin: str | None = None
    class_names: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    fit: Fit | None = None
    skip_damaged: bool = False
    damaged: int = 0
    left_out: int = 0
    divided: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "image_shape", tuple(self.image_shape))
        object.__setattr__(self, "class_names", tuple(self.class_names))
        object.__setattr__(self, "digests", dict(self.digests))
        object.__setattr__(self, "splits", dict(self.splits))
        object.__setattr__(self, "notes", tuple(self.notes))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """See `Plain`."""
        fit = values.get("fit")
        return cls(**{**values, "fit": None if fit is None else Fit.from_json(fit)})

    def fitted(self, input_shape: tuple[int, int, int], resize: str) -> Dataset:
        """The dataset as a model takes it: images that differ in size are brought to its input; others stay.

        :param input_shape: (height, width, channels) of the model's input.
        :param resize: one of `zoo.choices.RESIZES`.
        """
        if None not in self.image_shape[:2]:
            return self
        height, width, _ = input_shape
        fit = Fit(resize=resize, height=height, width=width)
        return replace(self, fit=fit, image_shape=(height, width, self.image_shape[2] or 3))

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of images, which TFDS has no part in."""
        return self.name.startswith(IMAGE_FOLDER)

    @property
    def is_prepared(self) -> bool:
        """Whether there is nothing to prepare before it can be read."""
        return self.arrays is not None or Path(self.folder).is_dir()


def default_folders() -> list[Path]:
    """Where prepared data are looked for when no folder is given, in this order."""
    if folder := os.environ.get(DATA_VARIABLE):
        return [Path(folder).expanduser()]
    return [own_folder(), Path("~/tensorflow_datasets").expanduser()]


def own_folder() -> Path:
    """The zoo's own data directory. What downloads nothing is prepared there by whatever reads it first: a folder that
    the user names is written to by `fetch` alone."""
    return home() / "data"


def find(
    name: str,
    known: Mapping[str, Entry[DatasetSpec]],
    data_dir: str | Path | None = None,
    *,
    skip_damaged: bool = False,
) -> Dataset:
    """The dataset of that name: one that a plugin declares, one that TFDS has prepared in a data directory, or a folder
    of images, `folder:PATH` or its recorded name.

    :param data_dir: where to look; by default `ZOO_DATA_DIR`, or else the zoo's own folder and TFDS's.
    :param skip_damaged: leave out the files of an image folder that can't be decoded.
    :raises UsageError: if there is none of that name, with what to do about it.
    :raises DataError: if it is there and damaged.
    """
    if name.startswith(IMAGE_FOLDER):
        return _image_folder(name.removeprefix(IMAGE_FOLDER), skip_damaged)
    check_dataset_name(name, known)
    folders = search_folders(data_dir)
    entry = known.get(name)
    if entry is not None and entry.spec.arrays is not None:
        return of_arrays(entry.spec, entry.plugin.distribution)
    embedded = entry is not None and not entry.spec.download
    for folder in dict.fromkeys([*folders, own_folder()]) if embedded else folders:
        versions = _versions(folder / name)
        if entry is not None:  # of another version, they are other data than the plugin speaks of
            versions = [version for version in versions if version == entry.spec.version]
        if versions:
            return _read(name, folder, versions[-1], entry)
    if entry is not None:
        if entry.spec.download:
            raise UsageError(f"{name} has to be downloaded first: 'zoo data fetch {name}' does it")
        return declared(entry.spec, own_folder())
    raise _not_found(name, known, folders)


def check_dataset_name(name: str, known: Collection[str] = ()) -> None:
    """UsageError if it can't be the name of a dataset, `name` or `name/config`."""
    try:
        parts = [check_name(part) for part in name.split("/")]
        if len(parts) > 2:
            raise SpecError("a name, or name/config")
    except SpecError:
        raise unknown("dataset", name, known, LOOK) from None


def search_folders(data_dir: str | Path | None) -> list[Path]:
    """The data directories to look in: the one given, which must be there, or else the default ones."""
    if data_dir is None:
        return default_folders()
    if not Path(data_dir).is_dir():
        raise UsageError(f"the data directory {data_dir} is not there")
    return [Path(data_dir)]


def prepared(folders: Collection[Path]) -> dict[str, Path]:
    """Every dataset that TFDS has prepared in the folders, by name. What can't be read is passed over."""
    found: dict[str, Path] = {}
    for folder in folders:
        for child in _subfolders(folder):
            if _versions(folder / child):
                found.setdefault(child, folder)
            for config in _subfolders(folder / child):
                if _versions(folder / child / config):
                    found.setdefault(f"{child}/{config}", folder)
    return found


def class_names(dataset: Dataset) -> list[str] | None:
    """The names of its classes, in the order of their numbers; None where they have none, or aren't there yet."""
    if dataset.is_folder:
        from zoo.data.folder import scan

        return scan(Path(dataset.folder), skip_damaged=dataset.skip_damaged).classes
    if dataset.arrays is not None:
        return list(dataset.class_names or map(str, range(dataset.classes)))
    try:
        names = (Path(dataset.folder) / CLASS_NAMES).read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    return names if len(names) == dataset.classes else None


def _not_found(name: str, known: Collection[str], folders: Collection[Path]) -> UsageError:
    names = {*known, *prepared(folders)}
    if configs := sorted(other for other in names if other.startswith(f"{name}/")):
        return UsageError(f"{name} has configurations, and here are prepared: {', '.join(configs)}")
    if hint_at("dataset", name, names):
        return unknown("dataset", name, names, LOOK)
    return UsageError(
        f"no dataset '{name}' has been prepared in {' or '.join(map(str, folders))}; "
        f"'zoo data fetch {name}' does it, or name the folder that TFDS prepared it in with --data-dir"
    )


def declared(spec: DatasetSpec, data_dir: Path) -> Dataset:
    """A plugin's dataset that has yet to be prepared."""
    return Dataset(
        name=spec.name,
        version=spec.version,
        data_dir=str(data_dir),
        folder=str(data_dir / spec.name / spec.version),
        builder=None if spec.download else spec.builder,
        classes=spec.classes,
        image_shape=spec.image_shape,
        splits=spec.splits,
    )


def of_arrays(spec: DatasetSpec, plugin: str) -> Dataset:
    """A plugin's dataset that a function returns. Nothing is imported.

    :param plugin: the distribution that declares it.
    :raises DataError: if there is no such package.
    """
    reference = spec.arrays or ""
    package = reference.partition(":")[0].partition(".")[0]
    found = find_module(package)
    if found is None:
        raise DataError(f"the dataset {spec.name} of {plugin} names {reference}, and there is no package {package}")
    places = [*(found.submodule_search_locations or ()), *filter(None, [found.origin])]
    return Dataset(
        name=spec.name,
        version=spec.version,
        data_dir=str(Path(places[0]).parent),
        folder=str(Path(places[0])),
        builder=None,
        arrays=reference,
        plugin=plugin,
        classes=spec.classes,
        class_names=spec.class_names,
        image_shape=spec.image_shape,
        splits=spec.splits,
        digests=spec.digests,
    )


def _image_folder(path: str, skip_damaged: bool) -> Dataset:
    from zoo.data.folder import CHANNELS, scan
    from zoo.data.folder_names import place_of, recorded_name

    folder = Path(path).expanduser().absolute()
    if path and not folder.is_dir() and (place := place_of(path)) is not None:
        folder = place
    if not path or not str(folder).isprintable() or not folder.is_dir():
        raise UsageError(f"the image folder {path!r} is not there")
    found = scan(folder, skip_damaged=skip_damaged)
    return Dataset(
        name=recorded_name(folder),
        version=FOLDER_VERSION,
        data_dir=str(folder.parent),
        folder=str(folder),
        builder=None,
        classes=len(found.classes),
        image_shape=(None, None, CHANNELS),
        splits={split: len(examples) for split, examples in found.splits.items()},
        skip_damaged=skip_damaged,
        damaged=found.damaged,
        left_out=found.left_out,
        divided=found.divided,
        notes=found.notes,
    )


def _subfolders(folder: Path) -> Iterator[str]:
    """Names of the folders in a folder that could be a dataset's, sorted."""
    try:
        with os.scandir(folder) as entries:
            # not entry.is_dir(), which raises at a link that leads to itself
            names = sorted(entry.name for entry in entries if NAME.fullmatch(entry.name) and os.path.isdir(entry))
    except OSError:
        return
    yield from (name for name in names if name != DOWNLOADS)


def _versions(folder: Path) -> list[str]:
    """The prepared versions in a dataset's folder, the newest last."""
    try:
        names = [name for name in os.listdir(folder) if VERSION.fullmatch(name)]
    except OSError:
        return []
    versions = [name for name in names if os.path.exists(folder / name / INFO)]
    return sorted(versions, key=lambda version: [int(n) for n in version.split(".")])


def _read(name: str, data_dir: Path, version: str, entry: Entry[DatasetSpec] | None) -> Dataset:
    """
    :param entry: of the plugin that declares it. Its splits are what it says; others get a test split.
    """
    folder = data_dir / name / version
    info = _read_json(folder / INFO)
    features = _read_json(folder / "features.json")
    try:
        fields = features["featuresDict"]["features"]
        dimensions = [int(d) for d in fields["image"]["image"]["shape"]["dimensions"]]
        classes = int(fields["label"]["classLabel"]["numClasses"])
        if len(dimensions) != 3 or classes < 1:
            raise ValueError
        stored = {s["name"]: sum(map(int, s["shardLengths"])) for s in info["splits"]}
        splits, divided = with_test(stored) if entry is None else (stored, None)
        return Dataset(
            name=name,
            version=version,
            data_dir=str(data_dir),
            folder=str(folder),
            builder=entry.spec.builder if entry else None,
            classes=classes,
            image_shape=tuple(d if d > 0 else None for d in dimensions),
            splits=splits,
            divided=divided,
            notes=() if divided is None else (f"there is no test split: the zoo tests on {divided}",),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        raise NotImagesError(f"{folder} is not an image classification dataset: it needs 'image' and 'label'") from None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"can't read {path}: {reason(error)}; {AGAIN}") from None
    except (ValueError, RecursionError):
        raise DataError(f"{path} is damaged (not JSON); {AGAIN}") from None
    if not isinstance(content, dict):
        raise DataError(f"{path} is damaged (not an object); {AGAIN}")
    return content
