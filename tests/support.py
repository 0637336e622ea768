"""What the tests share: running the command and scripts; plugins, Results and prepared datasets made for a test."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from zoo.benchmarking.accuracy import accuracy
from zoo.data import records
from zoo.data.catalog import Dataset, find
from zoo.record.environment import Environment
from zoo.record.measures import MEASURES
from zoo.record.reading import LATER
from zoo.record.result import Predictions, Result
from zoo.record.scenario import Scenario
from zoo.results import index
from zoo.results.store import Filter, Store

COMMAND = (str(Path(sys.executable).parent / "zoo"),)
QUICK = (sys.executable, "-P", str(Path(__file__).with_name("quick_zoo.py")))
COMPILED_SOONER = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}  # for what is called a few times and not timed


# Runs a script whose Keras doesn't import TensorFlow beside another backend, as Keras does by itself.
WITH_KERAS_ALONE = (
    "-c",
    """
import os, runpy, sys
from zoo.keras_backend import import_keras

import_keras()
del sys.argv[0]
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
""",
)


class Zoo(Protocol):
    """Runs the command; returns the completed process."""

    def __call__(self, *arguments: str, timeout: float = 300, **variables: str) -> subprocess.CompletedProcess[str]: ...


def running(command: Sequence[str], home: Path) -> Zoo:
    """What runs `COMMAND` or `QUICK` in a process.

    :param home: the zoo's own folder.
    """

    def run(*arguments: str, timeout: float = 300, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "ZOO_HOME": str(home), **with_path(variables)}
        return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=timeout, env=environment)

    return run


def with_path(variables: Mapping[str, str]) -> dict[str, str]:
    """The same variables, where PYTHONPATH goes on with what it is here: the zoo itself may lie there."""
    paths = [variables.get("PYTHONPATH"), os.environ.get("PYTHONPATH")]
    return {**variables, "PYTHONPATH": os.pathsep.join(filter(None, paths))} if paths[0] else dict(variables)


def printed(backend: str, *command: str | Path, **variables: str) -> dict[str, Any]:
    """What a Python script prints last, which is JSON, in a process of its own.

    :param backend: Keras' in that process.
    :param command: what follows `python`: the script and its arguments, after `WITH_KERAS_ALONE` where that does.
    :param variables: of the environment, beside those of this process.
    """
    done = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "KERAS_BACKEND": backend, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    record: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return record


def install(folder: Path, *modules: Path) -> Path:
    """Install a plugin into a folder for PYTHONPATH: its distribution is named as the first of its modules."""
    name = modules[0].stem
    for module in modules:
        shutil.copy(module, folder)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[zoo]\nhostile = {name}\n")
    return folder


def make_result(number: int = 0, *, fingerprint: str = "0123456789abcdef", **changes: Any) -> Result:
    """A small Result, the same for the same arguments: each number is an hour after the one before.

    :param changes: fields of the Result; those of the scenario are taken for the scenario's.
    """
    created = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC) + datetime.timedelta(hours=number)
    names = ("model", "dataset", "runtime", "device", "precision", "batch_size", "threads", "mode")
    scenario = {name: changes.pop(name) for name in names if name in changes}
    samples = [0.001 * (1 + (number * 7 + i) % 10) for i in range(8)]
    ok = changes.get("outcome", "ok") == "ok"
    measures = {
        **dict.fromkeys(MEASURES),
        "parameters": 223_242,
        "macs": 28_997_504,
        "latency_s": sorted(samples)[4],
        "images_per_second": len(samples) / sum(samples),
        "accuracy": {"value": 0.9, "low": 0.88, "high": 0.92, "images": 360},
    }
    fields = {
        "id": f"{created:%Y%m%dT%H%M%S}-{number:08x}",
        "created_at": created.isoformat(timespec="seconds"),
        "outcome": "ok",
        "scenario": Scenario(**{"model": "toy_resnet", "dataset": "digits", **scenario}).to_json(),
        "environment": {
            "processor": {"model": "A processor", "architecture": "x86_64", "usable_cores": 2, "memory_bytes": 2**33},
            "accelerators": [],
            "os": {"system": "Linux", "release": "6.1"},
            "python": "CPython 3.11.7",
            "packages": {"keras": "3.12.0"},
            "fingerprint": fingerprint,
            "device": "cpu",
            "threads": 2,
        },
        "measures": measures if ok else dict.fromkeys(MEASURES),
        "reasons": {**dict.fromkeys(LATER, "not taken"), "peak_device_bytes": "no counter"},
        "plugin": {"distribution": "zoo-toy-resnet", "version": "0.1.0"},
        "zoo_version": "0.1.0",
        "failure": None if ok else {"phase": "build", "type": "E", "message": "no", "exit_code": 1, "log": None},
        "stats": {
            "latency_s": {"n": len(samples), "median": sorted(samples)[4], "p90": None},
            "images_per_second": {"value": 200.0, "low": 190.0, "high": 210.0},
        }
        if ok
        else {},
        "samples": [{"latency_s": samples, "iterations": 3, "memory": {"peak_bytes": 700_000_000}}] if ok else [],
        "weights": None,
    }
    return Result.from_json({**fields, **changes})


def altered(result: Result, **changes: Any) -> Result:
    """The same with other fields, given as JSON values."""
    return Result.from_json({**result.to_json(), **changes})


def example(features: Mapping[bytes, bytes | int | list[int]]) -> bytes:
    """A `tf.train.Example`, by hand."""
    pairs = []
    for key, value in features.items():
        if isinstance(value, bytes):
            feature = _field(1, _field(1, value))
        else:
            numbers = value if isinstance(value, list) else [value]
            feature = _field(3, _field(1, b"".join(map(_varint, numbers))))
        pairs.append(_field(1, _field(1, key) + _field(2, feature)))
    return _field(1, b"".join(pairs))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    value &= 2**64 - 1
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def make_prepared(
    folder: Path,
    shards: Sequence[Sequence[tuple[bytes, int | bytes]]],
    shape: Sequence[int | None],
    *,
    dtype: str = "uint8",
    name: str = "test",
    **changes: Any,
) -> Dataset:
    """A dataset `toys` as TFDS leaves it, by hand: one split, in so many files.

    :param shards: in each, pairs of an encoded image and a label.
    :param name: of the split.
    :param changes: of `dataset_info.json`, or of the split's entry there.
    """
    place = folder / "toys" / "1.0.0"
    place.mkdir(parents=True)
    split = {"name": name, "shardLengths": [str(len(rows)) for rows in shards]}
    info = {"name": "toys", "version": "1.0.0", "fileFormat": "tfrecord", "splits": [split]}
    for key, value in changes.items():
        (split if key in ("shardLengths", "filepathTemplate") else info)[key] = value
    kinds = "tensorflow_datasets.core.features"
    image = {"dtype": dtype, "shape": {"dimensions": [str(size or -1) for size in shape]}}
    features = {
        "image": {"image": image, "pythonClassName": f"{kinds}.image_feature.Image"},
        "label": {"classLabel": {"numClasses": "10"}, "pythonClassName": f"{kinds}.class_label_feature.ClassLabel"},
    }
    kind = f"{kinds}.features_dict.FeaturesDict"
    (place / "features.json").write_text(json.dumps({"featuresDict": {"features": features}, "pythonClassName": kind}))
    (place / "dataset_info.json").write_text(json.dumps(info))
    for number, rows in enumerate(shards):
        path = place / f"toys-{name}.{info['fileFormat']}-{number:05}-of-{len(shards):05}"
        contents = [example({b"image": image, b"label": label}) for image, label in rows]
        if info["fileFormat"] == "array_record":
            from array_record.python.array_record_module import ArrayRecordWriter

            writer = ArrayRecordWriter(str(path), "group_size:1")
            for content in contents:
                writer.write(content)
            writer.close()
        else:
            records.write(path, contents)
    return find("toys", {}, folder)


def ids(store: Store, wanted: Filter | None = None, **options: Any) -> list[str]:
    """What a selection finds, by id."""
    return [row.id for row in store.select(wanted, **options)]


def files(folder: Path) -> dict[str, bytes]:
    """Every file under the folder, but for the index."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != index.FILE)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def make_environment(**values: Any) -> Environment:
    """That of `make_result`, with other JSON values."""
    return Environment.from_json({**make_result().environment.to_json(), **values})


def packed(numbers: Sequence[float]) -> str:
    """As predictions are kept."""
    import numpy as np

    return base64.b64encode(zlib.compress(np.asarray(numbers, "<u2").tobytes())).decode()


def make_scored(names: tuple[str, ...] | None = ("cat", "dog", "<b>")) -> Result:
    """A Result with the predictions of six images."""
    result = make_result(5)
    found = Predictions(
        dataset_sha256="0" * 64,
        correct="",
        classes=packed([0, 1, 1, 1, 2, 2]),
        labels=packed([0, 0, 0, 1, 1, 2]),
        confidence=packed([round(65535 * one) for one in (0.9, 0.5, 0.8, 0.6, 0.99, 0.7)]),
        class_names=names,
    )
    measures = dataclasses.replace(result.measures, accuracy=accuracy(3, 6))
    return dataclasses.replace(result, predictions=found, measures=measures)
