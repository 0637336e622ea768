"""Download and prepare a dataset with TFDS. Runs in a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.data.catalog import DOWNLOADS, INFO, LOOK, check_dataset_name
from zoo.data.progress import Progress, chain, trouble
from zoo.errors import DataError, UsageError
from zoo.references import resolve
from zoo.registry import hint_at, unknown

MANUAL = "manual"  # TFDS's folder, below that for downloads, for what was downloaded by hand
# TFDS and TensorFlow tell a full device by their words alone, and without a number or a type.
FULL = ("No space left on device", "Not enough disk space", "Disk quota exceeded")


def prepare(job: Mapping[str, Any], report: Callable[..., None]) -> dict[str, Any]:
    """Prepare `job["name"]` in `job["staging"]`, unless it is in `job["data_dir"]` already.

    :return: `path` of the data, relative to both; `fresh`: whether they were prepared now.
    :raises UsageError: if TFDS doesn't know it, it is no image classification dataset, or its files can't be written.
    :raises DataError: if it can't be downloaded.
    """
    name, staging, data_dir = job["name"], Path(job["staging"]), Path(job["data_dir"])
    progress = Progress(staging / DOWNLOADS)
    with progress.told_to(report):
        if job["builder"]:
            builder = declared_builder(job["builder"], staging, Path(name) / job["version"])
        else:
            builder = _tfds_builder(name, staging, job["known"])
        _check_features(name, builder)
        path = Path(builder.data_dir).relative_to(staging)
        check_dataset_name(str(path.parent))
        if (data_dir / path / INFO).is_file():
            return {"path": str(path), "fresh": False}
        if (data_dir / path).exists():
            raise UsageError(f"{data_dir / path} is there and holds no prepared dataset; remove it first")
        by_hand = data_dir / DOWNLOADS / MANUAL
        _check_manual(name, builder, by_hand)
        try:
            download_and_prepare(builder, staging, by_hand)
        except Exception as error:
            raise explain(error, name, data_dir, progress.host) from error
    return {"path": str(path), "fresh": True}


def declared_builder(reference: str, data_dir: Path, path: Path) -> Any:
    """A plugin's builder.

    :param path: where below `data_dir` it is declared to put the data, `name/version`.
    :raises DataError: if it would put them elsewhere.
    """
    builder = resolve(reference)(data_dir=data_dir)
    made = Path(builder.data_dir).relative_to(data_dir)
    if made != path:
        raise DataError(f"{reference} prepares {made}, and its plugin declares {path}")
    return builder


def download_and_prepare(builder: Any, staging: Path, by_hand: Path | None = None) -> None:
    """Run a builder. Files that are found in `by_hand` are not downloaded."""
    import tensorflow_datasets as tfds

    config = tfds.download.DownloadConfig(manual_dir=by_hand, try_download_gcs=False)
    builder.download_and_prepare(download_dir=staging / DOWNLOADS, download_config=config)


def _tfds_builder(name: str, data_dir: Path, known: Sequence[str]) -> Any:
    import tensorflow_datasets as tfds

    dataset, _, config = name.partition("/")
    names = tfds.list_builders(with_community_datasets=False)
    if dataset not in names:
        if hint_at("dataset", name, [*names, *known]):
            raise unknown("dataset", name, [*names, *known], LOOK)
        raise UsageError(f"neither TFDS nor a plugin has a dataset '{name}'; TFDS's: tensorflow.org/datasets/catalog")
    try:
        configs = [*tfds.builder_cls(dataset).builder_configs]
        if config and config not in configs:
            raise UsageError(f"{dataset} has no configuration '{config}'; it has {', '.join(configs) or 'none'}")
        return tfds.builder(name, data_dir=data_dir)
    except ImportError as error:
        raise UsageError(f"TFDS can't prepare {name} here: {error}".splitlines()[0]) from error


def _check_features(name: str, builder: Any) -> None:
    import tensorflow_datasets as tfds

    features = builder.info.features
    wanted = {"image": tfds.features.Image, "label": tfds.features.ClassLabel}
    if not all(key in features and isinstance(features[key], kind) for key, kind in wanted.items()):
        has = ", ".join(features.keys()) if hasattr(features, "keys") else type(features).__name__
        raise UsageError(f"{name} is not an image classification dataset: it has {has}, and not 'image' and 'label'")


def _check_manual(name: str, builder: Any, by_hand: Path) -> None:
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS and not (by_hand.is_dir() and any(by_hand.iterdir())):
        wanted = " ".join(builder.MANUAL_DOWNLOAD_INSTRUCTIONS.split())
        raise UsageError(f"{name} has to be downloaded by hand, into {by_hand}; TFDS says: {wanted}"[:600])


def explain(error: Exception, name: str, data_dir: Path, host: str | None = None) -> DataError | UsageError:
    """What TFDS raised while it prepared a dataset, as one line."""
    import urllib.error

    import requests
    from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError
    from tensorflow_datasets.core.download.util import DownloadError

    where = host or "the server"
    causes = list(chain(error))
    if any(words in str(cause) for cause in causes for words in FULL):
        return UsageError(f"can't prepare {name} in {data_dir}: no space left on the device")
    for cause in causes:
        if isinstance(cause, (UsageError, DataError)):
            return cause
        if isinstance(cause, NonMatchingChecksumError):
            what = f"what {host} sent" if host else f"the file in {data_dir / DOWNLOADS / MANUAL}"
            return DataError(f"can't fetch {name}: {what} is not what TFDS expects (size or sha256 differ)")
        if isinstance(cause, requests.exceptions.ChunkedEncodingError):
            return DataError(f"can't fetch {name}: {where} broke off in the middle; try again")
        if isinstance(cause, (requests.exceptions.RequestException, urllib.error.URLError)):
            return DataError(f"can't fetch {name}: {where} can't be reached ({trouble(cause)})")
        if isinstance(cause, DownloadError):
            return DataError(f"can't fetch {name}: {' '.join(str(cause).split())}")
        if isinstance(cause, ImportError):
            if cause.name == "tensorflow":
                return UsageError(f"TFDS needs TensorFlow to prepare {name}: pip install 'zoobench[tensorflow]'")
            return UsageError(f"TFDS can't prepare {name} here: {str(cause).strip().splitlines()[0]}")
    line = str(error).strip().partition("\n")[0][:200]
    return DataError(f"can't prepare {name}: {type(error).__name__}: {line}")
