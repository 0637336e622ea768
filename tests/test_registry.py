"""What the plugins declare, by name and by pattern."""

from __future__ import annotations

import importlib
import importlib.metadata
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from zoo import registry
from zoo.errors import UsageError
from zoo.plugins import Plugin
from zoo.registry import Entry, Registry
from zoo.specs import ModelSpec

Install = Callable[[str, str], None]

MODEL = """zoo.ModelSpec(
    name={!r}, summary="s", build="a.b:c", input_shape=(8, 8, 1), classes=2, parameters=1
)"""
DATASET = """zoo.DatasetSpec(
    name={!r}, summary="s", builder="a.b:C", version="1.0.0", classes=2, image_shape=(8, 8, 1),
    splits={{"train": 1, "test": 1}},
)"""
RUNTIME = 'zoo.RuntimeSpec(name={!r}, summary="s", runtime="a.b:C", keras_backend="jax")'
RUNTIMES = {
    "tensorflow",
    "tensorflow-xla",
    "jax",
    "torch",
    "torch-compile",
    "keras-predict",
    "keras-call",
    "keras-function",
}
SPECS = {"zoo_models": MODEL, "zoo_datasets": DATASET, "zoo_runtimes": RUNTIME}


def returning(expression: str, hook: str = "zoo_models") -> str:
    """The source of a plugin whose hook returns an expression."""
    return f"import zoo\n@zoo.hookimpl\ndef {hook}():\n    return {expression}\n"


def declaring(*names: Any, hook: str = "zoo_models") -> str:
    """The source of a plugin that declares specs of these names."""
    specs = ", ".join(SPECS[hook].format(name) for name in names)
    return returning(f"[{specs}]", hook)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Lays out a distribution with one plugin; those of this environment are switched off."""
    installed = {point.dist.name for point in importlib.metadata.entry_points(group="zoo")}
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", ",".join(installed))
    monkeypatch.syspath_prepend(tmp_path)
    packages = set()

    def install(name: str, module: str) -> None:
        package = name.replace("-", "_")
        packages.add(package)
        (tmp_path / f"{package}.py").write_text(module)
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[zoo]\n{name} = {package}\n")
        importlib.invalidate_caches()

    yield install
    for package in packages & set(sys.modules):
        del sys.modules[package]
    importlib.invalidate_caches()


def blamed(loaded: Registry) -> list[str]:
    return [problem.plugin.distribution for problem in loaded.problems]


def test_what_plugins_declare_is_there_under_its_name(install: Install) -> None:
    install("zoo-one", declaring("small", "large"))
    install("zoo-two", declaring("dots", hook="zoo_datasets"))
    install("zoo-six", declaring("fast", hook="zoo_runtimes"))
    loaded = registry.load()
    assert list(loaded.models) == ["small", "large"]
    assert loaded.model("small").plugin.distribution == "zoo-one"
    assert loaded.datasets["dots"].plugin.distribution == "zoo-two"
    assert loaded.runtime("fast").plugin.distribution == "zoo-six"
    assert loaded.problems == ()


def test_the_core_brings_a_dataset_and_runtimes_and_no_model(install: Install) -> None:
    loaded = registry.load()
    assert list(loaded.models) == []
    assert list(loaded.datasets) == ["digits"]
    assert set(loaded.runtimes) == RUNTIMES


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("None", "must return a list of ModelSpec, not NoneType"),
        ("{}", "must return a list of ModelSpec, not dict"),
        ("['toy']", "must return a list of ModelSpec, not of str"),
        ("'toy'", "must return a list of ModelSpec, not str"),
        ("[None]", "must return a list of ModelSpec, not of NoneType"),
        ("(x for x in [])", "must return a list of ModelSpec, not generator"),
        ("zoo.ModelSpec", "must return a list of ModelSpec, not type"),
        ("[zoo.ModelSpec]", "must return a list of ModelSpec, not of type"),
        (f"[{MODEL.format('fine')}, 7]", "must return a list of ModelSpec, not of int"),
        (f"[{RUNTIME.format('fine')}]", "must return a list of ModelSpec, not of RuntimeSpec"),
    ],
)
def test_a_wrong_return_costs_only_its_plugin(install: Install, expression: str, reason: str) -> None:
    install("zoo-aaa", declaring("first"))
    install("zoo-broken", returning(expression))
    install("zoo-zzz", declaring("last"))
    loaded = registry.load()
    assert list(loaded.models) == ["first", "last"]
    [problem] = loaded.problems
    assert problem.plugin.distribution == "zoo-broken"
    assert problem.reason == f"in zoo_models: SpecError: zoo_models {reason}"


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "Upper", "x" * 65, "", "a b", "a\x1b[31m", "\x1b]0;title\x07", 7, None]
)
@pytest.mark.parametrize("hook", SPECS)
def test_a_malformed_name_costs_only_its_plugin(install: Install, name: Any, hook: str) -> None:
    install("zoo-aaa", declaring("first"))
    install("zoo-broken", declaring("fine", name, hook=hook))
    install("zoo-zzz", declaring("last"))
    loaded = registry.load()
    assert list(loaded.models) == ["first", "last"]
    assert {*loaded.datasets, *loaded.runtimes} == {"digits", *RUNTIMES}
    [problem] = loaded.problems
    assert problem.plugin.distribution == "zoo-broken"
    assert "SpecError: name " in problem.reason
    assert problem.reason.isprintable()


def test_what_fails_in_one_hook_leaves_the_plugins_others(install: Install) -> None:
    install("zoo-half", returning("None") + declaring("dots", hook="zoo_datasets"))
    loaded = registry.load()
    assert "dots" in loaded.datasets
    assert blamed(loaded) == ["zoo-half"]


@pytest.mark.parametrize("hook", SPECS)
def test_a_name_declared_twice_is_used_by_neither_and_blamed_on_both(install: Install, hook: str) -> None:
    install("zoo-one", declaring("shared", "own-of-one", hook=hook))
    install("zoo-two", declaring("own-of-two", "shared", hook=hook))
    loaded = registry.load()
    entries = getattr(loaded, hook.removeprefix("zoo_"))
    assert "shared" not in entries
    assert {"own-of-one", "own-of-two"} <= set(entries)
    assert blamed(loaded) == ["zoo-one", "zoo-two"]
    for problem in loaded.problems:
        assert "'shared'" in problem.reason
        assert "zoo-one 1.0 and zoo-two 1.0" in problem.reason


def test_a_name_declared_twice_by_one_plugin_is_blamed_on_it_once(install: Install) -> None:
    install("zoo-one", declaring("twice", "once", "twice"))
    loaded = registry.load()
    assert list(loaded.models) == ["once"]
    [problem] = loaded.problems
    assert "'twice' is declared by zoo-one 1.0;" in problem.reason


@pytest.mark.parametrize(("hook", "name"), [("zoo_datasets", "digits"), ("zoo_runtimes", "tensorflow")])
def test_a_name_of_the_core_stays_the_cores(install: Install, hook: str, name: str) -> None:
    for distribution in ("zoo-one", "zoo-two"):
        install(distribution, declaring(name, f"own-of-{distribution}", name, hook=hook))
    loaded = registry.load()
    entries = getattr(loaded, hook.removeprefix("zoo_"))
    assert entries[name].plugin.distribution == "zoobench"
    assert {"own-of-zoo-one", "own-of-zoo-two"} < set(entries)
    assert blamed(loaded) == ["zoo-one", "zoo-two"]
    noun = hook.removeprefix("zoo_").removesuffix("s")
    for problem in loaded.problems:
        assert problem.reason == f"reserved: the {noun} '{name}' is the zoo's own; this plugin's is not used"


def test_one_name_may_mean_a_model_a_dataset_and_a_runtime(install: Install) -> None:
    for hook in SPECS:
        install(hook.replace("_", "-"), declaring("same", hook=hook))
    loaded = registry.load()
    assert loaded.problems == ()
    assert {"same"} == set(loaded.models)
    assert {"same"} < set(loaded.datasets)


def test_a_plugin_that_is_switched_off_brings_nothing(install: Install) -> None:
    install("zoo-one", declaring("one"))
    install("zoo-two", declaring("two"))
    loaded = registry.load(["zoo-two"])
    assert list(loaded.models) == ["one"]
    assert "zoo-two" in [plugin.distribution for plugin in loaded.disabled]
    assert "zoo-two" not in [plugin.distribution for plugin in loaded.plugins]


def test_switching_one_of_two_claimants_off_settles_a_name(install: Install) -> None:
    install("zoo-one", declaring("shared"))
    install("zoo-two", declaring("shared"))
    loaded = registry.load(["zoo-two"])
    assert loaded.model("shared").plugin.distribution == "zoo-one"
    assert loaded.problems == ()


@pytest.mark.parametrize("kind", ["models", "datasets", "runtimes"])
def test_a_registry_is_read_only(install: Install, kind: str) -> None:
    with pytest.raises(TypeError):
        getattr(registry.load(), kind)["more"] = None


def model(name: str) -> ModelSpec:
    return ModelSpec(name=name, summary="s", build="a:b", input_shape=(1, 1, 1), classes=1, parameters=1)


@pytest.fixture
def menagerie() -> Registry:
    """A registry of five models."""
    plugin = Plugin("p", "zoo-p", "1.0", "zoo_p")
    names = ("resnet20", "resnet32", "vgg16", "toy_resnet", "cnn1")
    models = {name: Entry(model(name), plugin) for name in names}
    return Registry(models, {}, {}, (plugin,), (), ())


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
