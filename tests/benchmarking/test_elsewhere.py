"""A side in another environment: who can be asked, what it answers, and what becomes of versions that differ."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from support import make_result

from zoo.benchmarking import computing, elsewhere
from zoo.benchmarking import plan as planning
from zoo.benchmarking.elsewhere import PROTOCOL, answer, check_interpreter, plan_elsewhere, understood
from zoo.benchmarking.plan import Options
from zoo.benchmarking.timing import Policy
from zoo.data.catalog import Dataset
from zoo.errors import UsageError
from zoo.executors.local import Completed, Failure, Task
from zoo.executors.supervisor import foreign_environment
from zoo.installed import CORE, Plugin
from zoo.registry import Entry, Registry
from zoo.specs import ModelSpec, RuntimeSpec

PLUGIN = Plugin("acme", "acme", "1.0", "acme")
SPEC: dict[str, Any] = {"summary": "x", "build": "acme:net", "input_shape": (8, 8, 1), "classes": 10, "parameters": 10}
REGISTRY = Registry(
    MappingProxyType({"one": Entry(ModelSpec(name="one", **SPEC), PLUGIN)}),
    MappingProxyType({}),
    MappingProxyType(
        {
            "tensorflow": Entry(
                RuntimeSpec(name="tensorflow", summary="x", runtime="acme:Fast", keras_backend="jax"), CORE
            )
        }
    ),
    (CORE, PLUGIN),
    (),
    (),
)
OPTIONS = Options(batch_sizes=(1, "max"), policy=Policy(min_time_s=0.25), max_time_s=8.0, score=False, labels=("ci",))
THERE = "/base/.venv/bin/python"


def pretended(folder: Path, prints: str, *, mode: int = 0o755) -> str:
    """An executable that prints this whatever it is asked."""
    file = folder / "python"
    file.write_text(f"#!/bin/sh\ncat <<'END'\n{prints}\nEND\n")
    file.chmod(mode)
    return str(file)


@pytest.mark.parametrize(
    ("prints", "line"),
    [
        ("hello", "is no Python that can run the zoo"),
        ("[]", "is no Python that can run the zoo"),
        (json.dumps({"prefix": sys.prefix, "zoo": True, "answers": True}), "belongs to this environment"),
        (json.dumps({"prefix": "/base", "zoo": False, "answers": False}), "no zoo is installed for"),
        (json.dumps({"prefix": "/base", "zoo": True, "answers": False}), "is too old to be measured against"),
    ],
)
def test_what_cannot_answer_is_refused_in_a_line(tmp_path: Path, prints: str, line: str) -> None:
    with pytest.raises(UsageError, match=line) as raised:
        check_interpreter(pretended(tmp_path, prints))
    assert "\n" not in str(raised.value)


def test_what_is_no_interpreter_is_refused_in_a_line(tmp_path: Path) -> None:
    for path, line in ((tmp_path / "none", "is not there"), (tmp_path, "is no file")):
        with pytest.raises(UsageError, match=line):
            check_interpreter(str(path))
    with pytest.raises(UsageError, match="can't be executed"):
        check_interpreter(pretended(tmp_path, "{}", mode=0o644))
    (tmp_path / "python").write_bytes(b"\x7fELF nothing")
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(UsageError, match="can't start"):
        check_interpreter(str(tmp_path / "python"))


def test_a_link_to_an_interpreter_is_not_followed(tmp_path: Path) -> None:
    """It is what leads Python to the packages beside it."""
    good = pretended(tmp_path, json.dumps({"prefix": "/base", "zoo": True, "answers": True}))
    (tmp_path / "link").symlink_to(good)
    assert check_interpreter(str(tmp_path / "link")) == str(tmp_path / "link")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Task]:
    """The other environment is this process; what it was asked."""
    dataset = Dataset(
        name="digits",
        version="1.0.0",
        data_dir="/nowhere",
        folder="/nowhere/digits/1.0.0",
        image_shape=(8, 8, 1),
        classes=10,
        splits={"test": 9},
        builder=None,
    )
    monkeypatch.setattr(planning, "find", lambda *_, **__: dataset)
    monkeypatch.setattr(planning, "why_not_so", lambda *_: None)
    monkeypatch.setattr("zoo.registry.load", lambda: REGISTRY)
    monkeypatch.setattr("zoo.benchmarking.environment.collect", lambda: make_result().environment)
    monkeypatch.setattr(elsewhere, "check_interpreter", lambda python: python)
    tasks: list[Task] = []

    def call(task: Task) -> Any:
        tasks.append(task)
        return json.loads(json.dumps(answer(json.loads(json.dumps(dict(task.job))), lambda *_: None)))

    monkeypatch.setattr(elsewhere, "call", call)
    return tasks


def test_the_other_environment_plans_as_this_one_would(asked: list[Task]) -> None:
    there, here = plan_elsewhere(THERE, ["one"], OPTIONS), planning.plan(REGISTRY, ["one"], OPTIONS)
    assert [task.python for task in asked] == [THERE]
    assert len(there) == len(here) == 2
    for other, own in zip(there, here, strict=True):
        assert json.dumps(other.job, sort_keys=True) == json.dumps(own.job, sort_keys=True)
        for name in ("scenario", "plugin", "keras_backend", "no_accuracy", "code", "seeks_batch_size", "options"):
            assert getattr(other, name) == getattr(own, name), name
        assert (other.task().python, own.task().python) == (THERE, None)
        assert other.elsewhere is not None
        assert other.elsewhere.environment.fingerprint == "0123456789abcdef"


def test_a_model_that_is_not_there_is_missed_there(asked: list[Task]) -> None:
    with pytest.raises(UsageError, match=r"unknown model 'onne'; did you mean 'one'\?"):
        plan_elsewhere(THERE, ["onne"], OPTIONS)


def test_how_it_fails_there_is_said_with_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "check_interpreter", lambda python: python)
    failed = Completed("error", None, Failure(None, "UsageError", "unknown model 'one'", 2, ours=True))
    monkeypatch.setattr("zoo.executors.local.run", lambda *_: failed)
    with pytest.raises(UsageError, match=f"^{THERE}: unknown model 'one'$"):
        plan_elsewhere(THERE, ["one"], OPTIONS)


def test_a_newer_zoo_may_say_more(asked: list[Task]) -> None:
    said = answer(dict(asked_question()), lambda *_: None)
    said |= {"news": 1}
    said["steps"] = [{**step, "news": [2], "scenario": {**step["scenario"], "news": 3}} for step in said["steps"]]
    assert [planned.scenario.model for planned in understood(THERE, said).steps] == ["one", "one"]


def asked_question() -> dict[str, Any]:
    from dataclasses import asdict

    question: dict[str, Any] = json.loads(json.dumps(asdict(elsewhere.Question(models=("one",), options=OPTIONS))))
    question["options"]["news"] = {"a": 1}  # of a newer zoo that asks
    return question


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ({"protocol": PROTOCOL + 1}, "install a newer zoo here"),
        ({"protocol": PROTOCOL - 1}, "install a newer zoo there"),
        ({}, "install a newer zoo there"),
        ([], "install a newer zoo there"),
        ({"protocol": PROTOCOL}, "can't be understood"),
        ({"protocol": PROTOCOL, "zoo_version": 1, "environment": {}}, "can't be understood"),
    ],
)
def test_an_answer_of_another_protocol_is_refused_in_a_line(said: Any, line: str) -> None:
    with pytest.raises(UsageError, match=line):
        understood(THERE, said)


def test_a_zoo_that_is_asked_by_another_protocol_says_its_own() -> None:
    assert answer({"protocol": PROTOCOL + 1, "anything": 1}, lambda *_: None) == {"protocol": PROTOCOL}


def test_the_other_environment_is_not_led_to_the_packages_of_this_one() -> None:
    variables = {"PYTHONPATH": "/here", "PYTHONHOME": "/here", "VIRTUAL_ENV": "/here", "PATH": "/bin"}
    assert foreign_environment(variables) == {"PATH": "/bin"}


def test_the_digest_tells_code_apart_that_shares_a_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = []
    for number, content in enumerate(("x = 1\n", "x = 1\n", "x = 2\n")):
        folder = tmp_path / str(number)
        (folder / "acme_of_a_test" / "deep").mkdir(parents=True)
        (folder / "acme_of_a_test" / "__init__.py").write_text("raise SystemExit('it was imported')\n")
        (folder / "acme_of_a_test" / "deep" / "model.py").write_text(content)
        (folder / "acme_of_a_test" / "weights.bin").write_bytes(bytes([number]))
        with monkeypatch.context() as patch:
            patch.syspath_prepend(str(folder))
            computing.code_digest.cache_clear()
            digests.append(computing.code_digest("acme_of_a_test.deep.model:net", "not_there_at_all:x"))
    assert digests[0] == digests[1] != digests[2]
    assert "acme_of_a_test" not in sys.modules
