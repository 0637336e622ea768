"""What the plugins declare, by name and by pattern."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from zoo.errors import UsageError
from zoo.findings import Finding
from zoo.installed import Plugin
from zoo.plugins.discover import Discovered
from zoo.plugins.record import Record
from zoo.registry import MENTIONED, Entry, Registry, of
from zoo.specs import DatasetSpec, ModelSpec, RuntimeSpec

KINDS = ("models", "datasets", "runtimes")


def model(name: str) -> ModelSpec:
    return ModelSpec(name=name, summary="s", build="a:b", input_shape=(1, 1, 1), classes=1, parameters=1)


def spec(kind: str, name: str) -> Any:
    if kind == "models":
        return model(name)
    if kind == "runtimes":
        return RuntimeSpec(name=name, summary="s", runtime="a:B", keras_backend="jax")
    return DatasetSpec(
        name=name,
        summary="s",
        builder="a:B",
        version="1.0.0",
        classes=2,
        image_shape=(8, 8, 1),
        splits={"train": 1, "test": 1},
    )


def plugin(name: str) -> Plugin:
    return Plugin(name, f"zoo-{name}", "1.0", f"zoo_{name}")


def declaring(plugin_name: str, kind: str = "models", names: Sequence[str] = ()) -> Record:
    """A record of a plugin that declares specs of these names."""
    specs = tuple(spec(kind, name) for name in names)
    return Record(plugin(plugin_name), **{kind: specs})


def registry(*records: Record, **fields: Any) -> Registry:
    return of(Discovered(0, list(records), **fields))


def blamed(loaded: Registry) -> list[str]:
    return [problem.plugin.name for problem in loaded.problems]


def test_what_plugins_declare_is_there_under_its_name() -> None:
    loaded = registry(
        declaring("one", "models", ["small", "large"]),
        declaring("two", "datasets", ["dots"]),
        declaring("six", "runtimes", ["fast"]),
    )
    assert list(loaded.models) == ["small", "large"]
    assert loaded.model("small").plugin.name == "one"
    assert loaded.datasets["dots"].plugin.name == "two"
    assert loaded.runtime("fast").plugin.name == "six"
    assert loaded.problems == ()
    assert loaded.mentions() == []
    assert [p.name for p in loaded.plugins] == ["builtin", "one", "two", "six"]


def test_the_core_brings_a_dataset_and_runtimes_and_no_model() -> None:
    loaded = registry()
    assert list(loaded.models) == []
    assert list(loaded.datasets) == ["digits"]
    assert {"tensorflow", "jax", "torch", "keras-predict"} < set(loaded.runtimes)


def test_what_fails_in_one_hook_leaves_the_plugins_others() -> None:
    finding = Finding("wrong-type", "zoo_half.py:3", "zoo_models must return a list")
    half = declaring("half", "datasets", ["dots"]).with_findings(finding)
    loaded = registry(half, Record(plugin("none"), findings=(finding,)))
    assert "dots" in loaded.datasets
    assert blamed(loaded) == ["half", "none"]
    assert [p.name for p in loaded.plugins] == ["builtin", "half"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_declared_twice_is_used_by_neither_and_blamed_on_both(kind: str) -> None:
    loaded = registry(declaring("one", kind, ["shared", "of-one"]), declaring("two", kind, ["of-two", "shared"]))
    entries = getattr(loaded, kind)
    assert "shared" not in entries
    assert {"of-one", "of-two"} <= set(entries)
    assert blamed(loaded) == ["one", "two"]
    for problem in loaded.problems:
        assert problem.finding.code == "duplicate-name"
        assert "'shared' is declared by zoo-one 1.0 and zoo-two 1.0; none is used" in problem.finding.message


def test_a_name_declared_twice_by_one_plugin_is_blamed_on_it_once() -> None:
    loaded = registry(declaring("one", "models", ["twice", "once", "twice"]))
    assert list(loaded.models) == ["once"]
    [problem] = loaded.problems
    assert "'twice' is declared by zoo-one 1.0;" in problem.finding.message


@pytest.mark.parametrize(("kind", "name"), [("datasets", "digits"), ("runtimes", "tensorflow")])
def test_a_name_of_the_core_stays_the_cores(kind: str, name: str) -> None:
    loaded = registry(*(declaring(one, kind, [name, f"of-{one}", name]) for one in ("one", "two")))
    entries = getattr(loaded, kind)
    assert entries[name].plugin.distribution == "zoobench"
    assert {"of-one", "of-two"} < set(entries)
    assert blamed(loaded) == ["one", "two"]
    for problem in loaded.problems:
        assert problem.finding.code == "reserved-name"
        message = f"the {kind.removesuffix('s')} '{name}' is the zoo's own; this plugin's is not used"
        assert problem.finding.message == message


def test_one_name_may_mean_a_model_a_dataset_and_a_runtime() -> None:
    loaded = registry(*(declaring(kind, kind, ["same"]) for kind in KINDS))
    assert loaded.problems == ()
    assert all("same" in getattr(loaded, kind) for kind in KINDS)


def test_only_errors_are_mentioned_and_not_all_of_them() -> None:
    slow = Record(plugin("slow"), findings=(Finding("heavy-import", "a.py:1", "imports keras at the top"),))
    broken = [
        Record(plugin(f"b{number}"), findings=(Finding("exits", "a.py:1", "SystemExit: 0"),))
        for number in range(MENTIONED + 2)
    ]
    lines = registry(slow, *broken, not_found=["b11"]).mentions()
    assert lines[0] == "nothing to switch off: unknown plugin 'b11'; did you mean 'b1'?"
    assert lines[1] == "plugin zoo-b0 1.0: SystemExit: 0 [exits]; see 'zoo plugins --why zoo-b0'"
    assert lines[-1] == "and 2 more problems with plugins; see 'zoo plugins'"
    assert len(lines) == 2 + MENTIONED


@pytest.mark.parametrize("kind", KINDS)
def test_a_registry_is_read_only(kind: str) -> None:
    with pytest.raises(TypeError):
        getattr(registry(), kind)["more"] = None


@pytest.fixture
def menagerie() -> Registry:
    """A registry of five models."""
    owner = plugin("p")
    names = ("resnet20", "resnet32", "vgg16", "toy_resnet", "cnn1")
    models = {name: Entry(model(name), owner) for name in names}
    return Registry(models, {}, {}, (owner,), (), ())


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ([], ["resnet20", "resnet32", "vgg16", "toy_resnet", "cnn1"]),
        (["vgg16"], ["vgg16"]),
        (["vgg16", "resnet20"], ["vgg16", "resnet20"]),
        (["resnet*"], ["resnet20", "resnet32"]),
        (["*resnet*"], ["resnet20", "resnet32", "toy_resnet"]),
        (["resnet?2"], ["resnet32"]),
        (["[cv]*"], ["vgg16", "cnn1"]),
        (["[!r]*"], ["vgg16", "toy_resnet", "cnn1"]),
        (["vgg16", "*", "vgg16"], ["vgg16", "resnet20", "resnet32", "toy_resnet", "cnn1"]),
        (["*32", "resnet*"], ["resnet32", "resnet20"]),
        (["*"], ["resnet20", "resnet32", "vgg16", "toy_resnet", "cnn1"]),
    ],
)
def test_models_are_selected_once_each_in_the_order_asked_for(
    menagerie: Registry, patterns: list[str], names: list[str]
) -> None:
    assert [entry.spec.name for entry in menagerie.select(patterns)] == names


@pytest.mark.parametrize("pattern", ["alexnet*", "RESNET*", "?", "[", "*\x1b[31m", "vgg16/*"])
def test_a_pattern_that_matches_nothing_is_a_usage_error(menagerie: Registry, pattern: str) -> None:
    with pytest.raises(UsageError, match="no model matches") as error:
        menagerie.select(["vgg16", pattern])
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("name", "meant"),
    [("resnt20", "resnet20"), ("RESNET32", "resnet32"), ("toy-resnet", "toy_resnet"), ("vgg", "vgg16")],
)
def test_a_misspelt_name_brings_a_suggestion(menagerie: Registry, name: str, meant: str) -> None:
    for ask in (menagerie.model, lambda name: menagerie.select([name])):
        with pytest.raises(UsageError, match=f"unknown model '{name}'; did you mean '{meant}'") as error:
            ask(name)
        assert error.value.exit_code == 2


@pytest.mark.parametrize("name", ["", "zebra", "../../etc", "x" * 100_000, "\x1b[31mred"])
def test_a_name_like_no_other_brings_the_command_that_lists_them(menagerie: Registry, name: str) -> None:
    with pytest.raises(UsageError, match=r"'zoo list' shows what there is$") as error:
        menagerie.model(name)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 200


def test_an_unknown_runtime_is_looked_up_in_their_list(menagerie: Registry) -> None:
    with pytest.raises(UsageError, match=r"unknown runtime 'onnx'; 'zoo runtimes' shows"):
        menagerie.runtime("onnx")


def test_reading_what_plugins_declare_imports_neither_numpy_nor_a_framework() -> None:
    script = (
        "import sys; from zoo import registry; registry.load().select([]);"
        "print(*{'numpy', 'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
