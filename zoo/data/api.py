"""The public functions about datasets: `zoo data` is a thin face of them. None of them imports a framework here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo import registry as _registry
from zoo.data import catalog
from zoo.data.catalog import Dataset
from zoo.data.patience import Patience
from zoo.errors import DataError, UsageError
from zoo.executors.local import OnEvent, Task, call
from zoo.paths import writable_folder
from zoo.record.result import ImagesUsed
from zoo.specs import IMAGE_FOLDER, DatasetSpec

Known = Mapping[str, _registry.Entry[DatasetSpec]]

TIMEOUT_S = 3600.0
IDLE_S = 30.0
GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class Listing:
    """The datasets that can be used here.

    Attributes:
        datasets: those of the plugins, whether they have been prepared or not, then those that TFDS has prepared; each
            as `describe` gives it.
        damaged: what is wrong with others, a line each.
        others: names of prepared datasets that are not of images with labels.
    """

    datasets: list[dict[str, Any]]
    damaged: list[str]
    others: list[str]


def datasets(*, data_dir: str | Path | None = None, registry: _registry.Registry | None = None) -> Listing:
    """What there is: the datasets of the plugins, and those that TFDS has prepared in the data directories.

    :param data_dir: where to look; by default `ZOO_DATA_DIR`, or else the zoo's own folder and TFDS's.
    """
    known = (registry or _registry.load()).datasets
    folders = catalog.search_folders(data_dir)
    prepared = catalog.prepared(folders)
    listing = Listing([], [], [])
    for name in dict.fromkeys([*known, *prepared]):
        try:
            there = name in prepared or not known[name].spec.download
            found = catalog.find(name, known, data_dir) if there else catalog.declared(known[name].spec, folders[0])
            listing.datasets.append(_described(found, known))
        except catalog.NotImagesError:
            listing.others.append(name)
        except DataError as error:
            listing.damaged.append(str(error))
    return listing


def describe(
    name: str,
    *,
    data_dir: str | Path | None = None,
    skip_damaged: bool = False,
    registry: _registry.Registry | None = None,
) -> dict[str, Any]:
    """What a dataset says of itself, without a look at its images.

    :param name: a dataset's name, or `folder:PATH`.
    :param skip_damaged: leave out what ends as an image does in a folder and is no file.
    :raises UsageError: if there is none of that name.
    :raises DataError: if it is damaged.
    """
    known = (registry or _registry.load()).datasets
    return _described(catalog.find(name, known, data_dir, skip_damaged=skip_damaged), known)


def fetch(
    name: str,
    *,
    data_dir: str | Path | None = None,
    timeout_s: float = TIMEOUT_S,
    idle_s: float = IDLE_S,
    on_event: OnEvent | None = None,
    registry: _registry.Registry | None = None,
) -> dict[str, Any]:
    """Download and prepare an image classification dataset that TFDS or a plugin knows, in a process of its own.

    It is prepared out of sight and moved to its place as a whole. Whatever ends it earlier leaves nothing behind.

    :param name: such as `"cifar10"` or `"emnist/letters"`.
    :param data_dir: where to; by default the first of those where datasets are looked for.
    :param timeout_s: after which it is ended.
    :param idle_s: without a byte arriving and without work, after which it is ended.
    :param on_event: told of its progress.
    :return: the dataset as `describe` gives it, and `fresh`: False if it was there already.
    :raises UsageError: if there is no such dataset, it is not of images with labels, or it can't be written.
    :raises DataError: if it can't be downloaded.
    """
    from zoo.data.staging import publish, staging

    known = (registry or _registry.load()).datasets
    if name.startswith(IMAGE_FOLDER):
        raise UsageError("an image folder is used as it is; there is nothing to fetch")
    catalog.check_dataset_name(name, known)
    there = _there_already(name, known, data_dir)
    if there is not None:
        return {**_described(there, known), "fresh": False}

    patience = Patience(name, timeout_s=timeout_s, idle_s=idle_s)

    def watched(event: dict[str, Any]) -> None:
        patience(event)
        if on_event is not None:
            on_event(event)

    folder = Path(data_dir) if data_dir is not None else catalog.default_folders()[0]
    entry = known.get(name)
    with staging(folder.expanduser().absolute()) as work:
        job = {
            "name": name,
            "builder": entry.spec.builder if entry else None,
            "known": list(known),
            "version": entry.spec.version if entry else None,
            "staging": str(work),
            "data_dir": str(work.parent),
        }
        # patience ends it sooner, unless the worker can't even say how it fares
        task = Task(
            "zoo.data.prepare:prepare", job, timeout_s=timeout_s + GRACE_S, label=f"fetch-{name.replace('/', '-')}"
        )
        done = call(task, watched)
        if done["fresh"]:
            publish(work / done["path"], work.parent / done["path"])
    found = catalog.find(str(Path(done["path"]).parent), known, work.parent)
    return {**_described(found, known), "fresh": done["fresh"]}


def verify(
    name: str,
    *,
    data_dir: str | Path | None = None,
    skip_damaged: bool = False,
    on_event: OnEvent | None = None,
    registry: _registry.Registry | None = None,
) -> dict[str, Any]:
    """Read every image of a dataset, in a process of its own: counts, channel means and deviations, digests.

    :param name: a dataset's name, or `folder:PATH`.
    :param skip_damaged: leave out files of an image folder that can't be decoded, and name them as `damaged`.
    :return: what `describe` returns, with more of each split under `splits`: `images`, `images_by_class`, `unlabelled`;
        `mean` and `std` by channel, in units of [0, 1]; `sha256` of the decoded pixels and labels, and
        `declared_sha256`, what the plugin says that it should be, or None. `matches` is False if one is not.
    :raises UsageError: if there is none of that name.
    :raises DataError: if its files are damaged or are not what they declare.
    """
    known = (registry or _registry.load()).datasets
    dataset = catalog.find(name, known, data_dir, skip_damaged=skip_damaged)
    task = Task("zoo.data.verify:verify", {"dataset": dataset.to_json()}, timeout_s=None, label="verify")
    done = call(task, on_event)
    entry = known.get(dataset.name)
    digests = entry.spec.digests if entry else {}
    for split, facts in done["splits"].items():
        facts["declared_sha256"] = digests.get(split)
    matches = all(facts["declared_sha256"] in (None, facts["sha256"]) for facts in done["splits"].values())
    return {**_described(dataset, known), **done, "matches": matches}


def draw(
    name: str,
    output: str | Path,
    *,
    split: str = "train",
    data_dir: str | Path | None = None,
    skip_damaged: bool = False,
    registry: _registry.Registry | None = None,
) -> dict[str, Any]:
    """Draw a contact sheet, some images of every class, into a PNG file, in a process of its own.

    :return: its `path`, `width` and `height`.
    :raises UsageError: if there is no such dataset or split, or the file can't be written.
    :raises DataError: if the images can't be read.
    """
    path = _picture(output)
    dataset = catalog.find(name, (registry or _registry.load()).datasets, data_dir, skip_damaged=skip_damaged)
    if split not in dataset.splits:
        raise UsageError(f"{dataset.name} has no split '{split}'; it has {', '.join(dataset.splits)}")
    writable_folder(path.parent)
    names = catalog.class_names(dataset) or [str(i) for i in range(dataset.classes)]
    job = {"dataset": dataset.to_json(), "split": split, "class_names": names, "output": str(path)}
    done: dict[str, Any] = call(Task("zoo.data.sheet:draw", job, label="show"))
    return done


def draw_images(
    name: str,
    output: str | Path,
    *,
    split: str,
    sha256: str,
    indices: Sequence[int],
    captions: Sequence[Sequence[str]],
    title: str,
    images: ImagesUsed | None = None,
    data_dir: str | Path | None = None,
    registry: _registry.Registry | None = None,
) -> dict[str, Any]:
    """Draw some images of a split, each over its caption, into a PNG file, in a process of its own.

    :param sha256: of the split, as `verify` returns it.
    :param indices: of the images, in the split's order.
    :param captions: lines for each of them.
    :param images: how they were chosen and prepared when they were scored.
    :return: its `path`, `width` and `height`.
    :raises UsageError: if there is no such dataset or split, or the file can't be written.
    :raises DataError: if the images can't be read, or the split has another digest.
    """
    path = _picture(output)
    known, damaged = (registry or _registry.load()).datasets, images is not None and images.damaged > 0
    dataset = catalog.find(name, known, data_dir, skip_damaged=damaged)
    if images is not None and images.resize and images.height and images.width:
        dataset = dataset.fitted((images.height, images.width, 3), images.resize)
    if split not in dataset.splits:
        raise UsageError(f"{dataset.name} has no split '{split}'; it has {', '.join(dataset.splits)}")
    writable_folder(path.parent)
    job = {
        "dataset": dataset.to_json(),
        "split": split,
        "sha256": sha256,
        "indices": list(indices),
        "captions": [list(lines) for lines in captions],
        "title": title,
        "output": str(path),
    }
    done: dict[str, Any] = call(Task("zoo.data.sheet:draw_chosen", job, label="show"))
    return done


def _picture(output: str | Path) -> Path:
    path = Path(output).absolute()
    if path.suffix.lower() != ".png" or path.is_dir():
        raise UsageError(f"{output} must be the name of a PNG file")
    return path


def _described(dataset: Dataset, known: Known) -> dict[str, Any]:
    entry = known.get(dataset.name)
    return {
        **dataset.to_json(),
        "prepared": dataset.is_prepared,
        "class_names": catalog.class_names(dataset),
        "summary": entry.spec.summary if entry else None,
        "plugin": entry.plugin.distribution if entry else None,
        "licence": entry.spec.licence if entry else None,
        "source": entry.spec.source if entry else None,
    }


def _there_already(name: str, known: Known, data_dir: str | Path | None) -> Dataset | None:
    if data_dir is not None and not Path(data_dir).is_dir():
        return None  # it will be made
    try:
        found = catalog.find(name, known, data_dir)
    except UsageError:
        return None
    if found.arrays is not None:
        return found
    # what the zoo has prepared for itself is nothing that was fetched to another folder
    asked_for = catalog.search_folders(data_dir)
    return found if found.is_prepared and Path(found.data_dir) in asked_for else None
