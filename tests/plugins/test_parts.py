"""Weights and recipes for models of other plugins."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from zoo.errors import SpecError
from zoo.installed import Plugin
from zoo.plugins.discover import Discovered
from zoo.plugins.record import Record
from zoo.plugins.supplements import Part
from zoo.registry import Registry, of
from zoo.report.plugins import inventory
from zoo.specs import ModelSpec, Recipe, WeightsSpec

SHA = "0" * 64


def plugin(name: str) -> Plugin:
    return Plugin(name, f"zoo-{name}", "1.0", f"zoo_{name}")


def model(name: str, *parts: Part) -> ModelSpec:
    return ModelSpec(
        name=name,
        summary="x",
        build="a.b:c",
        input_shape=(8, 8, 1),
        classes=2,
        parameters=1,
        weights=tuple(part for part in parts if isinstance(part, WeightsSpec)),
        recipes=tuple(part for part in parts if isinstance(part, Recipe)),
    )


def weights(model: str | None) -> WeightsSpec:
    return WeightsSpec(model=model, dataset="flowers", file="a:b.safetensors", sha256=SHA)


def recipe(model: str | None, name: str = "default", epochs: int = 1) -> Recipe:
    return Recipe(model=model, dataset="flowers", name=name, epochs=epochs)


def registry(models: list[ModelSpec], **brought: list[Part]) -> Registry:
    records = [Record(plugin("models"), models=tuple(models))]
    for name, parts in brought.items():
        records.append(
            Record(
                plugin(name),
                weights=tuple(part for part in parts if isinstance(part, WeightsSpec)),
                recipes=tuple(part for part in parts if isinstance(part, Recipe)),
            )
        )
    return of(Discovered(0, records=records))


def codes(found: Registry) -> list[tuple[str, str]]:
    return [(problem.plugin.name, problem.finding.code) for problem in found.problems]


def test_a_model_gets_what_another_plugin_brings_for_it() -> None:
    found = registry([model("toy"), model("other")], flowers=[weights("toy"), recipe("toy")])
    entry = found.model("toy")
    brought = entry.spec.weights_for("flowers")
    assert brought is not None
    assert entry.source(brought) == plugin("flowers")
    assert entry.spec.recipe_for("flowers") is not None
    assert entry.plugin == plugin("models")
    assert found.model("other").spec.weights == ()
    assert codes(found) == []


def test_it_stands_in_the_inventory() -> None:
    found = registry([model("toy")], flowers=[weights("toy"), recipe("toy")])
    line = next(line for line in inventory(found) if line.plugin == plugin("flowers"))
    assert line.brings_text == "recipes toy for flowers; weights toy for flowers"
    assert line.state == "used"


def test_a_pattern_of_models() -> None:
    found = registry([model("toy_a"), model("toy_b"), model("plain")], flowers=[recipe("toy_*")])
    assert [name for name in found.models if found.model(name).spec.recipe_for("flowers")] == ["toy_a", "toy_b"]
    assert found.model("toy_a").spec.recipes[0].model == "toy_a"


def test_a_recipe_that_names_the_model_is_used_before_one_for_a_pattern() -> None:
    found = registry([model("toy")], wide=[recipe("*", epochs=1)], near=[recipe("toy", epochs=2)])
    chosen = found.model("toy").spec.recipe_for("flowers")
    assert chosen is not None
    assert chosen.epochs == 2
    assert codes(found) == []


@pytest.mark.parametrize("part", [weights, recipe])
def test_two_plugins_that_claim_one_place_are_named_and_neither_is_used(part: Callable[[str], Part]) -> None:
    found = registry([model("toy")], one=[part("toy")], two=[part("toy")])
    assert found.model("toy").spec.weights == found.model("toy").spec.recipes == ()
    assert codes(found) == [("one", "duplicate-name"), ("two", "duplicate-name")]
    assert "zoo-one 1.0 and zoo-two 1.0" in found.problems[0].finding.message


def test_the_models_own_come_first() -> None:
    own = model("toy", recipe(None, epochs=7), weights(None))
    found = registry([own], other=[recipe("toy"), weights("toy"), recipe("t*"), recipe("toy", name="long")])
    spec = found.model("toy").spec
    assert [(one.name, one.epochs) for one in spec.recipes] == [("default", 7), ("long", 1)]
    assert codes(found) == [("other", "reserved-name"), ("other", "reserved-name")]


def test_a_model_that_is_not_here() -> None:
    found = registry([model("toy")], other=[weights("tou"), recipe("x*")])
    assert codes(found) == [("other", "unknown-model"), ("other", "unknown-model")]
    assert found.errors == []
    assert [problem.finding.message for problem in found.problems] == [
        "no model here is called tou",
        "no model here matches x*",
    ]


def test_they_must_name_a_model() -> None:
    assert codes(registry([model("toy")], other=[weights(None)])) == [("other", "invalid-spec")]


def test_a_models_own_must_not_name_another() -> None:
    with pytest.raises(SpecError, match="weights and recipes of toy must not name another model"):
        model("toy", weights("plain"))
    assert model("toy", weights("toy")).weights[0].model == "toy"
