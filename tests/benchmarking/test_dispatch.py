"""What an executor reports is believed as little as what a stranger writes. No executor and no process here."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from support import make_result

import zoo
from zoo.benchmarking import dispatch
from zoo.benchmarking.dispatch import Ledger, Told, execute
from zoo.benchmarking.plan import Options, Step
from zoo.benchmarking.tasks import MeasuringTask, Side, loads
from zoo.errors import UsageError
from zoo.record.result import Origin, Result
from zoo.record.scenario import Scenario

ENVIRONMENT = make_result().environment
RUN = "20261101T000000-0a0b0c0d"


def step(batch_size: int, **changes: Any) -> Step:
    given: dict[str, Any] = {
        "scenario": Scenario(model="toy_resnet", dataset="digits", batch_size=batch_size),
        "plugin": Origin(distribution="zoo-toy-resnet", version="0.1.0"),
        "job": {"distributions": ["keras"], "weights": None, "dataset": {"folder": "/nowhere"}},
        "keras_backend": "jax",
        "no_accuracy": None,
        "options": Options(labels=("night",), batch_sizes=(1, 2, 4)),
        "code": "0123456789abcdef",
        "dataset_state": "s",
    }
    return Step(**{**given, **changes})


def measured(of: Step, number: int = 0, **changes: Any) -> dict[str, Any]:
    """What a machine returns that has measured a step, as JSON values."""
    given = {
        "code": of.code,
        "policy": of.policy(),
        "labels": list(of.options.labels),
        "run": RUN,
        "zoo_version": zoo.__version__,
        "batch_size": of.scenario.batch_size,
    }
    return make_result(number, **{**given, **changes}).to_json()


@pytest.fixture
def ledger() -> Ledger:
    """Of three scenarios."""
    return Ledger("far", [[step(1)], [step(2)], [step(4)]], ENVIRONMENT, RUN, lambda _: False)


def finished(task: str, *results: object) -> Told:
    return Told(task, "finished", json.dumps(results))


def reason(results: tuple[Result, ...] | None) -> str:
    """Why the task of one scenario failed."""
    assert results is not None
    (result,) = results
    assert (result.outcome, result.run, result.labels) == ("error", RUN, ("night",))
    assert result.failure is not None
    assert result.failure.message.startswith("the executor far: ")
    return result.failure.message.removeprefix("the executor far: ")


def test_a_result_of_a_task_counts_once_whatever_the_order(ledger: Ledger) -> None:
    for task, batch_size in (("2", 4), ("0", 1)):
        results = ledger.settle(finished(task, measured(step(batch_size), batch_size)))
        assert results is not None
        assert [result.scenario.batch_size for result in results] == [batch_size]
        assert results[0].outcome == "ok"
        assert ledger.settle(finished(task, measured(step(batch_size), 7))) is None
    assert ledger.refused == 2
    (lost,) = ledger.lost("it ended")
    assert lost[0].scenario.batch_size == 2
    assert reason(lost) == "it ended"
    assert list(ledger.lost("again")) == []


@pytest.mark.parametrize("task", ["3", "", "00", "../0", "x" * 1000])
def test_a_task_that_was_not_given_is_refused(ledger: Ledger, task: str) -> None:
    assert ledger.settle(finished(task, measured(step(1)))) is None
    assert (ledger.refused, len(ledger.waiting)) == (1, 3)


REFUSED: dict[str, tuple[Callable[[], str], str]] = {
    "no JSON": (lambda: "[{", "Expecting"),
    "no list": (lambda: json.dumps(measured(step(1))), "not a list of as many Results as were asked for, which is 1"),
    "none": (lambda: "[]", "not a list of as many"),
    "two": (lambda: json.dumps([measured(step(1))] * 2), "not a list of as many"),
    "no Result": (lambda: "[7]", "is not a Result"),
    "deep": (lambda: "[" * 100_000 + "]" * 100_000, "recursion"),
    "damaged": (lambda: json.dumps([{**measured(step(1)), "measures": 7}]), "is damaged"),
    "not a number": (lambda: json.dumps([{**measured(step(1)), "reasons": {"a": float("nan")}}]), "not JSON"),
    "a forged id": (lambda: json.dumps([{**measured(step(1)), "id": "../../x"}]), "is not the id of a Result"),
    "another scenario": (lambda: json.dumps([measured(step(2))]), "its scenario is not what was asked for"),
    "another plugin": (
        lambda: json.dumps([measured(step(1), plugin={"distribution": "acme", "version": "1"})]),
        "its plugin is not",
    ),
    "another zoo": (lambda: json.dumps([measured(step(1), zoo_version="9.9")]), "its zoo version is not"),
    "other code": (lambda: json.dumps([measured(step(1), code="f" * 16)]), "its code is not"),
    "another policy": (lambda: json.dumps([measured(step(1), policy={"processes": 9})]), "its policy is not"),
    "other weights": (
        lambda: json.dumps([measured(step(1), weights={"source": "plugin", "sha256": "f" * 64})]),
        "its weights is not",
    ),
    "another run": (lambda: json.dumps([measured(step(1), run="20261101T000000-ffffffff")]), "it is of another run"),
    "other labels": (lambda: json.dumps([measured(step(1), labels=["day"])]), "it is of another run"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_what_was_asked_for_fails_its_task_in_a_line(ledger: Ledger, name: str) -> None:
    text, why = REFUSED[name]
    message = reason(ledger.settle(Told("0", "finished", text())))
    assert message.startswith("what it returned is refused: ")
    assert why in message
    assert len(message) < 400
    assert len(ledger.waiting) == 2


def test_too_much_is_refused(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "MOST_CHARACTERS", 1000)
    assert "characters" in reason(ledger.settle(finished("0", measured(step(1)))))


def test_an_id_that_is_there_already_is_refused() -> None:
    known = make_result(5).id
    ledger = Ledger("far", [[step(1)], [step(2)], [step(4)]], ENVIRONMENT, RUN, lambda name: name == known)
    assert "id is there already" in reason(ledger.settle(finished("0", measured(step(1), 5))))
    assert ledger.settle(finished("1", measured(step(2), 6))) is not None
    assert "id is there already" in reason(ledger.settle(finished("2", measured(step(4), 6))))


def test_what_failed_elsewhere_says_why(ledger: Ledger) -> None:
    assert reason(ledger.settle(Told("1", "failed", "zoo: no room\nat all\x1b[31m"))) == "zoo: no room at all?[31m"
    failed = measured(step(1), outcome="timeout")
    results = ledger.settle(finished("0", failed))
    assert results is not None
    assert results[0].outcome == "timeout"


def test_both_sides_of_a_comparison_are_one_task() -> None:
    ledger = Ledger("far", [[step(1), step(1)]], ENVIRONMENT, RUN, lambda _: False)
    (text,) = ledger.tasks(["acme"]).values()
    task = loads(text)
    assert (task.id, task.run, task.disabled, len(task.sides)) == ("0", RUN, ("acme",), 2)
    results = ledger.settle(finished("0", measured(step(1), 1), measured(step(1), 2)))
    assert results is not None
    assert [result.outcome for result in results] == ["ok", "ok"]
    same = Ledger("far", [[step(1), step(1)]], ENVIRONMENT, RUN, lambda _: False)
    both = same.settle(finished("0", measured(step(1), 1), measured(step(1), 1)))
    assert both is not None
    assert [result.outcome for result in both] == ["error", "error"]


def test_what_is_known_to_be_unavailable_is_not_given_away() -> None:
    ledger = Ledger("far", [[step(1, unavailable="no GPU")], [step(2)]], ENVIRONMENT, RUN, lambda _: False)
    ((result,),) = ledger.unavailable()
    assert (result.outcome, result.reasons["latency_s"]) == ("unavailable", "unavailable: no GPU")
    assert list(ledger.tasks([])) == ["1"]


# Tasks


def test_a_task_is_read_as_it_was_written() -> None:
    side = Side.of(step(2, in_matrix=True))
    assert side.options.batch_sizes == (2,)
    task = MeasuringTask(id="7", run=RUN, sides=(side,), disabled=("a",))
    assert loads(task.dumps()) == task


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"protocol": 99}, "is of version 99 of the protocol"),
        ({"sides": 7}, "not a task: Expected `array`"),
        ({"sides": [{"scenario": {}}]}, "not a task: "),
        ({"id": None}, "not a task: Expected `str`"),
    ],
)
def test_what_is_no_task_is_refused_in_a_line(change: dict[str, Any], why: str) -> None:
    values = json.loads(MeasuringTask(id="7", run=RUN, sides=(Side.of(step(2)),)).dumps())
    with pytest.raises(UsageError, match=why):
        loads(json.dumps({**values, **change}))


@pytest.mark.parametrize("text", ["", "[]", "7", "{}", "[" * 100_000])
def test_nor_is_this_one(text: str) -> None:
    with pytest.raises(UsageError, match="not a task"):
        loads(text)


def test_a_step_that_is_another_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = step(2)
    monkeypatch.setattr("zoo.benchmarking.tasks.plan", lambda *_: [wanted])
    assert Side.of(wanted).step(None) == wanted  # type: ignore[arg-type]  # `plan` doesn't look at it here
    for name, value in (("code", "f" * 16), ("zoo_version", "9.9"), ("weights", "f" * 64)):
        other = dataclasses.replace(Side.of(wanted), **{name: value})
        with pytest.raises(UsageError, match=f"{name.replace('_', ' ')} of toy_resnet: .* {value}"):
            other.step(None)  # type: ignore[arg-type]  # nor here


# In the executor's own process


def told(*arguments: Any) -> list[dict[str, Any]]:
    """What is passed on of what an executor tells."""
    heard: list[dict[str, Any]] = []
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patched:
        patched.setattr(dispatch, "resolve", lambda _: lambda tasks, tell: tell(*arguments))
        execute({"run": "a:b", "tasks": {}}, lambda event, **values: heard.append({"event": event, **values}))
    return heard


def test_what_an_executor_tells_is_passed_on() -> None:
    assert told("0", "begun") == [{"event": "told", "task": "0", "what": "begun", "text": ""}]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [((0, "begun"), TypeError), (("0", "finished", {}), TypeError), (("0", "ended"), ValueError)],
)
def test_what_it_can_not_tell_is_raised_where_it_tells_it(arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        told(*arguments)
    with pytest.raises(ValueError, match="characters"):
        told("0", "failed", "x" * (dispatch.MOST_CHARACTERS + 1))
