"""Models of all kinds that people have: each works with every runtime and is trained, or is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kinds import REFUSED, UNTRAINED, WORK, zoo_models
from support import Zoo, install, printed, with_path

from zoo import registry
from zoo.authoring.check import models
from zoo.runtimes.availability import why_not_so

pytestmark = pytest.mark.real

HERE = Path(__file__).parent
RUNTIMES = {
    "tensorflow": ("float32",),
    "tensorflow-xla": ("float32",),
    "keras-predict": ("float32",),
    "jax": ("float32",),
    "torch": ("float32",),
    "onnxruntime": ("float32", "int8"),
    "openvino": ("float32", "int8"),
    "litert": ("float32", "int8"),
}


def _each(what: str, name: str, precision: str, backend: str) -> dict[str, Any]:
    """What came of each model, in one process."""
    arguments = (HERE / "kinds_script.py", what, name, precision, json.dumps([*WORK, *REFUSED]))
    return printed(backend, *arguments, **with_path({"PYTHONPATH": str(HERE.parent)}))


def test_parameters_and_macs_are_those_counted_by_hand() -> None:
    found = _each("count", "", "", "torch")
    assert found == {**{name: list(expected) for name, expected in WORK.items()}, **REFUSED}


@pytest.mark.parametrize(("name", "precision"), [(name, p) for name, every in RUNTIMES.items() for p in every])
def test_every_kind_works_with_every_runtime_or_is_refused(name: str, precision: str) -> None:
    spec = registry.load().runtimes[name].spec
    if (why := why_not_so(spec, "cpu", precision)) is not None:
        pytest.skip(why)
    assert _each("run", name, precision, spec.keras_backend) == {**dict.fromkeys(WORK), **REFUSED}


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_every_kind_is_trained_or_refused(backend: str) -> None:
    assert _each("train", backend, "float32", backend) == {**dict.fromkeys(WORK), **REFUSED, **UNTRAINED}


def test_the_check_refuses_what_the_commands_refuse_and_in_the_same_words() -> None:
    path = with_path({"PYTHONPATH": str(HERE.parent)})
    found = models.check(zoo_models(), [], {}, ["torch"], path, lambda _: None)
    assert {finding.where.split()[-1]: finding.message for finding in found} == {**REFUSED, **UNTRAINED}


@pytest.mark.parametrize("command", ["show", "bench", "train"])
def test_a_command_refuses_in_one_line(zoo: Zoo, tmp_path: Path, command: str) -> None:
    installed = str(install(tmp_path, HERE.parent / "kinds.py"))
    options = ("--batch-size", "1", "--max-time", "1") if command == "bench" else ()
    done = zoo(command, "two_inputs", *options, PYTHONPATH=installed)
    assert done.returncode == 3
    assert REFUSED["two_inputs"] in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stdout + done.stderr
