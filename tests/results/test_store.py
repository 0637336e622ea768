"""The store: one file a Result, an index that is never believed, and damage that stays where it is."""

from __future__ import annotations

import datetime
import fnmatch
import json
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import make_result

from zoo.bench.scenario import Scenario
from zoo.errors import UsageError
from zoo.results import index
from zoo.results.layout import path_of
from zoo.results.reading import Damaged
from zoo.results.rows import Row, digest
from zoo.results.store import Filter, Store, default_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store, not there yet."""
    return Store(tmp_path / "store")


@pytest.fixture
def filled(store: Store) -> Store:
    """A store of three Results, an hour apart."""
    for number in range(3):
        store.add(make_result(number))
    return store


def ids(store: Store, wanted: Filter | None = None, **options: Any) -> list[str]:
    """What a selection finds, by id."""
    return [row.id for row in store.select(wanted, **options)]


def files(folder: Path) -> dict[str, bytes]:
    """Every file under the folder, but for the index."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != index.FILE)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


# one file each


def test_a_result_is_one_file_and_comes_back_as_it_was(store: Store) -> None:
    result = make_result(labels=("before", "täglich"))
    path = store.add(result)
    assert path == store.folder / "2026-11" / "20261101T000000-00000000.json"
    assert json.loads(path.read_text()) == result.to_json()
    assert store.get(result.id).to_json() == result.to_json()


def test_a_result_is_never_overwritten(store: Store) -> None:
    path = store.add(make_result())
    before = path.read_bytes()
    with pytest.raises(UsageError, match="is already there; a Result is never overwritten"):
        store.add(make_result(outcome="error"))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "identifier",
    [
        "../../../evil",
        "20261101T000000-0000000/",
        "20261101T000000-00000000/../../x",
        "/etc/passwd",
        "20261301T000000-00000000",
        "20261101T000000-00000000\n",
        "20261101T000000-0000000G",
        "２0261101T000000-00000000",
        "",
        7,
        None,
    ],
)
def test_an_id_that_is_none_names_no_file(store: Store, identifier: Any) -> None:
    with pytest.raises(UsageError, match="is not the id of a Result") as caught:
        store.add(make_result(id=identifier))
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="is not the id of a Result"):
        store.remove([identifier])
    assert list(store.folder.parent.rglob("*")) == []


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), {1, 2}, "text"])
def test_what_json_cannot_hold_or_a_table_cannot_show_is_not_written(store: Store, number: Any) -> None:
    measures = {**make_result().measures, "latency_s": number}
    with pytest.raises(UsageError, match="the Result 20261101T000000-00000000"):
        store.add(make_result(measures=measures))
    assert list(store.folder.parent.rglob("*")) == []


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="can't write to"):
        Store(tmp_path / "file").add(make_result())
    with pytest.raises(UsageError, match="can't list"):
        Store(tmp_path / "file").select()


def test_the_default_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    assert default_store() == tmp_path / "results"
    monkeypatch.setenv("ZOO_STORE", str(tmp_path / "elsewhere"))
    assert default_store() == tmp_path / "elsewhere"


# get, find, remove


def test_get_takes_the_beginning_of_an_id(filled: Store) -> None:
    assert filled.get("20261101T02").id == "20261101T020000-00000002"
    assert filled.find("20261101T020000-00000002") == "20261101T020000-00000002"
    with pytest.raises(UsageError, match="3 Results begin with '20261101', such as 20261101T000000-00000000 and"):
        filled.get("20261101")
    with pytest.raises(UsageError, match=r"no Result '\.\./x' in .*; 'zoo results' lists"):
        filled.get("../x")
    with pytest.raises(UsageError, match="no Result"):
        filled.get("20261101T020000-00000009")


def test_remove_counts_what_was_there(filled: Store) -> None:
    first, second, third = ids(filled)
    assert filled.remove([first, third, "20261101T020000-00000009"]) == 2
    assert ids(filled) == [second]
    with pytest.raises(UsageError, match="is not the id of a Result"):
        filled.remove([second, "nonsense"])
    assert ids(filled) == [second]


# select


def test_rows_say_what_the_results_say(store: Store) -> None:
    result = make_result(5, model="plain20", batch_size=32, threads=3, labels=("a", "b"))
    store.add(result)
    assert store.select() == [
        Row(
            path="2026-11/20261101T050000-00000005.json",
            id="20261101T050000-00000005",
            created_at="2026-11-01T05:00:00+00:00",
            outcome="ok",
            model="plain20",
            dataset="digits",
            runtime="tensorflow",
            device="cpu",
            precision="float32",
            batch_size=32,
            threads=3,
            mode="infer",
            labels=("a", "b"),
            environment="0123456789abcdef",
            latency_s=result.measures["latency_s"],
            images_per_second=result.measures["images_per_second"],
            accuracy=0.9,
            scenario=digest(result.get_scenario()),
        )
    ]


def test_order_and_limit(filled: Store) -> None:
    newest = ids(filled)
    assert newest == sorted(newest, reverse=True)
    assert ids(filled, newest_first=False) == newest[::-1]
    assert ids(filled, limit=2) == newest[:2]
    assert ids(filled, limit=0) == []
    assert ids(filled, newest_first=False, limit=1) == newest[2:]


def test_a_store_that_is_not_there_is_empty_and_stays_away(store: Store) -> None:
    assert store.select() == []
    assert store.damaged() == []
    assert not store.folder.exists()


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [
        ("2026-11-02", None, range(24, 50)),
        (None, "2026-11-01", range(24)),
        ("2026-11-02", "2026-11-02", range(24, 48)),
        ("2026-11-01T05:00", "2026-11-01T06:00:00", range(5, 7)),
        ("2026-11-01T05:00:01Z", "2026-11-01T08:00+02:00", range(6, 7)),
        ("0001-01-01", "9999-12-31", range(50)),
    ],
)
def test_since_and_until_include_both_ends(
    tmp_path_factory: pytest.TempPathFactory, since: str | None, until: str | None, hours: range
) -> None:
    store = Store(tmp_path_factory.getbasetemp() / "fifty-hours")
    if not store.folder.exists():
        for number in range(50):
            store.add(make_result(number))
    found = ids(store, Filter(since=since, until=until), newest_first=False)
    assert found == [make_result(number).id for number in hours]


@pytest.mark.parametrize("given", ["yesterday", "2026-13-01", "", "2026-11-01T25:00", "0001-01-01T00:00+23:00"])
def test_a_date_that_is_none_is_one_line(given: str) -> None:
    with pytest.raises(UsageError, match="is not a date such as 2026-11-23"):
        Filter(since=given)
    with pytest.raises(UsageError, match="is not a date such as 2026-11-23"):
        Filter(until=given)


VALUES: dict[str, list[Any]] = {
    "model": ["toy_resnet", "toy_ResNet", "resnet20", "plain[20]"],
    "dataset": ["digits", "cifar10"],
    "runtime": ["tensorflow", "jax"],
    "device": ["cpu", "gpu"],
    "precision": ["float32", "bfloat16"],
    "batch_size": [1, 32],
    "outcome": ["ok", "timeout"],
    "environment": ["0" * 16, "1" * 16],
}
LABELS = ["night", 'quo"te', ", ", "ü", "\\", "a b"]
PATTERNS = ["toy*", "*resnet*", "?oy_[rR]es*", "plain[[]20]", "[!t]*", "*", "none"]
DATES = ["2026-11-01", "2026-11-03T03:30", "2026-11-05T00:00:00+02:00"]


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of Results that differ in everything a filter asks for."""
    store = Store(tmp_path_factory.mktemp("varied"))
    pick = random.Random(7)
    for number in range(120):
        chosen = {name: pick.choice(values) for name, values in VALUES.items()}
        fingerprint = chosen.pop("environment")
        labels = tuple(pick.sample(LABELS, pick.randrange(3)))
        store.add(make_result(number, fingerprint=fingerprint, labels=labels, **chosen))
    return store


filters = st.builds(
    Filter,
    **{name: st.none() | st.sampled_from(values) for name, values in VALUES.items() if name != "model"},
    model=st.none() | st.sampled_from([*VALUES["model"], *PATTERNS]),
    label=st.none() | st.sampled_from([*LABELS, "absent"]),
    since=st.none() | st.sampled_from(DATES),
    until=st.none() | st.sampled_from(DATES),
)


@given(wanted=filters, newest_first=st.booleans(), limit=st.none() | st.integers(0, 50))
@settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,
)
def test_a_filter_finds_what_a_scan_over_the_files_finds(
    varied: Store, wanted: Filter, newest_first: bool, limit: int | None
) -> None:
    records = [json.loads(path.read_bytes()) for path in varied.folder.glob("*/*.json")]
    expected = sorted((r["id"] for r in records if is_wanted(r, wanted)), reverse=newest_first)
    assert ids(varied, wanted, newest_first=newest_first, limit=limit) == expected[:limit]


def is_wanted(record: dict[str, Any], wanted: Filter) -> bool:
    """Whether a Result is wanted, worked out without SQL."""

    def moment(text: str) -> datetime.datetime:
        parsed = datetime.datetime.fromisoformat(text)
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=datetime.UTC)

    created = moment(record["created_at"])
    flat = {**record["scenario"], "outcome": record["outcome"], "environment": record["environment"]["fingerprint"]}
    names = ("dataset", "runtime", "device", "precision", "batch_size", "outcome", "environment")
    conditions = [getattr(wanted, name) in (None, flat[name]) for name in names]
    if wanted.model is not None:
        conditions.append(fnmatch.fnmatchcase(flat["model"], wanted.model))
    if wanted.label is not None:
        conditions.append(wanted.label in record["labels"])
    if wanted.since is not None:
        conditions.append(created >= moment(wanted.since))
    if wanted.until is not None:
        day = datetime.timedelta(
            days=1 if len(wanted.until) == 10 else 0, microseconds=-1 if len(wanted.until) == 10 else 0
        )
        conditions.append(created <= moment(wanted.until) + day)
    return all(conditions)


# find_scenarios


def test_find_scenarios_knows_what_was_measured_well_in_this_environment(store: Store) -> None:
    here, elsewhere = "0" * 16, "1" * 16
    store.add(make_result(1, fingerprint=here, batch_size=1))
    store.add(make_result(2, fingerprint=here, batch_size=1))
    store.add(make_result(3, fingerprint=here, batch_size=2, outcome="timeout"))
    store.add(make_result(4, fingerprint=elsewhere, batch_size=4))
    store.add(make_result(5, fingerprint=here, batch_size=8, threads=1))
    scenarios = [Scenario(model="toy_resnet", dataset="digits", batch_size=size) for size in (1, 2, 4, 8)]
    assert store.find_scenarios(scenarios, here) == {scenarios[0]: make_result(2).id}
    assert store.find_scenarios([], here) == {}


def test_a_scenario_written_before_a_field_was_added_is_the_same_scenario(store: Store) -> None:
    path = store.add(make_result(1))
    record = json.loads(path.read_bytes())
    del record["scenario"]["mode"]
    path.write_text(json.dumps(record))
    scenario = Scenario(model="toy_resnet", dataset="digits")
    assert list(store.find_scenarios([scenario], "0123456789abcdef")) == [scenario]


# the index


def spoil(path: Path, how: str) -> None:
    """Do something to the index."""
    if how == "deleted":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_text("not a database at all\n" * 500)
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:5000])
    elif how == "scribbled over":
        content = bytearray(path.read_bytes())
        content[4096:] = b"\xff" * (len(content) - 4096)
        path.write_bytes(content)
    elif how == "a folder":
        path.unlink()
        path.mkdir()
    else:
        with sqlite3.connect(path) as connection:
            connection.executescript(how)
        connection.close()


@pytest.mark.parametrize(
    "how",
    [
        "deleted",
        "empty",
        "text",
        "truncated",
        "scribbled over",
        "a folder",
        "PRAGMA user_version = 1",
        "DROP TABLE results",
        "ALTER TABLE results DROP COLUMN model",
        "UPDATE results SET labels = 'no JSON'",
        "UPDATE results SET model = CAST(x'ff' AS TEXT)",
        "DELETE FROM results",
    ],
)
def test_whatever_happens_to_the_index_the_answer_is_the_same(
    filled: Store, how: str, capfd: pytest.CaptureFixture[str]
) -> None:
    expected, before = filled.select(), files(filled.folder)
    spoil(filled.folder / index.FILE, how)
    for _ in range(2):
        assert filled.select() == expected
        assert filled.damaged() == []
    assert files(filled.folder) == before
    assert capfd.readouterr() == ("", "")


def test_the_index_is_used(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = filled.select()

    def refuse(*_: object) -> None:
        raise AssertionError("a file was read again")

    monkeypatch.setattr(index, "loads", refuse)
    assert filled.select() == expected
    assert filled.damaged() == []


def test_files_that_come_and_go_behind_its_back_are_noticed(filled: Store, tmp_path: Path) -> None:
    oldest = ids(filled)[-1]
    other = Store(tmp_path / "other")
    new = other.add(make_result(800))
    (filled.folder / "2026-12").mkdir()
    new.rename(filled.folder / "2026-12" / new.name)
    (filled.folder / path_of(oldest)).unlink()
    assert ids(filled) == [new.stem, make_result(2).id, make_result(1).id]


def test_a_locked_index_is_done_without(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "PATIENCE_S", 0.01)
    filled.select()
    for lock in ("BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"):  # read it one may, or not even that
        holder = sqlite3.connect(filled.folder / index.FILE)
        holder.execute(lock)
        try:
            new = make_result(3 if lock == "BEGIN IMMEDIATE" else 4)
            filled.add(new)
            assert ids(filled)[0] == new.id
        finally:
            holder.rollback()
            holder.close()
    assert len(ids(filled)) == 5


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_that_may_only_be_read(filled: Store) -> None:
    folders = [filled.folder, *filled.folder.glob("*/")]
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert len(ids(filled)) == 3
        assert not (filled.folder / index.FILE).exists()
        with pytest.raises(UsageError, match="can't write"):
            filled.add(make_result(9))
        with pytest.raises(UsageError, match="can't remove"):
            filled.remove(ids(filled))
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_an_index_that_may_only_be_read_is_begun_from(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    filled.select()
    new = make_result(3)
    filled.add(new)
    connect = sqlite3.connect

    def read_only(database: Any, **options: Any) -> sqlite3.Connection:
        if isinstance(database, Path):
            return connect(f"{database.as_uri()}?mode=ro", uri=True)
        return connect(database, **options)

    monkeypatch.setattr(sqlite3, "connect", read_only)
    reads: list[str] = []
    loads = index.loads
    monkeypatch.setattr(index, "loads", lambda content, where: reads.append(where) or loads(content, where))
    assert len(ids(filled)) == 4
    assert set(reads) == {path_of(new.id)}


# damage


def without(name: str) -> Callable[[dict[str, Any]], object]:
    """Take a field away."""
    return lambda record: record.pop(name)


def put(name: str, value: object) -> Callable[[dict[str, Any]], object]:
    """Put a value where there was another."""

    def change(record: dict[str, Any]) -> None:
        *path, last = name.split(".")
        for key in path:
            record = record[key]
        record[last] = value

    return change


WRONG = {
    "no model": (put("scenario", {"dataset": "digits"}), "is damaged: "),
    "newer schema": (put("schema", "zoo.result/2"), "has the schema zoo.result/2; this zoo reads zoo.result/1"),
    "no schema": (without("schema"), "is not a Result: it has no schema"),
    "no measures": (without("measures"), "is damaged: "),
    "unknown field": (put("surprise", 1), "is damaged: "),
    "scenario a list": (put("scenario", []), "is damaged: "),
    "measures a number": (put("measures", 3), "is damaged: "),
    "unknown precision": (put("scenario.precision", "int4"), "is damaged: precision 'int4' is not one of"),
    "latency a text": (put("measures.latency_s", "fast"), "is damaged: "),
    "latency true": (put("measures.latency_s", True), "is damaged: "),
    "latency null though ok": (put("measures.latency_s", None), "is damaged: "),
    "accuracy bare": (put("measures.accuracy", 0.9), "is damaged: "),
    "no interval": (put("measures.accuracy", {"value": 0.9}), "is damaged: "),
    "no fingerprint": (put("environment", {}), "is damaged: "),
    "no processor": (put("environment.processor", None), "is damaged: "),
    "a day that is none": (put("created_at", "yesterday"), "is damaged: "),
    "before time": (put("created_at", "0001-01-01T00:00:00+23:00"), "is damaged: "),
    "another's id": (put("id", make_result(7).id), f"holds the Result {make_result(7).id}, which belongs in 2026-11/"),
    "evil id": (put("id", "../../evil"), "is damaged: "),
    "not a number": (put("samples", [{"latency_s": [float("nan")]}]), "is damaged: "),
    "checks of text": (put("checks", ["busy"]), "is damaged: "),
    "samples of text": (put("samples", [{"latency_s": ["fast"]}]), "is damaged: "),
    "weights of nowhere": (put("weights", {"file": "x"}), "is damaged: "),
    "labels of numbers": (put("labels", [1]), "is damaged: "),
}
BYTES = {
    "empty": b"",
    "truncated": make_result(1).dumps().encode()[:-20],
    "no JSON": b"<html>",
    "a list": b"[]",
    "not UTF-8": b'{"schema": "\xff\xfe"}',
    "deep": b"[" * 100_000,
    "infinite": make_result(1).dumps().replace('"iterations": 3', '"iterations": 1e999').encode(),
}


@pytest.mark.parametrize("what", [*WRONG, *BYTES])
def test_a_damaged_file_is_reported_and_left_alone(filled: Store, what: str) -> None:
    path = filled.folder / path_of(make_result(1).id)
    if what in BYTES:
        content, reason = BYTES[what], "is "
    else:
        change, reason = WRONG[what]
        record = json.loads(path.read_bytes())
        change(record)
        content = json.dumps(record).encode()
    path.write_bytes(content)

    assert ids(filled) == [make_result(2).id, make_result(0).id]
    for _ in range(2):  # read, and from the index
        (fault,) = filled.damaged()
        assert fault.where == str(path)
        assert fault.reason.startswith(reason)
        assert fault.reason.isprintable()
    assert path.read_bytes() == content
    if what != "another's id":
        with pytest.raises(UsageError) as caught:
            filled.get(path.stem)
        assert str(caught.value).startswith(f"{path} ")


def test_a_damaged_file_that_was_mended_or_removed_is_damaged_no_more(filled: Store) -> None:
    path = filled.folder / path_of(make_result(1).id)
    whole = path.read_bytes()
    path.write_bytes(whole[:50])
    assert len(filled.damaged()) == 1
    path.write_bytes(whole)
    assert filled.damaged() == []
    assert len(ids(filled)) == 3
    second = filled.folder / "2026-11" / "notes.json"
    second.write_text("{}")
    assert len(filled.damaged()) == 1
    second.unlink()
    assert filled.damaged() == []


def test_a_newer_zoo_looks_again_at_what_an_older_one_could_not_read(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = filled.folder / path_of(make_result(1).id)
    path.write_text(json.dumps({**make_result(1).to_json(), "schema": "zoo.result/1.1"}))
    assert len(filled.damaged()) == 1
    monkeypatch.setattr("zoo.results.reading.SCHEMA", "zoo.result/1.1")
    assert len(filled.damaged()) == 1
    monkeypatch.setattr(index, "__version__", "99")
    assert filled.damaged() == []
    assert len(ids(filled)) == 3


def test_what_is_no_file_or_lies_elsewhere(filled: Store) -> None:
    month = filled.folder / "2026-11"
    (month / f"{make_result(5).id}.json").mkdir()
    (month / f".{make_result(6).id}.json.abc").write_text("being written")
    (month / f".{make_result(6).id}.json").write_text("hidden")
    (month / "notes.txt").write_text("a note")
    (month / "loop.json").symlink_to("loop.json")
    (month / "nowhere.json").symlink_to("/nonexistent")
    os.mkfifo(month / "pipe.json")
    (filled.folder / "2026-10").mkdir()
    stray = filled.folder / "2026-10" / f"{make_result(1).id}.json"
    stray.write_bytes((month / stray.name).read_bytes())
    (filled.folder / "2026-09").write_text("no folder")
    (filled.folder / "elsewhere").mkdir()
    (filled.folder / "elsewhere" / "x.json").write_text("")

    assert len(ids(filled)) == 3
    assert {Path(fault.where).name: fault.reason for fault in filled.damaged()} == {
        stray.name: f"holds the Result {make_result(1).id}, which belongs in 2026-11/{stray.name}",
        f"{make_result(5).id}.json": "is not a file",
        "loop.json": "can't be read: too many levels of symbolic links",
        "pipe.json": "is not a file",
    }
    assert filled.get("20261101T01").id == make_result(1).id


def test_what_was_damaged_after_it_was_indexed_is_told(filled: Store) -> None:
    rows = filled.select(newest_first=False)
    (filled.folder / rows[0].path).write_text("{}")
    (filled.folder / rows[1].path).unlink()
    faults: list[Damaged] = []
    assert [result.id for result in filled.load(rows, faults.append)] == [rows[2].id]
    assert [str(fault) for fault in faults] == [f"{filled.folder / rows[0].path} is not a Result: it has no schema"]


def test_text_that_is_no_unicode_is_listed(store: Store) -> None:
    """As an argument comes that isn't UTF-8."""
    result = make_result(labels=("\udcff",))
    store.add(result)
    assert store.select()[0].labels == ("?",)
    assert store.get(result.id).labels == ("\udcff",)
    assert ids(store, Filter(label="\udcff")) == [result.id]


# several processes


WRITER = """
import sys
from zoo.results.export import parse
from zoo.results.store import Store
store = Store(__import__("pathlib").Path(sys.argv[1]))
done = 0
for line in sys.stdin.buffer:
    done += store.add_all(parse(line, "stdin")).added
    store.select()
    assert store.damaged() == []
print(done)
"""


def test_processes_that_write_at_once_neither_lose_nor_repeat_a_result(store: Store) -> None:
    """Each of three adds ten of its own and ten that all three have, and lists after every one."""
    jobs = [[*range(10), *range(100 * n, 100 * n + 10)] for n in (1, 2, 3)]
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WRITER, str(store.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in jobs
    ]
    for process, numbers in zip(running, jobs, strict=True):
        assert process.stdin
        process.stdin.write("".join(f"{make_result(n).dumps()}\n" for n in numbers).encode())
        process.stdin.close()
        process.stdin = None
    outputs = [process.communicate(timeout=120) for process in running]
    assert [errors for _, errors in outputs] == [b""] * 3
    assert sum(int(output) for output, _ in outputs) == 40
    assert len(ids(store)) == 40
    assert store.damaged() == []
    assert all(not name.split("/")[-1].startswith(".") for name in files(store.folder))


@pytest.fixture(autouse=True)
def _nothing_is_left_open() -> Iterator[None]:
    """A connection that isn't closed warns when it is collected, and warnings are errors."""
    import gc

    yield
    gc.collect()
