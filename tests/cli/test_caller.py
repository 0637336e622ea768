"""The process that the user starts runs no code of a plugin, whatever the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from distributions import Site
from support import make_result

from zoo.cli import COMMANDS, group
from zoo.results.store import Store

# What is declared is all in a package that ends whoever imports it.
DECLARES = """
import zoo

@zoo.hookimpl
def zoo_models():
    weights = zoo.WeightsSpec(dataset="deadly-data", file="deadly.weights:w.safetensors", sha256="0" * 64)
    recipe = zoo.Recipe(dataset="*", epochs=1, loss="deadly.loss:f", augmentation="deadly.loss:g")
    remote = zoo.RemoteFile(url="http://127.0.0.1:9/w.h5")  # where nobody answers
    fetch = zoo.FetchSpec(dataset="deadly-data", file=remote)
    return [
        zoo.ModelSpec(
            name="deadly-model", summary="s", build="deadly.model:build", input_shape=(8, 8, 1), classes=10,
            parameters=1, weights=(weights,), fetch=(fetch,), recipes=(recipe,),
        )
    ]

@zoo.hookimpl
def zoo_datasets():
    return [
        zoo.DatasetSpec(
            name="deadly-data", summary="s", builder="deadly.data:Data", version="1.0.0", classes=10,
            image_shape=(8, 8, 1), splits={"train": 1, "test": 1},
        ),
        zoo.DatasetSpec(
            name="deadly-arrays", summary="s", arrays="deadly.arrays:load", classes=10, image_shape=(8, 8, 1),
            splits={"train": 1, "test": 1},
        ),
    ]

@zoo.hookimpl
def zoo_runtimes():
    return [
        zoo.RuntimeSpec(
            name="deadly-runtime", summary="s", runtime="deadly.runtime:R", keras_backend="jax", exports=True
        )
    ]

@zoo.hookimpl
def zoo_recipes():
    return [zoo.Recipe(model="*", dataset="deadly-data", name="deadly", epochs=1)]

@zoo.hookimpl
def zoo_weights():
    return [zoo.WeightsSpec(model="toy_resnet", dataset="deadly-data", file="deadly:w.safetensors", sha256="0" * 64)]

@zoo.hookimpl
def zoo_exporters():
    return [zoo.ExporterSpec(name="deadly-format", summary="s", write="deadly.format:write", suffix=".txt")]

@zoo.hookimpl
def zoo_executors():
    return [zoo.ExecutorSpec(name="deadly-executor", summary="s", run="deadly.executor:run")]

@zoo.hookimpl
def zoo_result_recorded(result):
    import deadly
"""
DEADLY = "import os\nopen(os.environ['IMPORTED'], 'a').write(__name__ + ' ')\nos._exit(7)\n"
# As the workers' Keras and PyTorch: they spare this test the seconds that the real ones take.
KERAS = "import deadly\n"
TORCH = "raise ImportError('there is none')\n"

LISTENS = """
import contextlib, json, os, sys
site, commands = sys.argv[1], json.loads(sys.argv[2])
ran = []
def hear(event, arguments):
    if event == "exec":
        file = getattr(arguments[0], "co_filename", "")
        if file.startswith(site):
            ran.append(file)
sys.addaudithook(hear)
from zoo.cli import main
codes = []
for command in commands:
    with open(os.devnull, "w") as null, contextlib.redirect_stdout(null):
        try:
            main(command)
        except SystemExit as end:
            codes.append(end.code)
print(json.dumps([ran, codes]))
"""

MODEL, DATA, ARRAYS = "deadly-model", "deadly-data", "deadly-arrays"
A, B = (make_result(number, model=MODEL, dataset=DATA) for number in range(2))
QUICKLY = ("--max-time", "1", "--processes", "1", "--batch-size", "1")
# Each command, with names of the plugin's where it takes some.
USED: dict[tuple[str, ...], list[str]] = {
    ("list",): [],
    ("show",): [MODEL],
    ("bench",): [MODEL, "--dataset", DATA, "--runtime", "deadly-runtime", *QUICKLY],
    ("recommend",): [MODEL, "--dataset", ARRAYS],
    ("compare",): [A.id, B.id],
    ("calibrate",): [MODEL, "--pairs", "2", "--batch-size", "1"],
    ("reproduce",): [A.id, "--across-environments"],
    ("peak",): ["--seconds", "1"],
    ("train",): [MODEL, "--dataset", ARRAYS],
    ("export",): [MODEL, "--dataset", DATA, "--runtime", "deadly-runtime", "-o", "exported"],
    ("predict",): [MODEL, __file__, "--dataset", DATA],
    ("runtimes",): [],
    ("doctor",): ["--quick"],
    ("completion",): ["bash"],
    ("results", "list"): ["--model", MODEL],
    ("results", "show"): [A.id],
    ("results", "scores"): [A.id],
    ("results", "export"): ["--format", "jsonl", "-o", "results.jsonl"],
    ("results", "import"): ["results.jsonl"],
    ("results", "rm"): ["--model", MODEL, "--all", "--yes"],
    ("data", "list"): [],
    ("data", "fetch"): [DATA],
    ("data", "verify"): [ARRAYS],
    ("data", "show"): [ARRAYS, "--images", "sheet.png"],
    ("weights", "list"): [],
    ("weights", "verify"): [MODEL],
    ("weights", "fetch"): [MODEL],
    ("weights", "import"): [__file__, MODEL, "--dataset", DATA],
    ("weights", "map"): [__file__, MODEL, "-o", "map.json"],
    ("weights", "export"): [MODEL, "-o", "exported.safetensors"],
    ("study", "residual"): ["--dataset", DATA, "-o", "study"],
    ("plugins", "list"): ["--refresh"],
    ("plugins", "install"): ["--no-index", "no-such-distribution"],
    ("plugins", "uninstall"): ["--yes", "no-such-distribution"],
    ("plugin", "new"): ["my_model"],
    ("plugin", "check"): ["zoo-deadly"],
}
# What plugins bring for commands that are used above without it.
MORE = (
    ["results", "export", "--format", "deadly-format"],
    ["bench", MODEL, "--dataset", DATA, "--runtime", "deadly-runtime", "--on", "deadly-executor", *QUICKLY],
)


def commands() -> Iterator[tuple[str, ...]]:
    """All there are."""
    context = click.Context(group)
    for name in COMMANDS:
        command = group.get_command(context, name)
        subcommands = command.commands if isinstance(command, click.Group) else {"": None}
        yield from ((name, child) if child else (name,) for child in subcommands)


def test_every_command_is_tried() -> None:
    assert set(USED) == set(commands())


@pytest.fixture
def deadly(tmp_path: Path) -> Site:
    """Where the plugin is installed, with two Results of its model in a store beside it."""
    site = Site(tmp_path / "site")
    site.folder.mkdir()
    site.install("zoo-deadly", DECLARES)
    for name, source in (("deadly", DEADLY), ("deadly/weights", DEADLY), ("keras", KERAS), ("torch", TORCH)):
        (site.folder / name).mkdir()
        (site.folder / name / "__init__.py").write_text(source)
    for name in ("model", "data", "arrays", "loss", "runtime", "format", "executor"):
        (site.folder / "deadly" / f"{name}.py").write_text(DEADLY)
    (site.folder / "deadly" / "weights" / "w.safetensors").write_bytes(b"no weights")
    for result in (A, B):
        Store(tmp_path / "store").add(result)
    return site


def run_all(site: Site, *options: str) -> dict[tuple[str, ...], int]:
    """The exit code of every command, all run in one process, which has run nothing of the plugin's."""
    folder = site.folder.parent
    lines = [[*options, *name, *rest] for name, rest in USED.items()]
    lines += [[*options, *line] for line in MORE]
    done = subprocess.run(
        [sys.executable, "-c", LISTENS, str(site.folder), json.dumps(lines)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(site.folder), os.environ.get("PYTHONPATH", "")]),
            "ZOO_HOME": str(folder / "home"),
            "ZOO_STORE": str(folder / "store"),
            "IMPORTED": str(folder / "imported"),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "a fault in zoo itself" not in done.stderr
    ran, codes = json.loads(done.stdout.splitlines()[-1])
    assert ran == []
    return dict(zip([*USED, *map(tuple, MORE)], codes, strict=True))


@pytest.mark.real
def test_no_command_runs_a_plugins_code_in_its_own_process(deadly: Site) -> None:
    codes = run_all(deadly)
    # Workers did run it: what would be heard here is there to be heard.
    assert (deadly.folder.parent / "imported").read_text().split().count("deadly") > 10
    assert codes["list",] == codes["weights", "list"] == 0
    assert [codes[tuple(line)] for line in MORE] == [3, 3]


@pytest.mark.real
def test_a_plugin_that_is_switched_off_is_read_by_no_command(deadly: Site) -> None:
    with (deadly.folder / "zoo_deadly" / "__init__.py").open("a") as module:
        module.write(DEADLY)
    codes = run_all(deadly, "--no-plugin", "zoo-deadly")
    assert not (deadly.folder.parent / "imported").exists()
    assert codes["list",] == 0
    assert codes["plugin", "check"] == codes["show",] == codes["weights", "export"] == 2
    assert [codes[tuple(line)] for line in MORE] == [2, 2]
