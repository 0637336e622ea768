"""Discovery, with real distributions: one plugin's failure costs only itself."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zoo.plugins import Plugin, Plugins, Problem, describe, discover

GOOD = """
import zoo

@zoo.hookimpl
def zoo_models():
    return []
"""
STATEMENT = {
    "on import": GOOD + "{}\n",
    "in a hook": "import zoo\n@zoo.hookimpl\ndef zoo_models():\n    {}\n    return []\n",
}


class Site:
    """A folder on the path in which distributions are installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packages: set[str] = set()

    def install(
        self, name: str, module: str = GOOD, *, points: dict[str, str] | None = None, more: str | None = None
    ) -> None:
        """Lay out a distribution: a package, perhaps with a second module, and its metadata."""
        package = name.replace("-", "_")
        self.packages.add(package)
        (self.folder / package).mkdir()
        (self.folder / package / "__init__.py").write_text(module)
        if more is not None:
            (self.folder / package / "more.py").write_text(more)
        lines = [f"{key} = {value}" for key, value in (points or {"plugin": package}).items()]
        files = {
            "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            "entry_points.txt": "\n".join(["[zoo]", *lines, ""]),
        }
        self.metadata(name, files)

    def metadata(self, name: str, files: dict[str, Any]) -> None:
        """Lay out only the metadata of a distribution."""
        info = self.folder / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir(exist_ok=True)
        for file, content in files.items():
            (info / file).write_bytes(content if isinstance(content, bytes) else content.encode())
        importlib.invalidate_caches()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Where a test installs its plugins; those of this environment are switched off."""
    installed = {point.dist.name for point in importlib.metadata.entry_points(group="zoo")}
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", ",".join(installed))
    monkeypatch.syspath_prepend(tmp_path)
    site = Site(tmp_path)
    yield site
    for name in [name for name in sys.modules if name.partition(".")[0] in site.packages]:
        del sys.modules[name]
    importlib.invalidate_caches()


def active(plugins: Plugins) -> list[str]:
    return [plugin.distribution for plugin in plugins.active if plugin.name != "builtin"]


def only_problem(plugins: Plugins) -> Problem:
    [problem] = plugins.problems
    return problem


BROKEN = {
    "import error": ("import no_such_module_anywhere", "ModuleNotFoundError", "no_such_module"),
    "syntax error": ("def zoo_models(:", "SyntaxError", "invalid syntax"),
    "bad encoding": ("# coding: no-such-encoding", "SyntaxError", "encoding"),
    "raises": ("raise RuntimeError('not today')", "RuntimeError", "not today"),
    "exits": ("raise SystemExit(3)", "SystemExit", "3"),
    "exits in silence": ("import sys; sys.exit()", "SystemExit", ""),
    "exits with a message": ("import sys; sys.exit('bye')", "SystemExit", "bye"),
    "aborts": ("raise GeneratorExit", "GeneratorExit", ""),
    "cancels": ("import asyncio; raise asyncio.CancelledError", "CancelledError", ""),
    "recurses": ("def f(): f()\nf()", "RecursionError", ""),
    "is mute": (
        "class Mute(Exception):\n    def __str__(self): raise ValueError('mute')\nraise Mute",
        "Mute",
        "",
    ),
    "is many": ("raise ExceptionGroup('two', [ValueError(1), ValueError(2)])", "ExceptionGroup", ""),
    "has no hook": ("def zoo_models(): return []", "PluginValidationError", "implements no hook"),
    "is empty": ("", "PluginValidationError", "zoo_datasets, zoo_models, zoo_runtimes"),
    "asks for more": (
        "import zoo\n@zoo.hookimpl\ndef zoo_models(colour): return []",
        "PluginValidationError",
        "colour",
    ),
    "misspells its hook": (
        "import zoo\n@zoo.hookimpl\ndef zoo_modles(): return []",
        "PluginValidationError",
        "zoo_modles",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_plugin_that_fails_on_import_costs_only_itself(site: Site, case: str) -> None:
    source, kind, text = BROKEN[case]
    site.install("zoo-aaa")
    site.install("zoo-broken", source)
    site.install("zoo-zzz")

    plugins = discover()
    assert active(plugins) == ["zoo-aaa", "zoo-zzz"]
    problem = only_problem(plugins)
    assert problem.plugin == Plugin("plugin", "zoo-broken", "1.0", "zoo_broken")
    assert problem.reason.startswith("on import: ")
    assert kind in problem.reason
    assert text in problem.reason
    assert problem.reason.isprintable()
    assert kind in problem.detail


@pytest.mark.parametrize(
    "value", ["no_such_package", "zoo_fine:missing", "zoo_fine:a.b", "not a reference", "!", "os:path"]
)
def test_an_entry_point_that_leads_nowhere_costs_only_itself(site: Site, value: Any) -> None:
    site.install("zoo-fine")
    site.install("zoo-lost", points={"lost": value})
    plugins = discover()
    assert active(plugins) == ["zoo-fine"]
    assert only_problem(plugins).plugin.distribution == "zoo-lost"


HOOKS = {
    "raises": ("raise RuntimeError('not today')", "RuntimeError: not today"),
    "exits": ("raise SystemExit(3)", "SystemExit: 3"),
    "exits in silence": ("import sys; sys.exit()", "SystemExit"),
    "imports what is not there": ("import no_such_module_anywhere", "ModuleNotFoundError"),
    "is cancelled": ("import asyncio; raise asyncio.CancelledError", "CancelledError"),
    "says too much": ("raise ValueError('x' * 10_000)", "ValueError: xxx"),
    "colours": ("raise ValueError('\\x1b[31mred')", "ValueError: ?[31mred"),
}


@pytest.mark.parametrize("case", HOOKS)
def test_a_hook_that_fails_costs_only_its_plugin(site: Site, case: str) -> None:
    body, text = HOOKS[case]
    site.install("zoo-aaa")
    site.install("zoo-broken", STATEMENT["in a hook"].format(body))
    site.install("zoo-zzz")

    plugins = discover()
    called = [plugin.distribution for plugin, _ in plugins.call("zoo_models")]
    assert called == ["zoo-aaa", "zoo-zzz"]
    problem = only_problem(plugins)
    assert problem.plugin.distribution == "zoo-broken"
    assert problem.reason.startswith(f"in zoo_models: {text}")
    assert problem.reason.isprintable()
    assert len(problem.reason) < 350


def test_a_hook_is_called_only_in_the_plugins_that_have_it(site: Site) -> None:
    site.install("zoo-models")
    site.install("zoo-data", "import zoo\n@zoo.hookimpl\ndef zoo_datasets(): return [7]\n")
    plugins = discover()
    called = [(plugin.distribution, value) for plugin, value in plugins.call("zoo_datasets")]
    assert called[1:] == [("zoo-data", [7])]
    assert called[0][0] == "zoobench"


def test_a_hook_that_returns_nothing_is_told_apart_from_a_plugin_without_it(site: Site) -> None:
    site.install("zoo-empty", "import zoo\n@zoo.hookimpl\ndef zoo_models(): pass\n")
    assert [value for _, value in discover().call("zoo_models")] == [None]


OBJECTS = {
    "an object": "class P:\n    @zoo.hookimpl\n    def zoo_models(self): return [7]\nP = P()",
    "a class": "class P:\n    @staticmethod\n    @zoo.hookimpl\n    def zoo_models(): return [7]",
    "an object without a hash": (
        "import dataclasses\n@dataclasses.dataclass\nclass P:\n"
        "    @zoo.hookimpl\n    def zoo_models(self): return [7]\nP = P()"
    ),
}


@pytest.mark.parametrize("case", OBJECTS)
def test_an_entry_point_may_name_an_object_in_a_module(site: Site, case: str) -> None:
    site.install("zoo-aaa")
    site.install("zoo-object", f"import zoo\n{OBJECTS[case]}\n", points={"o": "zoo_object:P"})
    plugins = discover()
    assert [value for _, value in plugins.call("zoo_models")] == [[], [7]]
    assert plugins.problems == []


@pytest.mark.parametrize("where", ["on import", "in a hook"])
def test_an_interruption_is_passed_on(site: Site, where: str) -> None:
    site.install("zoo-slow", STATEMENT[where].format("raise KeyboardInterrupt"))
    with pytest.raises(KeyboardInterrupt):
        list(discover().call("zoo_models"))


@pytest.mark.parametrize("where", ["on import", "in a hook"])
def test_what_a_plugin_prints_goes_to_standard_error(
    site: Site, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    site.install("zoo-chatty", STATEMENT[where].format("print('chat')"))
    plugins = discover()
    assert [plugin.distribution for plugin, _ in plugins.call("zoo_models")] == ["zoo-chatty"]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "chat\n"


@pytest.mark.parametrize("name", ["zoo-heavy", "Zoo_Heavy", "zoo.heavy", "zoo--heavy", "heavy-point", "Heavy_Point"])
@pytest.mark.parametrize("how", ["argument", "environment"])
def test_a_plugin_that_is_switched_off_is_not_imported(
    site: Site, monkeypatch: pytest.MonkeyPatch, name: str, how: str
) -> None:
    site.install("zoo-heavy", points={"heavy-point": "zoo_heavy"})
    site.install("zoo-light")
    if how == "environment":
        before = os.environ["ZOO_DISABLE_PLUGINS"]
        monkeypatch.setenv("ZOO_DISABLE_PLUGINS", f"{before}, ,{name} ,")
    plugins = discover([name] if how == "argument" else [])
    assert active(plugins) == ["zoo-light"]
    assert "zoo-heavy" in [plugin.distribution for plugin in plugins.disabled]
    assert "zoo-heavy" in [plugin.distribution for plugin in plugins.found]
    assert "zoo_light" in sys.modules
    assert "zoo_heavy" not in sys.modules
    assert plugins.problems == []


def test_one_entry_point_of_two_can_be_switched_off(site: Site) -> None:
    site.install("zoo-two", points={"first": "zoo_two", "second": "zoo_two.more"}, more=GOOD)
    assert [plugin.name for plugin in discover(["first"]).active] == ["builtin", "second"]


def test_part_of_a_name_switches_nothing_off(site: Site) -> None:
    site.install("zoo-heavy")
    assert active(discover(["heavy", "zoo", "zoo-heav", ""])) == ["zoo-heavy"]


def test_what_was_to_be_switched_off_and_is_not_there_is_kept(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.install("zoo-heavy", points={"heavy-point": "zoo_heavy"})
    before = os.environ["ZOO_DISABLE_PLUGINS"]
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", f"{before},zoo-heaven")
    plugins = discover(["Heavy_Points", "heavy_point", "zoobench"])
    assert plugins.not_found == ["Heavy_Points", "zoobench", "zoo-heaven"]
    assert plugins.problems == []


def test_plugins_come_in_the_order_of_distribution_and_entry_point(site: Site) -> None:
    site.install("zoo-bbb")
    site.install("zoo-aaa", points={"z": "zoo_aaa", "a": "zoo_aaa.more"}, more=GOOD)
    found = [(p.distribution, p.name) for p in discover().active]
    assert found[1:] == [("zoo-aaa", "a"), ("zoo-aaa", "z"), ("zoo-bbb", "plugin")]


def test_a_module_that_two_entry_points_name_is_used_once(site: Site) -> None:
    site.install("zoo-twice", points={"a": "zoo_twice", "b": "zoo_twice"})
    plugins = discover()
    assert [plugin.name for plugin in plugins.active] == ["builtin", "a"]
    assert "zoo_twice is zoo-twice 1.0 (a)'s already" in only_problem(plugins).reason


def test_two_entry_points_of_one_name_cost_only_the_second(site: Site) -> None:
    site.install("zoo-same", more=GOOD)
    twice = "[zoo]\na = zoo_same\na = zoo_same.more\n"
    site.metadata("zoo-same", {"entry_points.txt": twice})
    plugins = discover()
    assert active(plugins) == ["zoo-same"]
    assert only_problem(plugins).plugin.name == "a"


RUINS = {
    "no METADATA": {"entry_points.txt": "[zoo]\nruin = zoo_ruin\n"},
    "empty METADATA": {"METADATA": "", "entry_points.txt": "[zoo]\nruin = zoo_ruin\n"},
    "no version": {
        "METADATA": "Metadata-Version: 2.1\nName: zoo-ruin\n",
        "entry_points.txt": "[zoo]\nruin = zoo_ruin\n",
    },
    "METADATA that is not text": {
        "METADATA": b"\xff\xfe\x00",
        "entry_points.txt": "[zoo]\nruin = zoo_ruin\n",
    },
    "a line that is no entry point": {
        "METADATA": "Name: zoo-ruin\nVersion: 1.0\n",
        "entry_points.txt": "[zoo]\nruin\n",
    },
    "entry points that are not text": {
        "METADATA": "Name: zoo-ruin\nVersion: 1.0\n",
        "entry_points.txt": b"[zoo]\n\xff\xfe = \x00\n",
    },
    "a folder in the place of the entry points": {"METADATA": "Name: zoo-ruin\nVersion: 1.0\n"},
}


@pytest.mark.parametrize("case", RUINS)
def test_a_distribution_in_ruins_costs_only_itself(site: Site, case: str) -> None:
    site.install("zoo-aaa")
    site.metadata("zoo-ruin", RUINS[case])
    if case.startswith("a folder"):
        (site.folder / "zoo_ruin-1.0.dist-info" / "entry_points.txt").mkdir()
    site.install("zoo-zzz")

    plugins = discover()
    assert active(plugins) == ["zoo-aaa", "zoo-zzz"]
    assert all(str(problem.plugin) for problem in plugins.problems)


def test_no_escape_code_of_a_distribution_reaches_the_screen(site: Site) -> None:
    site.install("zoo-aaa")
    files = {
        "METADATA": "Name: zoo-\x1b[31mred\nVersion: 1.0\x1b[0m\n",
        "entry_points.txt": "[zoo]\n\x1b[31mred = zoo_red\x1b[0m\n",
    }
    site.metadata("zoo-red", files)
    plugins = discover()
    assert active(plugins) == ["zoo-aaa"]
    problem = only_problem(plugins)
    assert str(problem.plugin).isprintable()
    assert problem.plugin.reference.isprintable()
    assert problem.reason.isprintable()


def test_without_any_distribution_there_is_the_builtin_plugin(site: Site) -> None:
    plugins = discover((), [])
    assert [plugin.distribution for plugin in plugins.active] == ["zoobench"]
    assert [plugin.distribution for plugin, _ in plugins.call("zoo_datasets")] == ["zoobench"]
    assert list(plugins.call("zoo_models")) == []


@pytest.mark.parametrize(
    ("name", "distribution", "text"),
    [
        ("toy-resnet", "zoo-toy-resnet", "zoo-toy-resnet 1.0"),
        ("toy_resnet", "zoo-toy-resnet", "zoo-toy-resnet 1.0"),
        ("toy-resnet", "zoo_toy_resnet", "zoo_toy_resnet 1.0"),
        ("other", "zoo-toy-resnet", "zoo-toy-resnet 1.0 (other)"),
    ],
)
def test_a_plugin_names_its_entry_point_where_that_says_more(name: str, distribution: str, text: str) -> None:
    assert str(Plugin(name, distribution, "1.0", "zoo_toy_resnet")) == text


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("one\ntwo"), "ValueError: one"),
        (ValueError(), "ValueError"),
        (ValueError("  \n"), "ValueError"),
        (KeyError("a"), "KeyError: 'a'"),
        (ValueError("\x1b[31mred\x07"), "ValueError: ?[31mred?"),
        (
            ValueError("Exception encountered when calling A.call().\n\n\x1b[1mno such axis\x1b[0m\n\nArguments: x"),
            "ValueError: Exception encountered when calling A.call(). no such axis",
        ),
        (
            OSError("Graph execution error:\n\nDetected at node A\n  File\nTypeError: no axis\nTraceback\n [[A]]"),
            "OSError: Graph execution error: TypeError: no axis",
        ),
        (ValueError("Graph execution error:"), "ValueError: Graph execution error:"),
    ],
)
def test_an_exception_is_described_in_one_printable_line(error: BaseException, text: str) -> None:
    assert describe(error) == text


def test_a_long_description_is_cut() -> None:
    text = describe(ValueError("x" * 10_000))
    assert len(text) == 300
    assert text.endswith("x…")
