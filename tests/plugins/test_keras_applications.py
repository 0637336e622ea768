"""The networks of keras.applications as the zoo's: the same numbers as the papers', names that stay."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from file_server import serving
from support import WITH_KERAS_ALONE, Zoo, install, printed

pytest.importorskip("zoo_keras_applications")

# Millions of MACs for an image of 224×224, from the papers: arXiv:1704.04861 (table 8), 1801.04381 (table 4),
# 1905.02244 (table 3), 1905.11946 (table 2).
PUBLISHED_MILLIONS = {
    "mobilenet_224": 569,
    "mobilenet_v2_224": 300,
    "mobilenet_v3_small_224": 56,
    "mobilenet_v3_large_224": 219,
    "efficientnet_b0_224": 390,
}
EVERYWHERE = ["mobilenet_v3_small_32", "efficientnet_b0_32"]  # the two that leave most names to Keras


def _run(backend: str, *names: str) -> dict[str, Any]:
    return printed(backend, *WITH_KERAS_ALONE, Path(__file__).with_name("applications.py"), *names)


@pytest.fixture(scope="module")
def built() -> dict[str, Any]:
    """Those at their own size, and two at 32×32; test_cost.py builds all of the latter on TensorFlow.

    On Keras' own backend, which builds a network in a third of TensorFlow's time.
    """
    return _run("numpy", *EVERYWHERE, *(name for name in _declared() if name.endswith("_224")))


def _declared() -> dict[str, Any]:
    from zoo_keras_applications import zoo_models

    return {spec.name: spec for spec in zoo_models()}


def test_each_network_is_there_at_both_sizes() -> None:
    shapes = {name: spec.input_shape for name, spec in _declared().items()}
    assert len(shapes) == 14
    for name, (height, width, channels) in shapes.items():
        assert name.endswith(f"_{height}")
        assert (height, channels) in ((32, 3), (224, 3))
        assert height == width


def test_it_says_how_its_images_are_normalised_and_that_it_is_not_tuned() -> None:
    for spec in _declared().values():
        (recipe,) = spec.recipes
        assert (recipe.dataset, "not tuned" in recipe.summary) == ("*", True)
        assert recipe.std != (1.0,)
        assert spec.licence == "Apache-2.0"
        assert "arXiv:" in spec.paper


@pytest.mark.real
def test_parameters_are_those_declared(built: dict[str, Any]) -> None:
    found = {name: model["parameters"] for name, model in built["models"].items()}
    assert len(found) == 9
    assert found == {name: _declared()[name].parameters for name in found}
    assert all(model["name"] == name for name, model in built["models"].items())


@pytest.mark.real
def test_macs_are_those_of_the_papers(built: dict[str, Any]) -> None:
    for name, millions in PUBLISHED_MILLIONS.items():
        assert built["models"][name]["macs"] / 1e6 == pytest.approx(millions, rel=0.015), name


@pytest.mark.real
def test_images_are_not_preprocessed_inside_and_logits_come_out(built: dict[str, Any]) -> None:
    for name, model in built["models"].items():
        kinds = [kind for _, kind, *_ in model["layers"]]
        assert not {"Rescaling", "Normalization", "Softmax"} & set(kinds), name
        assert not any("seed_generator" in path or "normalization" in path for path in model["variables"]), name


@pytest.mark.real
def test_names_and_costs_are_the_same_on_another_backend(built: dict[str, Any]) -> None:
    name, *_ = EVERYWHERE
    found, expected = (facts["models"][name] for facts in (_run("tensorflow", name), built))
    assert {**found, "weights": None} == {**expected, "weights": None}


@pytest.mark.real
def test_a_network_is_the_same_after_others_were_built(built: dict[str, Any]) -> None:
    name, *_ = EVERYWHERE
    assert built["again"] == built["models"][name]


@pytest.mark.real
def test_untrained_logits_are_of_a_size_that_any_precision_can_hold(built: dict[str, Any]) -> None:
    assert 1e-4 < built["deviation"] < 100


ELSEWHERE = """
import dataclasses
import zoo
import zoo_keras_applications

def moved(spec):
    (fetch,) = spec.fetch
    file, index = (zoo.RemoteFile(url="{url}/" + name) for name in (spec.name + ".h5", "index.json"))
    return dataclasses.replace(spec, fetch=(dataclasses.replace(fetch, file=file, class_index=index),))

@zoo.hookimpl
def zoo_models():
    return [moved(spec) for spec in zoo_keras_applications.zoo_models() if spec.fetch]
"""
FETCHED = ["mobilenet_v3_small_224", "efficientnet_b0_224"]  # one of each way to normalise
CLOSE = 1e-3  # of the logits' standard deviation


@pytest.mark.real
def test_imagenet_weights_are_those_that_keras_asks_for_and_give_its_logits(zoo: Zoo, tmp_path: Path) -> None:
    script = (*WITH_KERAS_ALONE, Path(__file__).with_name("imagenet.py"))
    (served := tmp_path / "served").mkdir()
    said = printed("torch", *script, "write", served, *FETCHED)
    declared = {name: spec.fetch[0] for name, spec in _declared().items() if spec.fetch}
    assert said["asked"] == {name: [fetch.file.url, fetch.file.md5] for name, fetch in declared.items()}
    assert all([fetch.class_index.url, fetch.class_index.md5] == said["index"] for fetch in declared.values())

    (served / "index.json").write_text(json.dumps({str(n): [f"n{n:08}", f"class {n}"] for n in range(1000)}))
    (site := tmp_path / "site").mkdir()
    with serving(served) as server:
        (module := tmp_path / "elsewhere_applications.py").write_text(ELSEWHERE.format(url=server.url))
        install(site, module)
        options = {
            "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]),
            "ZOO_DISABLE_PLUGINS": "zoo-keras-applications",
            "ZOO_HOME": str(tmp_path / "home"),
            "KERAS_BACKEND": "torch",
        }
        for name in FETCHED:
            done = zoo("weights", "fetch", name, **options)
            assert done.returncode == 0, done.stderr
    files = [tmp_path / "home" / "weights" / name / "imagenet2012.safetensors" for name in FETCHED]
    far = printed("torch", *script, "compare", served, *files, **options)
    assert far.keys() == {*FETCHED}
    assert max(far.values()) < CLOSE
