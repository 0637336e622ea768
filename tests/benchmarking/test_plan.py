"""What was asked for becomes the scenarios that are measured, or one clear line."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from zoo.benchmarking import plan as planning
from zoo.benchmarking.environment import THREADS
from zoo.benchmarking.plan import Options, left_out, plan
from zoo.data.catalog import Dataset
from zoo.errors import UsageError
from zoo.installed import CORE, Plugin
from zoo.registry import Entry, Registry
from zoo.results.forecast import START_S, forecast
from zoo.specs import FetchSpec, ModelSpec, RemoteFile, RuntimeSpec

PLUGIN = Plugin("acme", "acme", "1.0", "acme")
MODELS = [
    ModelSpec(name=name, summary="a model", build="acme:net", input_shape=(8, 8, 1), classes=10, parameters=10)
    for name in ("one", "two")
]
RUNTIMES = [
    RuntimeSpec(
        name="fast",
        summary="everywhere",
        runtime="acme:Fast",
        keras_backend="jax",
        devices=("cpu", "gpu"),
        precisions=("float32", "tf32", "bfloat16"),
        requires=("numpy",),
    ),
    RuntimeSpec(name="plain", summary="on the processor", runtime="acme:Plain", keras_backend="jax"),
    RuntimeSpec(
        name="lacking",
        summary="not installed",
        runtime="acme:Lacking",
        keras_backend="jax",
        requires=("no-such-thing", "numpy"),
        install="pip install no-such-thing",
    ),
]


def entries(specs: list[Any]) -> Any:
    return MappingProxyType({spec.name: Entry(spec, PLUGIN) for spec in specs})


REGISTRY = Registry(entries(MODELS), MappingProxyType({}), entries(RUNTIMES), (CORE, PLUGIN), (), ())


@pytest.fixture(autouse=True)
def _any_dataset(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = Dataset(
        name="dots",
        version="1.0.0",
        data_dir="/nowhere",
        folder="/nowhere/dots/1.0.0",
        builder=None,
        classes=10,
        image_shape=(8, 8, 1),
        splits={"train": 10, "test": 10},
    )
    monkeypatch.setattr(planning, "find", lambda *_, **__: dataset)


def scenarios(**settings: Any) -> list[tuple[Any, ...]]:
    steps = plan(REGISTRY, ["one", "two"], Options(dataset="dots", **settings))
    return [
        (s.model, s.runtime, s.device, s.precision, s.threads, s.batch_size) for s in (step.scenario for step in steps)
    ]


def test_what_is_listed_multiplies() -> None:
    found = scenarios(
        runtimes=("fast",),
        devices=("cpu", "gpu", "gpu:1"),
        precisions=("float32", "bfloat16"),
        threads=(1, 2),
        batch_sizes=(1, 8),
    )
    devices = ("cpu", "gpu", "gpu:1")
    expected = itertools.product(("one", "two"), ("fast",), devices, ("float32", "bfloat16"), (1, 2), (1, 8))
    assert found == list(expected)


def test_a_number_of_threads_that_was_asked_for_sets_aside_what_the_environment_says() -> None:
    options = Options(dataset="dots", runtimes=("fast",), threads=(None, 2), batch_sizes=(1,))
    free, told = (step.task().environment for step in plan(REGISTRY, ["one"], options))
    assert free == {"KERAS_BACKEND": "jax"}
    assert told == {"KERAS_BACKEND": "jax", **dict.fromkeys(THREADS)}


def test_what_is_listed_twice_is_measured_once() -> None:
    found = scenarios(runtimes=("fast", "fast"), devices=("gpu", "gpu:0"), threads=(1, 1), batch_sizes=(1, 1))
    assert found == [(model, "fast", "gpu", "float32", 1, 1) for model in ("one", "two")]


def test_all_runtimes_are_those_that_are_installed_and_run_what_was_asked_for() -> None:
    one = {"batch_sizes": (1,), "runtimes": ("all",)}
    assert {s[1] for s in scenarios(**one)} == {"fast", "plain"}
    assert {s[1:4] for s in scenarios(**one, precisions=("bfloat16",))} == {("fast", "cpu", "bfloat16")}
    assert {s[1:3] for s in scenarios(**one, devices=("cpu", "gpu"))} == {
        ("fast", "cpu"),
        ("fast", "gpu"),
        ("plain", "cpu"),
    }
    lines = left_out(REGISTRY, Options(runtimes=("all",)))
    assert lines == ["without lacking: no-such-thing is not installed; pip install no-such-thing"]
    assert left_out(REGISTRY, Options(runtimes=("fast",))) == []


def test_what_was_named_and_is_not_to_be_had_is_a_scenario_that_says_why() -> None:
    options = Options(dataset="dots", runtimes=("fast", "plain", "lacking"), devices=("gpu",), batch_sizes=(1,))
    steps = plan(REGISTRY, ["one"], options)
    assert [(step.scenario.runtime, step.unavailable) for step in steps] == [
        ("fast", None),
        ("plain", "plain runs on cpu, not on gpu"),
        ("lacking", "lacking: no-such-thing is not installed; pip install no-such-thing"),
    ]
    assert all(step.in_matrix for step in steps)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"runtimes": ("plain",), "devices": ("gpu",)}, "plain runs on cpu, not on gpu"),
        ({"runtimes": ("plain",), "precisions": ("int8",)}, "plain computes in float32, not in int8"),
        (
            {"runtimes": ("fast",), "precisions": ("tf32",)},
            "tf32 is a precision of NVIDIA GPUs; ask for the device gpu, or for float32",
        ),
        ({"runtimes": ("plain",), "precisions": ("tf32",)}, "plain computes in float32, not in tf32"),
        ({"runtimes": ("lacking",)}, "lacking: no-such-thing is not installed; pip install no-such-thing"),
        ({"runtimes": ("all",), "precisions": ("int8",)}, "no runtime that is installed here runs that"),
        ({"runtimes": ("fats",)}, "unknown runtime 'fats'; did you mean 'fast'?"),
        ({"runtimes": ("fast",), "devices": ("tpu",)}, "device 'tpu' is not one of cpu, gpu, gpu:N"),
    ],
)
def test_what_is_impossible_as_a_whole_is_one_line(settings: dict[str, Any], line: str) -> None:
    with pytest.raises(UsageError) as error:
        scenarios(**settings)
    assert str(error.value).startswith(line)


def test_one_way_with_several_batch_sizes_is_no_matrix() -> None:
    steps = plan(REGISTRY, ["one", "two"], Options(dataset="dots", runtimes=("fast",)))
    assert not any(step.in_matrix for step in steps)


def test_the_largest_batch_is_found_later() -> None:
    steps = plan(REGISTRY, ["one"], Options(dataset="dots", runtimes=("fast",), batch_sizes=(8, "max")))
    assert [(step.scenario.batch_size, step.seeks_batch_size) for step in steps] == [(8, False), (1, True)]


def test_what_would_give_an_accuracy_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    file = RemoteFile(url="https://example.org/a.h5")
    fetches = {"one": (FetchSpec(dataset="strokes", also_for=("dots",), file=file),), "two": ()}
    models = [dataclasses.replace(spec, fetch=fetches[spec.name]) for spec in MODELS]
    registry = dataclasses.replace(REGISTRY, models=entries(models))
    steps = plan(registry, ["one", "two"], Options(dataset="dots", runtimes=("fast",)))
    assert {step.scenario.model: step.no_accuracy for step in steps} == {
        "one": "no weights for dots; 'zoo weights fetch one' downloads some",
        "two": "no weights for dots, and no recipe to train them; give some with --weights FILE",
    }


def test_without_a_store_the_policy_says_how_long_it_takes() -> None:
    options = Options(dataset="dots", runtimes=("fast", "lacking"), batch_sizes=(8,), processes=3)
    known, unavailable = forecast(plan(REGISTRY, ["one"], options), None, {})
    assert known.seconds == 3 * (START_S + options.policy.warmup_min_s + options.policy.min_time_s)
    assert not known.measured
    assert unavailable.seconds == 0


def test_tf32_is_measured_on_a_gpu_and_unavailable_on_the_processor_beside_it() -> None:
    options = Options(
        dataset="dots", runtimes=("fast",), devices=("cpu", "gpu:1"), precisions=("tf32",), batch_sizes=(1,)
    )
    on_cpu, on_gpu = plan(REGISTRY, ["one"], options)
    assert on_cpu.unavailable == "tf32 is a precision of NVIDIA GPUs; ask for the device gpu, or for float32"
    assert on_gpu.unavailable is None
