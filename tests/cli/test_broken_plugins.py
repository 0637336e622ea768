"""Broken plugins beside the zoo's own: each costs only itself, is mentioned in a line, and explained by the doctor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import Zoo

SPEC = "zoo.ModelSpec(name={name!r}, summary='x', build='a.b:c', input_shape=(8, 8, 1), classes=2, parameters=1)"
HOOK = "import zoo\n@zoo.hookimpl\ndef zoo_models():\n    "

BROKEN = {
    "import-error": ("import no_such_module", "on import: ModuleNotFoundError: No module named 'no_such_module'"),
    "syntax-error": ("def", "on import: SyntaxError"),
    "exits": ("raise SystemExit(0)", "on import: SystemExit: 0"),
    "exits-in-hook": (HOOK + "raise SystemExit(3)", "in zoo_models: SystemExit: 3"),
    "raises-in-hook": (HOOK + "1 / 0", "in zoo_models: ZeroDivisionError: division by zero"),
    "returns-none": (HOOK + "return None", "must return a list of ModelSpec, not NoneType"),
    "returns-names": (HOOK + "return ['x']", "must return a list of ModelSpec, not of str"),
    "bad-name": (HOOK + "return [" + SPEC.format(name="../../x") + "]", "name '../../x' must have the form"),
    "escape-codes": (HOOK + "return [" + SPEC.format(name="\x1b[31m") + "]", "name '\\x1b[31m' must have"),
    "duplicate": (HOOK + "return [" + SPEC.format(name="plain_cnn") + "]", "'plain_cnn' is declared by"),
    "no-hook": ("x = 1", "implements no hook"),
    "prints": ("print('noise')\n" + HOOK + "return [" + SPEC.format(name="printer") + "]", None),
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH with all of them installed."""
    folder = tmp_path_factory.mktemp("broken")
    for name, (source, _) in BROKEN.items():
        module = f"broken_{name.replace('-', '_')}"
        (folder / f"{module}.py").write_text(source)
        info = folder / f"{module}-0.3.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: broken-{name}\nVersion: 0.3\n")
        (info / "entry_points.txt").write_text(f"[zoo]\n{name} = {module}\n")
    return folder


def test_the_rest_of_the_zoo_goes_on(zoo: Zoo, broken: Path) -> None:
    done = zoo("list", "--json", PYTHONPATH=str(broken))
    assert done.returncode == 0
    names = {model["name"] for model in json.loads(done.stdout)}
    assert {"toy_resnet", "resnet20", "printer"} <= names
    assert "plain_cnn" not in names  # two claim it: neither is used
    lines = [line for line in done.stderr.splitlines() if line.startswith("zoo: ")]
    assert len(lines) == 6
    assert lines[-1].endswith("more problems with plugins; see 'zoo doctor'")


@pytest.mark.parametrize("name", [name for name, (_, reason) in BROKEN.items() if reason])
def test_the_doctor_says_which_and_why(zoo: Zoo, broken: Path, name: str) -> None:
    done = zoo("doctor", "--json", PYTHONPATH=str(broken))
    assert done.returncode == 0
    problems = {p["distribution"]: p for p in json.loads(done.stdout)["problems"]}
    problem = problems[f"broken-{name}"]
    assert problem["version"] == "0.3"
    assert BROKEN[name][1] in problem["reason"]


def test_a_duplicate_is_reported_for_both(zoo: Zoo, broken: Path) -> None:
    problems = json.loads(zoo("doctor", "--json", PYTHONPATH=str(broken)).stdout)["problems"]
    (own,) = [p for p in problems if p["distribution"] == "zoo-plain-cnn"]
    assert "declared by broken-duplicate 0.3 and zoo-plain-cnn 0.1.0; none is used" in own["reason"]


def test_nothing_a_plugin_says_reaches_the_terminal_unescaped(zoo: Zoo, broken: Path) -> None:
    for arguments in (["doctor"], ["list"], ["doctor", "--json"]):
        done = zoo(*arguments, PYTHONPATH=str(broken))
        assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.real
def test_toy_resnet_is_measured_beside_all_of_them(zoo: Zoo, broken: Path) -> None:
    done = zoo("bench", "toy_resnet", "--batch-size", "1", "--json", PYTHONPATH=str(broken))
    assert done.returncode == 0
    assert json.loads(done.stdout)[0]["outcome"] == "ok"


@pytest.mark.real
def test_a_model_that_cannot_be_built_costs_only_itself(zoo: Zoo, broken: Path) -> None:
    done = zoo("bench", "printer", "toy_resnet", "--batch-size", "1", "--json", PYTHONPATH=str(broken))
    assert done.returncode == 3
    printer, toy = json.loads(done.stdout)
    assert printer["outcome"] == "error"
    assert "can't import a.b:c" in printer["failure"]["message"]
    assert toy["outcome"] == "ok"
