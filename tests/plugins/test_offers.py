"""Whoever asks for what a plugin of the zoo's own brings is told which; the list of them is what they declare."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from zoo.authoring.check.target import find
from zoo.errors import UsageError
from zoo.plugins import reader
from zoo.plugins.discover import Discovered
from zoo.plugins.offers import offers
from zoo.registry import of, unknown

PLUGINS = Path(__file__).resolve().parent.parent.parent / "plugins"


def test_the_offers_are_what_the_plugins_declare() -> None:
    targets = [find(str(folder)) for folder in PLUGINS.iterdir()]
    points = [point for target in targets for point in target.points]
    records = reader.read(points, path=[*(folder for target in targets for folder in target.path), *sys.path])
    declared: dict[str, dict[str, set[str]]] = {kind: {} for kind in offers()}
    for record in records:
        for kind, by_distribution in declared.items():
            if names := {spec.name for spec in getattr(record, f"{kind}s")}:
                by_distribution[record.plugin.distribution] = names
    listed = {kind: {name: set(names) for name, names in offers.items()} for kind, offers in offers().items()}
    assert listed == declared


@pytest.mark.parametrize(
    ("kind", "name", "distribution"),
    [
        ("model", "resnet20", "zoo-cifar-resnet"),
        ("runtime", "openvino", "zoo-openvino"),
        ("dataset", "shapes", "zoo-shapes"),
    ],
)
def test_what_brings_it_is_named(monkeypatch: pytest.MonkeyPatch, kind: str, name: str, distribution: str) -> None:
    monkeypatch.setattr("zoo.installed.versions", lambda names: {})
    error = unknown(kind, name, [f"{name}s"], "look")
    assert str(error) == f"unknown {kind} '{name}'; install the plugin {distribution}, which brings it"
    monkeypatch.setattr("zoo.installed.versions", lambda names: dict.fromkeys(names, "1.0"))
    assert f"'zoo plugins --why {distribution}' says why" in str(unknown(kind, name, [], "look"))


def test_a_registry_without_the_plugin_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.installed.versions", lambda names: {})
    registry = of(Discovered(0))
    with pytest.raises(UsageError, match="install the plugin zoo-onnxruntime"):
        registry.runtime("onnxruntime")
    with pytest.raises(UsageError, match="install the plugin zoo-toy-resnet"):
        registry.model("toy_resnet")
