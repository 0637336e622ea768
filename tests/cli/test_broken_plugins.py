"""Broken plugins beside the zoo's own: each costs only itself, is mentioned in a line, and explained by the doctor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import Zoo

SPEC = "zoo.ModelSpec(name={name!r}, summary='x', build='a.b:c', input_shape=(8, 8, 1), classes=2, parameters=1)"
HOOK = "import zoo\n@zoo.hookimpl\ndef zoo_models():\n    "
DATASET = (
    "zoo.DatasetSpec(name='digits', summary='x', builder='a.b:C', version='1.0.0', classes=2, image_shape=(8, 8, 1), "
    "splits={'train': 1, 'test': 1})"
)
RUNTIME = "zoo.RuntimeSpec(name='tensorflow', summary='x', runtime='a.b:C', keras_backend='jax')"
NOISY = """
import ctypes
import os
import subprocess
import sys


def make_noise(where):
    print(f"noise of print {where}")
    sys.__stdout__.write(f"noise of Python {where}\\n")
    os.write(1, f"noise of the system {where}\\n".encode())
    ctypes.CDLL(None).printf(f"noise of C {where}\\n".encode())
    subprocess.run(["echo", "noise of a child", where])


make_noise("on import")
"""

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
    "prints": (NOISY + HOOK + "make_noise('in a hook')\n    return [" + SPEC.format(name="printer") + "]", None),
    "takes-digits": (
        HOOK.replace("models", "datasets") + f"return [{DATASET}]",
        "reserved: the dataset 'digits' is the zoo's own; this plugin's is not used",
    ),
    "takes-tensorflow": (
        HOOK.replace("models", "runtimes") + f"return [{RUNTIME}]",
        "reserved: the runtime 'tensorflow' is the zoo's own; this plugin's is not used",
    ),
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
    done = zoo("doctor", "--quick", "--json", PYTHONPATH=str(broken))
    assert done.returncode == 0
    problems = {p["distribution"]: p for p in json.loads(done.stdout)["problems"]}
    problem = problems[f"broken-{name}"]
    assert problem["version"] == "0.3"
    assert BROKEN[name][1] in problem["reason"]


def test_a_duplicate_is_reported_for_both(zoo: Zoo, broken: Path) -> None:
    problems = json.loads(zoo("doctor", "--quick", "--json", PYTHONPATH=str(broken)).stdout)["problems"]
    (own,) = [p for p in problems if p["distribution"] == "zoo-plain-cnn"]
    assert "declared by broken-duplicate 0.3 and zoo-plain-cnn 0.1.0; none is used" in own["reason"]


@pytest.mark.parametrize("where", ["on import", "in a hook"])
@pytest.mark.parametrize("how", ["print", "Python", "the system", "C", "a child"])
def test_whatever_a_plugin_writes_goes_to_standard_error(noisy: tuple[str, str], how: str, where: str) -> None:
    out, err = noisy
    assert isinstance(json.loads(out), list)
    assert f"noise of {how} {where}\n" in err


@pytest.fixture(scope="module")
def noisy(zoo: Zoo, broken: Path) -> tuple[str, str]:
    """What a list as JSON says on standard output, and on standard error."""
    done = zoo("list", "--json", PYTHONPATH=str(broken))
    return done.stdout, done.stderr


def test_the_core_keeps_its_names(zoo: Zoo, broken: Path) -> None:
    done = zoo("doctor", "--quick", PYTHONPATH=str(broken), ZOO_DISABLE_PLUGINS="broken-prints")
    assert "zoobench 0.1.0 (builtin): datasets digits; runtimes tensorflow, tensorflow-xla, jax, " in done.stdout
    assert "digits: 1,797 handwritten digits" in done.stdout


def test_a_name_of_the_core_that_a_plugin_takes_is_mentioned(zoo: Zoo, broken: Path) -> None:
    others = ",".join(f"broken-{name}" for name in BROKEN if not name.startswith("takes-"))
    done = zoo("list", "--json", PYTHONPATH=str(broken), ZOO_DISABLE_PLUGINS=others)
    assert done.stderr == (
        f"zoo: plugin broken-takes-digits 0.3: {BROKEN['takes-digits'][1]}; see 'zoo doctor'\n"
        f"zoo: plugin broken-takes-tensorflow 0.3: {BROKEN['takes-tensorflow'][1]}; see 'zoo doctor'\n"
    )


def test_nothing_a_plugin_says_reaches_the_terminal_unescaped(zoo: Zoo, broken: Path) -> None:
    for arguments in (["doctor", "--quick"], ["list"], ["doctor", "--quick", "--json"]):
        done = zoo(*arguments, PYTHONPATH=str(broken))
        assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.real
def test_toy_resnet_is_measured_beside_all_of_them(zoo: Zoo, broken: Path) -> None:
    done = zoo("bench", "toy_resnet", "--max-time", "1", "--batch-size", "1", "--json", PYTHONPATH=str(broken))
    assert done.returncode == 0
    assert json.loads(done.stdout)[0]["outcome"] == "ok"


@pytest.mark.real
def test_a_model_that_cannot_be_built_costs_only_itself(zoo: Zoo, broken: Path) -> None:
    done = zoo(
        "bench", "printer", "toy_resnet", "--max-time", "1", "--batch-size", "1", "--json", PYTHONPATH=str(broken)
    )
    assert done.returncode == 3
    printer, toy = json.loads(done.stdout)
    assert printer["outcome"] == "error"
    assert "can't import a.b:c" in printer["failure"]["message"]
    assert toy["outcome"] == "ok"
