"""`zoo list` and `zoo show`, as a user runs them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from support import Zoo

MODELS = {
    "resnet8", "resnet20", "resnet32", "resnet44", "resnet56", "resnet110",
    "plain20", "plain56", "plain_cnn", "toy_resnet",
}  # fmt: skip


def test_list_names_every_model_with_its_plugin(in_process: Zoo) -> None:
    done = in_process("list", "--json")
    assert done.returncode == 0
    models = {model["name"]: model for model in json.loads(done.stdout)}
    assert set(models) >= MODELS
    toy = models["toy_resnet"]
    assert toy["plugin"] == "zoo-toy-resnet"
    assert toy["plugin_version"] == "0.1.0"
    assert toy["input_shape"] == [32, 32, 3]
    assert toy["classes"] == 10
    assert toy["parameters"] == 223_242
    assert toy["weights"] == ["digits", "cifar10"]


def test_list_prints_a_table_in_any_of_tabulates_formats(in_process: Zoo) -> None:
    assert "| toy_resnet" in in_process("list", "toy*", "--format", "github").stdout
    assert in_process("list", "toy*", "--format", "tsv").stdout.count("\t") == 10
    refused = in_process("list", "--format", "nonsense")
    assert refused.returncode == 2
    assert "'nonsense' is not one of" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["list", "toy_resnt"], "unknown model 'toy_resnt'; did you mean 'toy_resnet'?"),
        (["list", "nothing*"], "no model matches 'nothing*'; 'zoo list' names them all"),
        (["show", "../../etc/passwd"], "unknown model '../../etc/passwd'"),
        (["show", "\x1b[31mred"], "unknown model '?[31mred'"),
        (["lst"], "no command 'lst'; did you mean 'list'?"),
        (["show"], "Missing argument 'NAME'."),
        (["list", "--wrong"], "No such option"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(in_process: Zoo, arguments: list[str], line: str) -> None:
    done = in_process(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert line in done.stderr
    assert done.stderr.startswith("zoo: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["--no-plugin", "zoo-toy-resnet"], {}),
        (["--no-plugin", "toy-resnet", "--no-plugin", "Zoo.Toy-ResNet"], {}),
        ([], {"ZOO_DISABLE_PLUGINS": "zoo_toy_resnet"}),
        ([], {"ZOO_DISABLE_PLUGINS": ", toy-resnet"}),
    ],
)
def test_plugins_can_be_switched_off(in_process: Zoo, arguments: list[str], variables: dict[str, str]) -> None:
    done = in_process(*arguments, "list", "--json", **variables)
    names = {model["name"] for model in json.loads(done.stdout)}
    assert "toy_resnet" not in names
    assert names >= MODELS - {"toy_resnet"}
    assert done.stderr == ""


@pytest.mark.parametrize("command", [["list", "--json"], ["doctor", "--quick", "--json"]])
@pytest.mark.parametrize(
    ("arguments", "variables", "line"),
    [
        (["--no-plugin", "toy_resnt"], {}, "unknown plugin 'toy_resnt'; did you mean 'toy-resnet'?"),
        (
            ["--no-plugin", "zoo-cifar-resnets"],
            {},
            "unknown plugin 'zoo-cifar-resnets'; did you mean 'zoo-cifar-resnet'?",
        ),
        ([], {"ZOO_DISABLE_PLUGINS": "\x1b[31m"}, "unknown plugin '?[31m'; 'zoo plugins' shows what there is"),
        ([], {"ZOO_DISABLE_PLUGINS": "builtin"}, "unknown plugin 'builtin'; 'zoo plugins' shows what there is"),
    ],
)
def test_a_plugin_to_switch_off_that_is_not_there_is_mentioned(
    in_process: Zoo, command: list[str], arguments: list[str], variables: dict[str, str], line: str
) -> None:
    done = in_process(*arguments, *command, **variables)
    assert done.returncode == 0
    assert done.stderr == f"zoo: nothing to switch off: {line}\n"
    assert "toy_resnet" in done.stdout or "zoo-toy-resnet" in done.stdout


@pytest.mark.real
def test_show_prints_the_table_and_draws_the_diagram(zoo: Zoo, tmp_path: Path) -> None:
    picture = tmp_path / "toy.svg"
    done = zoo("show", "toy_resnet", "--diagram", str(picture))
    assert done.returncode == 0, done.stderr
    assert "conv2d_1                  Conv2D                  28×28×64        18,496  14,450,688" in done.stdout
    assert "57,995,008 = 2 × MACs" in done.stdout
    assert "2 Add" in done.stdout
    assert ET.parse(picture).getroot().tag.endswith("svg")


@pytest.mark.real
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_show_works_on_every_keras_backend(zoo: Zoo, backend: str) -> None:
    done = zoo("show", "toy_resnet", "--json", KERAS_BACKEND=backend)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["keras_backend"] == backend
    assert shown["parameters"] == shown["trainable_parameters"] == 223_242
    assert shown["macs"] == 28_997_504
    assert shown["flops"] == 2 * shown["macs"]
    assert {"name", "type", "output_shape", "parameters", "macs"} <= set(shown["layers"][0])
    assert [layer["name"] for layer in shown["layers"]][:3] == ["img", "conv2d", "conv2d_1"]
    assert shown["weights"][0]["provenance"]["score"]["value"] >= 0.98


@pytest.mark.real
def test_a_diagram_that_cannot_be_written_is_one_line(zoo: Zoo) -> None:
    done = zoo("show", "toy_resnet", "--diagram", "/proc/nowhere/toy.svg", KERAS_BACKEND="jax")
    assert done.returncode == 2
    assert done.stderr.startswith("zoo: can't write")
    assert done.stderr.count("\n") == 1


def test_doctor_names_the_plugins(in_process: Zoo) -> None:
    done = in_process("doctor", "--quick")
    assert done.returncode == 0
    assert "zoo-toy-resnet 0.1.0: models toy_resnet" in done.stdout
    assert "no problems" in done.stdout


def test_the_plain_table_is_tabulates_simple_format() -> None:
    from tabulate import tabulate

    from zoo.listing import simple_table

    headers = ["model", "parameters", "summary"]
    rows = [["a", "1,000", "×"], ["a_longer_name", "7", ""]]
    expected = tabulate(rows, headers, tablefmt="simple", disable_numparse=True, colalign=("left", "right", "left"))
    lines = [line.rstrip() for line in expected.splitlines()]
    assert simple_table(headers, rows, right="parameters").splitlines() == lines
