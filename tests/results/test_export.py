"""Results as text and back: nothing is lost, and other tools read the same numbers."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_benchmark.stats import Stats
from support import make_result

from zoo.errors import UsageError
from zoo.record.measures import MEASURES
from zoo.record.reading import Damaged
from zoo.record.result import Result
from zoo.results.export import csv_table, jsonl, parse, pytest_benchmark, pytest_stats
from zoo.results.store import Store

QUICK = settings(max_examples=40, deadline=None, database=None, derandomize=True)

numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30)
plain = st.none() | st.booleans() | numbers | st.text()
anything = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
texts = st.text(st.characters(codec="utf-8"))


WEIGHTS = st.fixed_dictionaries(
    {"source": texts, "sha256": texts, "provenance": st.dictionaries(st.text(), anything, max_size=3)}
)


@st.composite
def results(draw: st.DrawFn) -> Result:
    """A Result with whatever JSON can hold where a Result says nothing about it."""
    number = draw(st.integers(0, 10_000))
    seconds = draw(st.floats(1e-9, 1e3))
    small = make_result(number, batch_size=draw(st.integers(1, 512)), labels=tuple(draw(st.lists(texts, max_size=3))))
    return make_result(
        number,
        labels=small.labels,
        scenario=small.scenario.to_json(),
        measures={
            **small.measures.to_json(),
            "latency_s": seconds,
            "peak_rss_bytes": draw(st.none() | st.integers(0, 2**40)),
        },
        samples=[{"latency_s": draw(st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=5))}],
        checks=[{"code": "busy", "message": draw(texts)}],
        weights=draw(
            st.none()
            | st.fixed_dictionaries(
                {"source": texts, "sha256": texts, "provenance": st.dictionaries(st.text(), anything)}
            )
        ),
        reasons={**small.reasons, "accuracy": draw(texts)},
    )


def whole(pieces: Any) -> str:
    """The text of an export."""
    return "".join(pieces)


# JSON


@given(made=st.lists(results(), max_size=5, unique_by=lambda result: result.id))
@QUICK
def test_export_then_import_then_export_is_the_identity(
    tmp_path_factory: pytest.TempPathFactory, made: list[Result]
) -> None:
    made = sorted(made, key=lambda result: result.id)
    exported = whole(jsonl(made))
    assert list(parse(exported.encode(), "here")) == made

    store = Store(tmp_path_factory.mktemp("store"))
    done = store.add_all(parse(exported.encode(), "here"))
    assert (done.added, done.known, done.bad) == (len(made), 0, ())
    faults: list[Damaged] = []
    assert whole(jsonl(store.load(store.select(newest_first=False), faults.append))) == exported
    assert faults == []
    again = store.add_all(parse(exported.encode(), "here"))
    assert (again.added, again.known, again.bad) == (0, len(made), ())


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_or_one_result_is_read(indent: int | None) -> None:
    made = [make_result(n) for n in range(3)]
    array = json.dumps([result.to_json() for result in made], indent=indent)
    assert list(parse(array.encode(), "here")) == made
    assert list(parse(json.dumps(made[0].to_json(), indent=indent).encode(), "here")) == made[:1]
    assert list(parse(b"[]", "here")) == list(parse(b"", "here")) == list(parse(b" \n\n", "here")) == []


def test_a_bad_line_is_named_and_the_others_are_read() -> None:
    made = [make_result(n, labels=("a\u2028b",)) for n in range(3)]
    lines = [json.dumps(result.to_json(), ensure_ascii=False).encode() for result in made]
    newer = json.dumps({**made[0].to_json(), "schema": "zoo.result/2"}).encode()
    content = b"\n".join(
        [b"\xef\xbb\xbf" + lines[0], b"", lines[1] + b"\r", lines[2][:-9], b"\xff\xfe", newer, b"7", lines[2]]
    )
    assert list(parse(content, "old.jsonl")) == [
        made[0],
        made[1],
        Damaged("old.jsonl, line 4", "is damaged: not JSON"),
        Damaged("old.jsonl, line 5", "is damaged: not JSON"),
        Damaged("old.jsonl, line 6", "has the schema zoo.result/2; this zoo reads zoo.result/1"),
        Damaged("old.jsonl, line 7", "is not a Result: it has no schema"),
        made[2],
    ]


def test_a_bad_item_of_an_array_is_named_and_the_others_are_read() -> None:
    good = make_result()
    infinite = make_result(1).dumps().replace('"iterations": 3', '"iterations": 1e999')
    content = f"[{good.dumps()}, null, {infinite}]"
    found = list(parse(content.encode(), "a.json"))
    assert found[0] == good
    assert [str(item).split(":")[0] for item in found[1:]] == [
        "a.json, item 2 is not a Result",
        "a.json, item 3 is damaged",
    ]


@pytest.mark.parametrize("content", [b"<html>\n<p>\n</html>", b"\x00\xff" * 100, b"[" * 100_000])
def test_what_is_something_else_is_told_once(content: bytes) -> None:
    (fault,) = parse(content, "page.html")
    assert str(fault).startswith("page.html is neither JSON nor JSON Lines: ")


def test_a_torn_document_is_told_once() -> None:
    torn = json.dumps([make_result(n).to_json() for n in range(3)], indent=2)[:-100]
    (fault,) = parse(torn.encode(), "torn.json")
    assert str(fault).startswith("torn.json is neither JSON nor JSON Lines: ")


# CSV


def read_csv(made: list[Result]) -> list[dict[str, str]]:
    """The rows as a spreadsheet gets them."""
    return list(csv.DictReader(io.StringIO(whole(csv_table(made)), newline="")))


def test_csv_has_a_row_for_each_result_and_a_column_for_each_measure() -> None:
    made = [make_result(1, batch_size=32, labels=("a", "b")), make_result(2, outcome="timeout")]
    first, second = read_csv(made)
    assert set(first) == {
        *("id", "created_at", "outcome", "labels"),
        *("model", "dataset", "runtime", "device", "precision", "batch_size", "threads", "mode"),
        *MEASURES,
        *("accuracy_low", "accuracy_high", "accuracy_images"),
        *("environment", "processor", "plugin", "plugin_version", "zoo_version"),
    }
    assert float(first["latency_s"]) == made[0].measures.latency_s
    assert (first["accuracy"], first["accuracy_low"], first["accuracy_images"]) == ("0.9", "0.88", "360")
    assert (first["batch_size"], first["threads"], first["labels"]) == ("32", "", "a b")
    assert (first["environment"], first["processor"]) == ("0123456789abcdef", "A processor")
    assert (second["outcome"], second["latency_s"], second["accuracy_low"]) == ("timeout", "", "")
    assert read_csv([]) == []


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("x","y")'])
def test_csv_text_that_looks_like_a_formula_is_harmless(text: str) -> None:
    (row,) = read_csv([make_result(model=text, labels=(text,), zoo_version=text)])
    assert row["model"] == row["labels"] == row["zoo_version"] == f"'{text}"


def test_csv_leaves_numbers_and_other_text_alone() -> None:
    small = make_result()
    measures = {**small.measures.to_json(), "parameters": -5, "load_s": -1e-9}
    (row,) = read_csv([make_result(measures=measures, labels=('quo"te, and\nline', "täglich"), model="a=b")])
    assert (row["parameters"], row["load_s"]) == ("-5", "-1e-09")
    assert (row["labels"], row["model"]) == ('quo"te, and\nline täglich', "a=b")


# pytest-benchmark


@given(st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=60) | st.lists(st.sampled_from([0.1, 0.2, 0.3]), min_size=1))
@settings(QUICK, max_examples=150)
def test_the_statistics_are_those_of_pytest_benchmark(samples: list[float]) -> None:
    theirs = Stats()
    for sample in samples:
        theirs.update(sample)
    assert pytest_stats(samples) == theirs.as_dict()


def test_pytest_benchmark_compares_what_was_exported(tmp_path: Path) -> None:
    made = [
        make_result(1, batch_size=32),
        make_result(2, model="plain20", batch_size=32),
        make_result(3, outcome="error"),
    ]
    exported = tmp_path / "zoo.json"
    exported.write_text(whole(pytest_benchmark(made)))
    done = subprocess.run(
        [Path(sys.executable).parent / "pytest-benchmark", "compare", exported.name, "--csv=out", "--time-unit=ms"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "300"},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "benchmark 'digits, batch 32': 2 tests" in done.stdout
    table = {line.split("[")[0]: line.split() for line in done.stdout.splitlines() if "batch32" in line}
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text()))}
    for result in made[:2]:
        samples = result.samples[0].latency_s
        row = rows[f"zoo::{result.scenario.model}[digits-tensorflow-cpu-float32-batch32-infer]"]
        assert float(row["min"]) == min(samples)
        assert float(row["mean"]) == pytest.approx(sum(samples) / len(samples), rel=1e-12)
        assert float(row["median"]) == pytest.approx((sorted(samples)[3] + sorted(samples)[4]) / 2, rel=1e-12)
        assert (int(row["rounds"]), int(row["iterations"])) == (len(samples), 3)
        assert row["param:batch_size"] == "32"
        assert table[result.scenario.model][1] == f"{1000 * min(samples):.4f}"


def test_two_exports_are_compared_with_each_other(tmp_path: Path) -> None:
    for name, number in (("before", 1), ("after", 4)):
        (tmp_path / f"{name}.json").write_text(whole(pytest_benchmark([make_result(number)])))
    done = subprocess.run(
        [Path(sys.executable).parent / "pytest-benchmark", "compare", "before.json", "after.json", "--between=min"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "1 tests, 2 sources" in done.stdout


def test_the_document_says_where_it_comes_from() -> None:
    made = [make_result(2), make_result(1)]
    document = json.loads(whole(pytest_benchmark(made)))
    assert document["machine_info"]["node"] == "0123456789abcdef"
    assert document["machine_info"]["python_version"] == "3.11.7"
    assert document["datetime"] == made[0].created_at
    assert document["commit_info"]["dirty"] is False
    first = document["benchmarks"][0]
    assert first["extra_info"]["id"] == made[0].id
    assert first["stats"]["data"] == list(made[0].samples[0].latency_s)


def test_a_file_of_pytest_benchmark_describes_one_machine() -> None:
    here = make_result().environment.to_json()
    others = [
        {**here, "packages": {"keras": "3.12.0", "jax": "0.7"}, "fingerprint": "1" * 16},
        {**here, "packages": {"keras": "3.13.0"}, "fingerprint": "2" * 16},
        {**here, "python": "CPython 3.12.0", "fingerprint": "3" * 16},
    ]
    first, of_another_runtime, *elsewhere = (make_result(n, environment=one) for n, one in enumerate([here, *others]))
    document = json.loads(whole(pytest_benchmark([first, of_another_runtime])))
    assert len(document["benchmarks"]) == 2
    for other in elsewhere:
        with pytest.raises(
            UsageError, match=r"come from 2 environments .* contradict .*; choose it with --environment"
        ):
            whole(pytest_benchmark([first, other]))


@pytest.mark.parametrize("made", [[], [make_result(outcome="timeout")], [make_result(samples=[])]])
def test_without_samples_there_is_nothing_for_pytest_benchmark(made: list[Result]) -> None:
    with pytest.raises(UsageError, match="no Result here has samples"):
        whole(pytest_benchmark(made))
