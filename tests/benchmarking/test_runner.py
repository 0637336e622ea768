"""What the schedule decides is done to processes, and what becomes of them stands in the Results. No real process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from support import make_result

from zoo.benchmarking import batch_size, runner, sides
from zoo.benchmarking import plan as planning
from zoo.benchmarking.plan import Options, Step, plan
from zoo.benchmarking.timing import Turn, TurnLength
from zoo.data.catalog import Dataset
from zoo.errors import EXIT_USAGE, UsageError
from zoo.executors.local import Completed, Failure, Task
from zoo.installed import CORE, Plugin
from zoo.record.result import Result
from zoo.registry import Entry, Registry
from zoo.results.bench import bench, bench_against
from zoo.results.compare import compare
from zoo.results.listeners import Listeners
from zoo.results.store import Store
from zoo.specs import ModelSpec, RuntimeSpec

PLUGIN = Plugin("acme", "acme", "1.0", "acme")
QUIET = {"own_cores_busy": 1.0, "other_cores_busy": 0.0, "stolen_cores": 0.0, "throttled": 0}
KILLED = Failure("accuracy", "SIGKILL", "ended by SIGKILL")
EARLY = Failure("steady", "Exit", "exited with code 3 before it was done")
SPEC: dict[str, Any] = {"summary": "x", "build": "acme:net", "input_shape": (8, 8, 1), "classes": 10, "parameters": 10}


def entries(*specs: Any) -> Any:
    return MappingProxyType({spec.name: Entry(spec, PLUGIN) for spec in specs})


REGISTRY = Registry(
    entries(ModelSpec(name="one", **SPEC), ModelSpec(name="two", **SPEC)),
    MappingProxyType({}),
    entries(RuntimeSpec(name="tensorflow", summary="fast", runtime="acme:Fast", keras_backend="jax")),
    (CORE, PLUGIN),
    (),
    (),
)
RECORD: dict[str, Any] = {
    "started": {"device": "cpu", "threads": 2},
    "cuda": None,
    "parity": {"accepted": True, "reason": None, "max_difference": 0.0},
    "cost": {
        **dict.fromkeys(("parameters", "trainable_parameters", "macs", "flops", "weights_bytes"), 10),
        "macs_left_out": [],
    },
    "layers": [],
    "weights": None,
    "iterations": 1,
    "warmup_s": [0.1],
    "settled": True,
    "activity": {"seconds": 1.0, **QUIET},
    "energy": {"counter": None, "code": "no_counter"},
    "accelerator": None,
    "memory": {"after_import_bytes": 1, "peak_bytes": 2, "peak_device_bytes": None},
    "copies": {"place_s": 0.1, "fetch_s": 0.1, "end_to_end_s": 0.3},
}


class Pretended:
    """In place of a process: it samples at once, and ends when the test says so.

    Class attributes are the test's: how processes end, by number; what they were asked; how many there are.
    """

    ends: dict[int, tuple[str | int, Failure]]
    made: list[Pretended]
    wrong: int | None

    def __init__(self, task: Task, *_: object) -> None:
        self.number, self.task = len(self.made), task
        self.made.append(self)
        self.turns: list[Turn] = []
        self.resident_bytes, self.completed, self.closed = 1, None, False
        self.at, self.failure = self.ends.get(self.number, (None, KILLED))

    def here(self, moment: str | int) -> bool:
        if self.at == moment:
            outcome: Any = "out_of_memory" if self.failure.type == "MemoryLimit" else "error"
            self.completed = Completed(outcome, None, self.failure)
        return self.completed is None

    def ready(self) -> bool:
        return self.here("ready")

    def warm_up(self) -> bool:
        return self.here("warm")

    def sample(self, length: TurnLength) -> bool:
        if not self.here(len(self.turns)):
            return False
        samples = tuple(0.01 * (1 + 0.001 * ((i + self.number) % 7)) for i in range(64))
        self.turns.append(Turn(float(len(self.turns)), 10.0, samples))
        return True

    def end(self) -> Completed:
        if self.completed is None and self.here("end"):
            phases = dict.fromkeys(("import", "build", "load", "first_call", "parity", "steady", "copies"), 0.1)
            scored = None
            if self.task.job["score"]:
                scored = {
                    "accuracy": {"value": 0.5, "low": 0.4, "high": 0.6, "images": 9},
                    "predictions": {"dataset_sha256": "0", "split": "test", "classes": "", "correct": ""},
                }
            record = {
                **RECORD,
                "started_beside": self.task.job["beside"],
                "phases_s": {**phases, **({"accuracy": 0.5} if scored else {})},
                "samples_s": [sample for turn in self.turns for sample in turn.samples_s],
                "turns": [{"start_s": turn.start_s, "rounds": turn.rounds} for turn in self.turns],
                "scored": scored,
            }
            if self.wrong == self.number:
                record["parity"] = {"accepted": False, "reason": "it is another model's", "max_difference": 9.0}
            self.completed = Completed("ok", record)
        assert self.completed is not None
        return self.completed

    def close(self) -> None:
        self.closed = True


class PretendedGroup:
    def __enter__(self) -> PretendedGroup:
        return self

    def __exit__(self, *_: object) -> None:
        for process in Pretended.made:
            process.close()

    def start(self, task: Task, *rest: object) -> Pretended:
        return Pretended(task, *rest)


@pytest.fixture(autouse=True)
def _pretended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Pretended.ends, Pretended.made, Pretended.wrong = {}, [], None
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
    weights = {"source": "plugin", "path": None, "sha256": None}
    monkeypatch.setattr(planning, "choose_weights", lambda *_: weights)
    monkeypatch.setattr(planning, "why_not_so", lambda *_: None)
    monkeypatch.setattr(runner, "ProcessGroup", PretendedGroup)
    monkeypatch.setattr(runner.References, "find", lambda *_: tmp_path)
    monkeypatch.setattr(runner.env, "collect", lambda: ENVIRONMENT)
    monkeypatch.setattr(sides.peak, "load", lambda *_: None)


ENVIRONMENT = make_result().environment


def steps(**options: Any) -> list[Step]:
    return plan(REGISTRY, ["one"], Options(batch_sizes=(1,), **options))


def measured(**options: Any) -> Result:
    (result,) = runner.measure_plan(steps(**options))
    assert all(process.closed for process in Pretended.made)
    return result


def codes(result: Result) -> dict[str, str]:
    return {check.code: check.message for check in result.checks}


def test_all_that_finish_count() -> None:
    result = measured(processes=5)
    assert (result.outcome, len(result.samples), result.lost) == ("ok", 5, ())
    assert "process_lost" not in codes(result)
    assert result.samples[0].started_beside == 0
    assert result.measures.accuracy.value == 0.5


@pytest.mark.parametrize("number", range(5))
def test_of_five_processes_one_is_lost_at_the_end_and_four_are_kept(number: int) -> None:
    Pretended.ends = {number: ("end", KILLED)}
    result = measured(processes=5)
    assert result.outcome == "ok"
    assert result.stats.latency_s.processes == len(result.samples) == 4
    assert codes(result)["process_lost"] == (
        "1 of 5 processes ended too early, and their samples don't count: ended by SIGKILL (in accuracy)"
    )
    (lost,) = result.lost
    assert lost.failure.message == "ended by SIGKILL"
    assert list(lost.latency_s) == list(Pretended.made[number].turns[0].samples_s)
    assert lost.turns[0].rounds == 64
    if number == 0:
        assert (result.measures.accuracy, result.predictions) == (None, None)
        assert result.reasons["accuracy"] == "the process that scores the model ended too early"
    else:
        assert result.measures.accuracy.value == 0.5


def test_where_none_survives_it_fails_as_the_first_did_and_raw_samples_are_kept() -> None:
    Pretended.ends = {0: (1, EARLY), **dict.fromkeys((1, 2, 3), (1, KILLED))}
    result = measured(target_width=0.0001)
    assert (result.outcome, result.failure and result.failure.message) == ("error", EARLY.message)
    assert result.measures.latency_s is None
    assert [len(lost.latency_s) for lost in result.lost] == [64] * 4


def test_what_is_impossible_here_is_raised() -> None:
    Pretended.ends = {0: ("ready", Failure("import", "UsageError", "there is no GPU here", EXIT_USAGE, ours=True))}
    with pytest.raises(UsageError, match="there is no GPU here"):
        measured(processes=5)
    assert len(Pretended.made) == 1


@pytest.mark.parametrize("number", [0, 2])
def test_one_whose_logits_are_wrong_makes_the_scenario_wrong(number: int) -> None:
    Pretended.wrong = number
    result = measured(processes=5)
    assert (result.outcome, result.measures.latency_s) == ("wrong", None)
    assert result.parity is not None
    assert not result.parity.accepted


def against(**options: Any) -> tuple[Result, Result]:
    (a,), (b,) = bench_against(
        "two", "one", options=Options(**{"batch_sizes": (1,), "score": False, **options}), registry=REGISTRY
    )
    return a, b


def test_a_lost_process_costs_its_pair_and_no_other() -> None:
    Pretended.ends = {5: ("end", KILLED)}
    a, b = against(processes=5)
    for result in (a, b):
        assert result.outcome == "ok"
        assert [sample.pair for sample in result.samples] == [0, 1, 3, 4]
        assert [(lost.pair, len(lost.turns)) for lost in result.lost] == [(2, 64)]
    assert "the process that it was measured in turn with has ended" in codes(a)["process_lost"]
    assert "ended by SIGKILL" in codes(b)["process_lost"]
    assert compare([a], [b])[0].reason.startswith("4 and 4 processes, interleaved")


def test_a_side_that_fails_at_once_fails_the_other() -> None:
    Pretended.ends = {1: ("warm", EARLY)}
    a, b = against()
    assert [result.outcome for result in (a, b)] == ["error", "error"]
    assert a.failure is not None
    assert a.failure.message == "the process that it was measured in turn with has ended"
    assert len(Pretended.made) == 2


@pytest.mark.parametrize(("processes", "pairs"), [(None, 5), (1, 1), (2, 2)])
def test_as_many_pairs_are_measured_as_were_asked_for(processes: int | None, pairs: int) -> None:
    a, b = against(processes=processes)
    assert len(a.samples) == len(b.samples) == pairs
    latency = compare([a], [b])[0]
    assert ("how pairs differ takes" in latency.reason) == (pairs < 3)
    assert latency.verdict == "inconclusive" or pairs >= 3


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The largest batch of each model that fits where it is sought: in half of the memory that a process may use."""
    most: dict[str, int] = {}

    def sought(step: Step, on_phase: Callable[[str], None]) -> Step:
        assert step.options.memory_limit_bytes == 450
        return batch_size.with_batch(step, most[step.scenario.model])

    monkeypatch.setattr(batch_size, "with_largest_batch", sought)
    monkeypatch.setattr(batch_size.psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    return most


def test_two_models_are_compared_at_the_largest_batch_that_fits_both(fits: dict[str, int]) -> None:
    fits |= {"one": 4096, "two": 1024}
    a, b = against(batch_sizes=("max",), processes=1)
    assert [result.scenario.batch_size for result in (a, b)] == [1024, 1024]
    assert {process.task.job["scenario"]["batch_size"] for process in Pretended.made} == {1024}
    assert {process.task.memory_limit_bytes for process in Pretended.made} == {None}


def test_what_does_not_fit_beside_the_other_is_halved(fits: dict[str, int]) -> None:
    fits |= {"one": 4096, "two": 4096}
    Pretended.ends = dict.fromkeys((0, 3), ("ready", Failure("first_call", "MemoryLimit", "too much")))
    a, b = against(batch_sizes=("max",), processes=1)
    assert [(result.outcome, result.scenario.batch_size) for result in (a, b)] == [("ok", 1024)] * 2


def test_where_not_even_one_image_fits_it_says_so(fits: dict[str, int]) -> None:
    fits |= {"one": 1, "two": 2}
    Pretended.ends = {0: ("ready", Failure("first_call", "MemoryLimit", "too much"))}
    a, _ = against(batch_sizes=("max",), processes=1)
    assert (a.outcome, a.scenario.batch_size) == ("out_of_memory", 1)
    assert len(Pretended.made) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("memory", {"peak_bytes": "much", "after_import_bytes": 1, "peak_device_bytes": None}),
        ("activity", {}),
        ("started", 7),
        ("copies", None),
        ("cost", {"parameters": 10**400}),
        ("parity", {"accepted": "yes"}),
        ("settled", float("nan")),
    ],
)
def test_a_malformed_record_ends_its_scenario_in_a_line(
    monkeypatch: pytest.MonkeyPatch, field: str, value: Any
) -> None:
    monkeypatch.setitem(RECORD, field, value)
    (result,) = runner.measure_plan(steps())
    assert result.outcome == "error"
    assert result.failure is not None
    assert result.failure.message.startswith("what the process returned is malformed: ")


def test_a_comparison_says_what_its_results_store() -> None:
    sides = against(processes=5)
    found = {one.measure: (one.a, one.b) for one in compare([sides[0]], [sides[1]])}
    for measure, stored in (
        ("latency", "latency_s"),
        ("throughput", "images_per_second"),
        ("memory", "peak_rss_bytes"),
    ):
        assert found[measure] == pytest.approx([getattr(side.measures, stored) for side in sides], rel=1e-12)


def test_what_a_newer_zoo_adds_to_a_record_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = measured()
    for name, value in RECORD.items():
        if isinstance(value, dict):
            monkeypatch.setitem(RECORD, name, {**value, "news": {"a": [1]}})
    monkeypatch.setitem(RECORD, "energy", {**RECORD["energy"], "turns": [{"seconds": 1.0, "joules": None, "news": 1}]})
    monkeypatch.setitem(RECORD, "news", 7)
    Pretended.made = []
    added = measured()
    assert (added.outcome, added.measures) == ("ok", plain.measures)


def test_a_malformed_part_of_a_record_ends_its_scenario_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECORD, "energy", {"counter": 7})
    result = measured()
    assert (result.outcome, result.failure and result.failure.type) == ("error", "Malformed")


def test_plugins_are_told_of_each_stored_result_while_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store, told = Store(tmp_path / "store"), list[tuple[str, int]]()

    def tell(_: Listeners, result: Result) -> None:
        assert store.get(result.id) == result
        assert all(process.closed for process in Pretended.made)
        told.append((result.scenario.model, len(Pretended.made)))

    monkeypatch.setattr(Listeners, "tell", tell)
    bench("*", options=Options(batch_sizes=(1,)), store=store, registry=REGISTRY)
    assert told == [("one", 1), ("two", 2)]
    bench("*", options=Options(batch_sizes=(1,)), registry=REGISTRY)  # what is not stored is not told of
    assert len(told) == 2
    bench_against("one", "two", options=Options(batch_sizes=(1,), processes=2), store=store, registry=REGISTRY)
    assert [model for model, _ in told[2:]] == ["two", "one"]
    bench("*", options=Options(batch_sizes=(1,)), store=store, skip_existing=True, registry=REGISTRY)
    assert len(told) == 4
