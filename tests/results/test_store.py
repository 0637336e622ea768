"""The store: one file a Result, found by filters."""

from __future__ import annotations

import dataclasses
import datetime
import fnmatch
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import files, ids, make_result

from zoo.errors import UsageError
from zoo.record.scenario import Scenario
from zoo.results.rows import Row, digest
from zoo.results.store import Filter, Store, default_store

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
        store.add(dataclasses.replace(make_result(), id=identifier))
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="is not the id of a Result"):
        store.remove([identifier])
    assert list(store.folder.parent.rglob("*")) == []


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), {1, 2}, "text"])
def test_what_json_cannot_hold_or_a_table_cannot_show_is_not_written(store: Store, number: Any) -> None:
    result = make_result()
    measures = dataclasses.replace(result.measures, latency_s=number)
    with pytest.raises(UsageError, match="the Result 20261101T000000-00000000"):
        store.add(dataclasses.replace(result, measures=measures))
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
            latency_s=result.measures.latency_s,
            images_per_second=result.measures.images_per_second,
            accuracy=0.9,
            scenario=digest(result.scenario),
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


def test_a_scenario_written_before_a_field_was_added_is_the_same_scenario(store: Store) -> None:
    path = store.add(make_result(1))
    record = json.loads(path.read_bytes())
    del record["scenario"]["mode"]
    path.write_text(json.dumps(record))
    scenario = Scenario(model="toy_resnet", dataset="digits")
    assert [row.scenario for row in store.select()] == [digest(scenario)]


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
