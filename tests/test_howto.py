"""What the how-to pages tell authors of plugins: their code is real code, and their commands are commands."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
from support import Zoo

from zoo.cli import group
from zoo.installed import Plugin
from zoo.plugins.reader import read

ROOT = Path(__file__).resolve().parent.parent
NAMES = (
    "bring-a-model",
    "bring-a-dataset",
    "bring-a-runtime",
    "extend-more",
    "ship-weights",
    "import-weights",
    "publish",
    "promise",
    "gate",
)
PAGES = {name: (ROOT / "docs" / f"{name}.md").read_text() for name in NAMES}
QUOTED = str(ROOT / "plugins" / "zoo-toy-resnet")  # ship-weights has a part of it
TREES = ("zoo-acme", "zoo-stripes", "zoo-graph", "zoo-extras", QUOTED)
BLOCK = re.compile(r"^```(?:python|toml)\n# (?P<path>\S+)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"(?:^ +|^\$ |`)(?:[\w./]+/bin/)?(zoo [a-z][^`\n]*)", re.MULTILINE)


def _blocks(*pages: str) -> list[tuple[str, str]]:
    found = [(match["path"], match["code"]) for page in pages for match in BLOCK.finditer(page)]
    assert len(found) == sum(len(re.findall(r"^```(?:python|toml)$", page, re.MULTILINE)) for page in pages)
    return found


def test_code_that_is_quoted_stands_in_the_file_that_is_named() -> None:
    quoted = [(path, code) for path, code in _blocks(*PAGES.values()) if path.startswith("plugins/")]
    assert len(quoted) >= 3
    for path, code in quoted:
        assert code in (ROOT / path).read_text(), path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The other files of the pages, as an editable installation leaves them: on the path, with their metadata."""
    folder = tmp_path_factory.mktemp("howto")
    for path, code in _blocks(*PAGES.values()):
        if not path.startswith("plugins/"):
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(code)
    subprocess.run([sys.executable, "make_arrays.py"], cwd=folder / "zoo-stripes", check=True)
    project = tomllib.loads((folder / "zoo-acme" / "pyproject.toml").read_text())["project"]
    info = folder / "zoo-acme" / f"zoo_acme-{project['version']}.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(metadata)
    points = project["entry-points"]["zoo"].items()
    (info / "entry_points.txt").write_text("\n".join(["[zoo]", *(f"{name} = {module}" for name, module in points), ""]))
    return folder


def test_the_model_is_listed(site: Path, zoo: Zoo) -> None:
    done = zoo("list", "acme_net", "--json", PYTHONPATH=_path(site))
    assert done.returncode == 0, done.stderr
    (model,) = json.loads(done.stdout)
    assert (model["plugin"], model["plugin_version"], model["licence"]) == ("zoo-acme", "1.0", "MIT")


@pytest.mark.real
def test_the_model_is_built_with_the_parameters_that_it_declares(site: Path, zoo: Zoo) -> None:
    done = zoo("show", "acme_net", "--json", PYTHONPATH=_path(site), KERAS_BACKEND="jax")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["parameters"] == 1_226
    assert shown["macs"] == 30 * 30 * 32 * 27 + 32 * 10


def test_the_pages_have_these_distributions(site: Path) -> None:
    written = {file.parent.name for file in site.glob("*/pyproject.toml")}
    assert written == set(TREES) - {QUOTED}


@pytest.mark.parametrize(
    ("files", "most"),
    [
        (["zoo-acme/zoo_acme/__init__.py"], 25),
        (["zoo-stripes/zoo_stripes/__init__.py"], 20),
        (["zoo-graph/zoo_graph/__init__.py", "zoo-graph/zoo_graph/runtime.py"], 40),
    ],
    ids=["a model, beside its network", "a dataset of two arrays", "a runtime"],
)
def test_a_whole_plugin_is_this_short(files: list[str], most: int) -> None:
    code = dict(_blocks(*PAGES.values()))
    tree = files[0].partition("/")[0]
    package = {path for path in code if path.startswith(f"{tree}/zoo_")}
    assert package - {"zoo-acme/zoo_acme/model.py"} == set(files)
    assert len([line for path in files for line in code[path].splitlines() if line.strip()]) <= most


@pytest.mark.real
@pytest.mark.parametrize("tree", TREES, ids=lambda tree: Path(tree).name)
def test_what_a_page_says_typed_as_it_stands_passes_every_check(site: Path, zoo: Zoo, tree: str) -> None:
    done = zoo("plugin", "check", str(site / tree), "--backend", "torch", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["findings"]) == (0, []), done.stdout
    assert report["distribution"] == Path(tree).name
    assert not [one for one in report["not_checked"] if one["kind"] not in ("backend", "executor")]


def test_the_executor_hands_each_task_to_another_machine_and_reports_it(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nread text\n[ "$text" = bad ] && { echo "zoo: no" >&2; exit 3; }\necho "$@: $text"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("ZOO_EXTRAS_HOST", "far")
    told: list[tuple[str, str, str]] = []
    run = runpy.run_path(str(site / "zoo-extras" / "zoo_extras" / "ssh.py"))["run"]
    run({"0": "good\n", "1": "bad\n"}, lambda *what: told.append(what))
    assert told == [
        ("0", "begun", "on far"),
        ("0", "finished", "far python -m zoo.benchmarking.tasks: good\n"),
        ("1", "begun", "on far"),
        ("1", "failed", "zoo: no\n"),
    ]


def test_weights_for_somebody_elses_model_are_declared(site: Path) -> None:
    point = Plugin("garden", "zoo-garden", "1.0", "zoo_garden")
    (record,) = read([point], path=[str(site / "zoo-garden"), *sys.path])
    assert [(spec.model, spec.dataset) for spec in record.weights] == [("toy_resnet", "shapes")]
    assert record.findings == ()


def test_the_authors_test_file_is_one(site: Path) -> None:
    file = site / "plugin-tests" / "test_conformance.py"
    done = subprocess.run([sys.executable, file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _path(site: Path) -> str:
    return os.pathsep.join([str(site / "zoo-acme"), os.environ.get("PYTHONPATH", "")])


@pytest.mark.parametrize("page", NAMES)
def test_commands_and_their_options_are_there(page: str) -> None:
    commands = COMMAND.findall(PAGES[page].replace("\\\n", ""))
    assert commands
    for line in commands:
        words = shlex.split(line)[1:]
        command: click.Command = group
        context = click.Context(group, **group.context_settings)
        while isinstance(command, click.Group) and words and words[0] in command.list_commands(context):
            found = command.get_command(context, words.pop(0))
            assert found is not None
            command = found
        assert command is not group, line
        if words:  # parsed, and no more: whether a model of that name is there is asked later
            command.make_context(command.name, words, parent=context)
