"""What `zoo.export` refuses, before any process is started. tests/cli/test_export.py exports."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import zoo
from zoo import registry as registries
from zoo.errors import UsageError
from zoo.installed import Plugin
from zoo.registry import Entry, Registry

FILE_RUNTIME = zoo.RuntimeSpec(
    name="filed",
    summary="a runtime with files",
    runtime="nowhere:Runtime",
    keras_backend="tensorflow",
    precisions=("float32", "int8"),
    exports=True,
)


@pytest.fixture
def registry() -> Registry:
    """What is installed, with one runtime that exports and only the core's besides."""
    loaded = registries.load()
    plugin: Plugin = loaded.runtimes["tensorflow"].plugin
    runtimes = {"tensorflow": loaded.runtimes["tensorflow"], "filed": Entry(FILE_RUNTIME, plugin)}
    return dataclasses.replace(loaded, runtimes=MappingProxyType(runtimes))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"model": "toy_resnt"}, "did you mean 'toy_resnet'"),
        ({"runtime": "filled"}, "did you mean 'filed'"),
        ({"runtime": "tensorflow"}, "the runtime tensorflow runs no file of its own; these do: filed"),
        ({"precision": "bfloat16"}, "filed computes in float32, int8, not in bfloat16"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, not 0"),
        ({"dataset": "cifar11"}, "no dataset 'cifar11' has been prepared"),
        ({"model": "resnet32"}, "resnet32 has no weights for digits; 'zoo train resnet32 --dataset digits' makes them"),
        ({"weights": "nowhere.safetensors"}, "the weights file nowhere.safetensors is not there"),
    ],
)
def test_what_is_impossible_is_one_line(
    arguments: dict[str, Any], line: str, registry: Registry, tmp_path: Path
) -> None:
    settings = {"model": "toy_resnet", "output": tmp_path / "out", "runtime": "filed", **arguments}
    with pytest.raises(UsageError) as error:
        zoo.export(**settings, registry=registry)
    assert line in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", ["file", "folder"])
def test_nothing_is_overwritten(there: str, registry: Registry, tmp_path: Path) -> None:
    output = tmp_path / "out"
    if there == "file":
        output.write_text("kept")
    else:
        output.mkdir()
        (output / "kept").write_text("kept")
    with pytest.raises(UsageError, match="is there already; name a folder that isn't, or is empty"):
        zoo.export("toy_resnet", output, runtime="filed", registry=registry)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [{"file": "out", "folder": "kept"}[there]]


def test_without_such_a_plugin_those_that_there_are_are_named(registry: Registry, tmp_path: Path) -> None:
    bare = dataclasses.replace(registry, runtimes=MappingProxyType({"tensorflow": registry.runtimes["tensorflow"]}))
    with pytest.raises(UsageError, match="the plugins zoo-onnxruntime, zoo-openvino and zoo-litert bring some"):
        zoo.export("toy_resnet", tmp_path / "out", runtime="tensorflow", registry=bare)


def test_a_worker_that_fails_leaves_nothing(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(zoo.ZooError, match="can't import nowhere:Runtime"):
        zoo.export("toy_resnet", tmp_path / "a" / "out", runtime="filed", registry=registry)
    assert list(tmp_path.iterdir()) == []
