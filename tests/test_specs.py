"""Specs: plain data that survives JSON, and a clear refusal of everything else."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.errors import SpecError
from zoo.specs import (
    RECIPE_CHOICES,
    DatasetSpec,
    FetchSpec,
    ModelSpec,
    Plain,
    Recipe,
    RemoteFile,
    RuntimeSpec,
    WeightsSpec,
    check_name,
)

QUICK = settings(max_examples=60, deadline=None, database=None, derandomize=True)

RECIPE = {"dataset": "digits", "epochs": 3}
WEIGHTS = {"dataset": "digits", "file": "pkg:weights/a.safetensors", "sha256": "0" * 64}
REMOTE = {"url": "https://example.org/a.h5"}
FETCH = {"dataset": "digits", "file": REMOTE}
MODEL = {
    "name": "toy",
    "summary": "a toy",
    "build": "pkg.model:toy",
    "input_shape": (8, 8, 1),
    "classes": 10,
    "parameters": 7,
}
DATASET = {
    "name": "dots",
    "summary": "dots",
    "builder": "pkg.data:Dots",
    "version": "1.0.0",
    "classes": 2,
    "image_shape": (8, 8, 1),
    "splits": {"train": 3, "test": 2},
}
ARRAYS = {
    "name": "dots",
    "summary": "dots",
    "arrays": "pkg.data:dots",
    "classes": 2,
    "image_shape": (8, 8, 1),
    "splits": {"train": 3, "test": 2},
}
RUNTIME = {
    "name": "fast",
    "summary": "fast",
    "runtime": "pkg.fast:Fast",
    "keras_backend": "jax",
}

names = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,63}", fullmatch=True)
datasets = names | st.tuples(names, names).map("/".join) | st.just("folder:/home/a user/pets")
references = st.from_regex(r"[a-z_]{1,9}(\.[a-z_]{1,9}){0,2}:[A-Za-z_]{1,9}", fullmatch=True)
texts = st.text(min_size=1, max_size=300).filter(str.isprintable)
counts = st.integers(1, 10**9)
amounts = st.floats(0, 1e9)
shapes = st.tuples(counts, counts, counts)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
shares = st.floats(0, 1, exclude_max=True)
choices = {
    name: st.sampled_from(values) for name, values in RECIPE_CHOICES.items() if name not in ("optimizer", "metrics")
}
recipes = st.builds(
    Recipe,
    dataset=datasets | st.just("*"),
    name=names,
    summary=st.none() | texts,
    epochs=counts,
    batch_size=counts,
    optimizer=st.just("sgd"),
    **choices,
    metrics=st.just(()) | st.just(("top_k_categorical_accuracy", "pkg.metrics:margin")),
    augmentation=st.none() | references,
    learning_rate=amounts,
    momentum=shares,
    warmup_epochs=amounts,
    weight_decay=amounts,
    label_smoothing=shares,
    ema_momentum=shares,
    shift_pixels=st.integers(0, 99),
    flip=st.booleans(),
    mean=st.lists(st.floats(0, 1), min_size=1, max_size=3).map(tuple),
    std=st.lists(st.floats(1e-3, 1), min_size=1, max_size=3).map(tuple),
    seed=st.integers(0, 2**32 - 1),
)
weights = st.builds(
    WeightsSpec,
    dataset=datasets,
    file=st.from_regex(r"[a-z]{1,9}:[a-z0-9]{1,9}(/[a-z0-9][a-z0-9_.-]{0,9}){0,2}", fullmatch=True),
    sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
)
remotes = st.builds(
    RemoteFile,
    url=st.from_regex(r"https://[a-z0-9.-]{1,20}(:[0-9]{1,5})?/[!-~]{0,50}", fullmatch=True),
    sha256=st.none() | st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    md5=st.none() | st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
)
fetches = st.builds(
    FetchSpec,
    dataset=datasets,
    file=remotes,
    mean=st.lists(st.floats(0, 1), min_size=1, max_size=3).map(tuple),
    std=st.lists(st.floats(1e-3, 1), min_size=1, max_size=3).map(tuple),
    class_index=st.none() | remotes,
    also_for=st.lists(datasets, max_size=2).map(tuple),
    leave_out=st.lists(texts, max_size=2).map(tuple),
)
models = st.builds(
    ModelSpec,
    name=names,
    summary=texts,
    build=references,
    input_shape=shapes,
    classes=counts,
    parameters=counts,
    arguments=st.dictionaries(st.text(), json_values, max_size=3),
    weights=st.lists(weights, max_size=2, unique_by=lambda w: w.dataset).map(tuple),
    fetch=st.lists(fetches, max_size=2, unique_by=lambda f: f.dataset).map(tuple),
    recipes=st.lists(recipes, max_size=2, unique_by=lambda r: r.dataset).map(tuple),
    paper=st.none() | texts,
    licence=st.none() | texts,
)
dataset_specs = st.builds(
    DatasetSpec,
    name=names,
    summary=texts,
    builder=references,
    version=st.from_regex(r"[0-9]\.[0-9]{1,2}\.[0-9]", fullmatch=True),
    classes=counts,
    image_shape=shapes,
    splits=st.dictionaries(names, counts, min_size=1, max_size=3),
    download=st.booleans(),
    licence=st.none() | texts,
    source=st.none() | texts,
)
array_specs = st.builds(
    DatasetSpec,
    name=names,
    summary=texts,
    arrays=references,
    classes=st.just(2),
    class_names=st.just(()) | st.lists(texts, min_size=2, max_size=2, unique=True).map(tuple),
    image_shape=shapes,
    splits=st.dictionaries(names, counts, min_size=1, max_size=3),
)
runtimes = st.builds(
    RuntimeSpec,
    name=names,
    summary=texts,
    runtime=references,
    keras_backend=st.sampled_from(["tensorflow", "jax", "torch"]),
)


@QUICK
@given(recipes | weights | models | dataset_specs | array_specs | runtimes)
def test_a_spec_survives_json(spec: Any) -> None:
    travelled = json.loads(json.dumps(spec.to_json(), allow_nan=False))
    assert type(spec).from_json(travelled) == spec


LONG = "x" * 301
NAMES = ["", "../x", "Upper", "x" * 65, "-x", ".x", "a b", "a\n", "a\x1b[31m", "ä", None, 7, b"a"]
TEXTS = ["", "two\nlines", "red\x1b[31m", LONG, None, 7]
REFERENCES = ["", "module", "module:", ":function", "a b:c", "a..b:c", "os:system()", None, 7]
COUNTS = [0, -1, 1.0, "1", True, None]
AMOUNTS = [-0.1, math.nan, math.inf, 1e12, "1", True, None]
NORMS = [(), (math.nan,), (math.inf,), ("0",), (None,), (True,), 0.5, "0"]

MALFORMED = [
    *[(Recipe, RECIPE, "dataset", v) for v in (*NAMES, "a/b/c", "a/", "/a", "a/../b", "**", "folder:", "folder:\x1b")],
    *[(Recipe, RECIPE, name, v) for name in ("epochs", "batch_size") for v in COUNTS],
    *[(Recipe, RECIPE, name, v) for name in ("learning_rate", "weight_decay", "warmup_epochs") for v in AMOUNTS],
    *[(Recipe, RECIPE, "name", v) for v in NAMES],
    *[(Recipe, RECIPE, "summary", v) for v in TEXTS if v is not None],
    *[(Recipe, RECIPE, name, v) for name in RECIPE_CHOICES for v in ("SGD", "", None, ["SGD"], "a.b", ":c")],
    *[(Recipe, RECIPE, "metrics", v) for v in ((None,), ("a.b",), ("a:loss",), ("a:b", "c:b"), "a:b")],
    *[(Recipe, RECIPE, "augmentation", v) for v in ("", "flip", "a.b", 7, ("a:b",))],
    *[(Recipe, RECIPE, name, "a:b") for name in ("weight_decay_form", "shift_fill", "precision")],
    (Recipe, {**RECIPE, "label_smoothing": 0.1}, "loss", "a:b"),
    (Recipe, {**RECIPE, "warmup_epochs": 1}, "schedule", "a:b"),
    *[(Recipe, RECIPE, name, v) for name in ("momentum", "label_smoothing", "ema_momentum") for v in (*AMOUNTS, 1.0)],
    (Recipe, {**RECIPE, "optimizer": "adamw"}, "weight_decay_form", "l2"),
    *[(Recipe, RECIPE, "shift_pixels", v) for v in (-1, 0.5, "1", True, None)],
    *[(Recipe, RECIPE, "flip", v) for v in (0, 1, "yes", None)],
    *[(Recipe, RECIPE, "mean", v) for v in NORMS],
    *[(Recipe, RECIPE, "std", v) for v in (*NORMS, (0.0,), (-1.0,))],
    *[(Recipe, RECIPE, "seed", v) for v in (-1, 2**32, 0.5, "1", True, None)],
    *[(WeightsSpec, WEIGHTS, "dataset", v) for v in (*NAMES, "*")],
    *[
        (WeightsSpec, WEIGHTS, "file", v)
        for v in ("", "a", "pkg:", "pkg:/abs", "pkg:../up", "pkg:a/../b", "pkg:a//b", "pkg:a\\b", None)
    ],
    *[(WeightsSpec, WEIGHTS, "sha256", v) for v in ("", "0" * 63, "0" * 65, "G" * 64, "A" * 64, None)],
    *[
        (RemoteFile, REMOTE, "url", v)
        for v in (
            *("", "a.h5", "http://example.org/a.h5", "file:///a.h5", "https://", "https:///a", "https://a@b/c"),
            *("https://example.org", "https://a/b c", "https://a/\n", "http://127.0.0.1.example.org/a", None),
        )
    ],
    *[(RemoteFile, REMOTE, "sha256", v) for v in ("", "0" * 32, "A" * 64, 1)],
    *[(RemoteFile, REMOTE, "md5", v) for v in ("", "0" * 64, "A" * 32, 1)],
    *[(FetchSpec, FETCH, "dataset", v) for v in (*NAMES, "*")],
    *[(FetchSpec, FETCH, "file", v) for v in (None, "https://example.org/a.h5", {}, WEIGHTS)],
    *[(FetchSpec, FETCH, "class_index", v) for v in ("https://example.org/a.h5", {}, WEIGHTS)],
    *[(FetchSpec, FETCH, "mean", v) for v in ((), (math.nan,), ("0",), 0.5)],
    *[(FetchSpec, FETCH, "std", v) for v in ((), (0.0,), (-1.0,), 0.5)],
    *[(FetchSpec, FETCH, "leave_out", v) for v in ("a", None, (1,), ("a\n",))],
    *[(FetchSpec, FETCH, "also_for", v) for v in ("digits", None, (1,), ("*",))],
    *[(ModelSpec, MODEL, "fetch", v) for v in (None, "a", (None,), (WEIGHTS,), (FETCH, FETCH))],
    *[(ModelSpec, MODEL, "name", v) for v in NAMES],
    *[(ModelSpec, MODEL, "summary", v) for v in TEXTS],
    *[(ModelSpec, MODEL, "build", v) for v in REFERENCES],
    *[
        (ModelSpec, MODEL, "input_shape", v)
        for v in ((), (8, 8), (8, 8, 1, 1), (8, 8, 0), (8, 8, 1.0), (8, None, 1), 8, "881", None)
    ],
    *[(ModelSpec, MODEL, name, v) for name in ("classes", "parameters") for v in COUNTS],
    *[
        (ModelSpec, MODEL, "arguments", v)
        for v in (None, [], "a", {1: 2}, {"a": b"b"}, {"a": {1, 2}}, {"a": math.nan}, {"a": {1: 2}})
    ],
    *[(ModelSpec, MODEL, "weights", v) for v in (None, "a", (None,), ("digits",), (RECIPE,))],
    *[(ModelSpec, MODEL, "recipes", v) for v in (None, "a", (None,), ("digits",), (WEIGHTS,))],
    *[(ModelSpec, MODEL, "weights", (WEIGHTS, WEIGHTS)), (ModelSpec, MODEL, "recipes", [RECIPE] * 2)],
    *[(ModelSpec, MODEL, name, v) for name in ("paper", "licence") for v in TEXTS if v is not None],
    *[(DatasetSpec, DATASET, "name", v) for v in NAMES],
    *[(DatasetSpec, DATASET, "summary", v) for v in TEXTS],
    *[(DatasetSpec, DATASET, "builder", v) for v in REFERENCES],
    *[(DatasetSpec, ARRAYS, "arrays", v) for v in REFERENCES],
    *[(DatasetSpec, ARRAYS, "builder", "pkg.data:Dots"), (DatasetSpec, ARRAYS, "download", True)],
    *[(DatasetSpec, ARRAYS, "class_names", v) for v in (None, "ab", ("a",), ("a", "a"), ("a", ""), ("a", 1), "a\x1b")],
    (DatasetSpec, DATASET, "class_names", ("a", "b")),
    *[(DatasetSpec, DATASET, "version", v) for v in ("", "1", "1.0", "1.0.0.0", "v1.0.0", "1.0.x", None)],
    *[(DatasetSpec, DATASET, "classes", v) for v in COUNTS],
    *[(DatasetSpec, DATASET, "image_shape", v) for v in ((), (8, 8), (8, 8, 0), (8, 8, "1"), ("a", "b", "c"), 8, None)],
    *[
        (DatasetSpec, DATASET, "splits", v)
        for v in (None, 5, "train", ["train"], {}, {"test": 0}, {"test": "9"}, {"test": None}, {1: 2})
    ],
    *[(DatasetSpec, DATASET, "download", v) for v in (None, 1, "yes")],
    *[(DatasetSpec, DATASET, "digests", v) for v in (None, [], {"train": "abc"}, {"train": None}, {"val": "0" * 64})],
    *[(DatasetSpec, DATASET, name, v) for name in ("licence", "source") for v in TEXTS if v],
    *[(RuntimeSpec, RUNTIME, "name", v) for v in NAMES],
    *[(RuntimeSpec, RUNTIME, "summary", v) for v in TEXTS],
    *[(RuntimeSpec, RUNTIME, "runtime", v) for v in REFERENCES],
    *[(RuntimeSpec, RUNTIME, "keras_backend", v) for v in ("", "Torch", "numpy", None, [])],
]


@pytest.mark.parametrize(
    ("kind", "good", "name", "value"),
    [
        pytest.param(*case, id=f"{case[0].__name__}.{case[2]}={ascii(case[3])[:30]}-{i}")
        for i, case in enumerate(MALFORMED)
    ],
)
def test_a_malformed_field_is_a_spec_error_of_one_printable_line(
    kind: type[Plain], good: dict[str, Any], name: str, value: Any
) -> None:
    kind(**good)
    with pytest.raises(SpecError) as error:
        kind(**{**good, name: value})
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 250


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        (Recipe, RECIPE),
        (WeightsSpec, WEIGHTS),
        (RemoteFile, REMOTE),
        (FetchSpec, FETCH),
        (ModelSpec, MODEL),
        (DatasetSpec, DATASET),
        (DatasetSpec, ARRAYS),
        (RuntimeSpec, RUNTIME),
    ],
)
class TestEverySpec:
    def test_refuses_a_key_it_does_not_know(self, kind: type[Plain], good: dict[str, Any]) -> None:
        with pytest.raises((SpecError, TypeError), match="colour"):
            kind.from_json({**good, "colour": "red"})

    def test_refuses_to_do_without_a_field(self, kind: type[Plain], good: dict[str, Any]) -> None:
        first = next(iter(good))
        with pytest.raises((SpecError, TypeError), match=first):
            kind.from_json({key: good[key] for key in good if key != first})

    def test_is_frozen(self, kind: type[Plain], good: dict[str, Any]) -> None:
        spec = kind(**good)
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(spec, next(iter(good)), "other")

    def test_takes_no_positional_argument(self, kind: type[Plain], good: dict[str, Any]) -> None:
        with pytest.raises(TypeError):
            kind(*good.values())


@pytest.mark.parametrize("arguments", [{"depth": 20}, {"widths": [16, 32]}, {"stem": {"stride": [1, 2]}}])
def test_a_model_does_not_change_with_the_arguments_it_was_made_of(arguments: dict[str, Any]) -> None:
    spec = ModelSpec(**MODEL, arguments=arguments)
    before = json.dumps(spec.to_json())
    arguments["depth"] = 56
    for value in arguments.values():
        if isinstance(value, list):
            value.append(64)
        if isinstance(value, dict):
            value["stride"].append(3)
    assert json.dumps(spec.to_json()) == before


@pytest.mark.parametrize(
    ("spec", "field"),
    [(ModelSpec(**MODEL), "arguments"), (DatasetSpec(**DATASET), "splits"), (DatasetSpec(**DATASET), "digests")],
)
def test_a_mapping_in_a_spec_is_read_only(spec: Any, field: str) -> None:
    with pytest.raises(TypeError):
        getattr(spec, field)["more"] = 1


def test_a_dataset_does_not_change_with_the_splits_it_was_made_of() -> None:
    splits = {"train": 3, "test": 2}
    spec = DatasetSpec(**{**DATASET, "splits": splits})
    splits["test"] = 9
    assert spec.splits == {"train": 3, "test": 2}


def test_what_to_json_gives_is_apart_from_the_spec() -> None:
    spec = ModelSpec(**MODEL, arguments={"widths": [16]})
    spec.to_json()["arguments"]["widths"].append(32)
    assert spec.arguments["widths"] == [16]


def test_a_tuple_among_the_arguments_is_the_same_after_the_journey() -> None:
    spec = ModelSpec(**MODEL, arguments={"widths": (16, 32)})
    assert ModelSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_lists_and_objects_become_tuples_and_specs() -> None:
    spec = ModelSpec(**{**MODEL, "input_shape": [8, 8, 1]}, recipes=[RECIPE], weights=[WEIGHTS])
    assert spec.input_shape == (8, 8, 1)
    assert spec.recipes == (Recipe(**RECIPE),)
    assert spec.weights == (WeightsSpec(**WEIGHTS),)


@pytest.mark.parametrize(
    ("dataset", "name", "epochs"),
    [
        ("digits", None, 3),
        ("digits", "long", 30),
        ("digits", "short", 1),
        ("digits", "unheard", None),
        ("emnist/letters", None, 7),
        ("emnist/letters", "default", 7),
        ("unheard", None, 5),
        ("unheard", "long", None),
    ],
)
def test_the_recipes_of_a_dataset_come_before_those_for_any(dataset: str, name: str | None, epochs: int | None) -> None:
    recipes = [
        Recipe(dataset="*", epochs=5),
        Recipe(dataset="*", name="short", epochs=1),
        Recipe(dataset="digits", epochs=3),
        Recipe(dataset="digits", name="long", epochs=30),
        Recipe(dataset="emnist/letters", epochs=7),
    ]
    found = ModelSpec(**MODEL, recipes=recipes).recipe_for(dataset, name)
    assert (found and found.epochs) == epochs


def test_there_may_be_no_recipe_and_no_weights() -> None:
    spec = ModelSpec(**MODEL, recipes=[RECIPE], weights=[WEIGHTS])
    assert spec.recipe_for("mnist") is None
    assert spec.weights_for("mnist") is None
    assert spec.weights_for("digits") == WeightsSpec(**WEIGHTS)


@pytest.mark.parametrize("name", ["a", "0", "resnet20_cifar", "a.b-c_d", "x" * 64])
def test_a_good_name_is_returned_as_it_is(name: str) -> None:
    assert check_name(name) == name


def test_a_recipe_tells_which_code_it_names() -> None:
    own = Recipe(
        **{**RECIPE, "optimizer": "acme:adam", "metrics": ["top_k_categorical_accuracy", "acme.more:margin"]},
        loss="acme:brier",
        schedule="acme:halving",
        augmentation="acme:noise",
    )
    assert own.metric_names == ("top_k_categorical_accuracy", "margin")
    assert own.references == {
        "optimizer": "acme:adam",
        "schedule": "acme:halving",
        "loss": "acme:brier",
        "augmentation": "acme:noise",
        "metric margin": "acme.more:margin",
    }
    assert Recipe(**RECIPE).references == {}
