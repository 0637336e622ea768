"""`zoo results`, in this process: no framework is needed for it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from support import make_result, make_scored

from zoo import cli
from zoo.record.result import Result
from zoo.results.rows import path_of
from zoo.results.store import Store


class Run:
    """Runs `zoo results …` on a store; what it printed and its exit code are kept."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys = capsys
        self.monkeypatch = monkeypatch

    def __call__(self, *arguments: str, stdin: bytes = b"") -> int:
        self.monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            cli.main(["results", *arguments])
        self.out, self.err = self.capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The default store, with three Results."""
    monkeypatch.setenv("ZOO_STORE", str(tmp_path / "store"))
    store = Store(tmp_path / "store")
    store.add(make_result(0, labels=("night",)))
    store.add(make_result(1, model="plain20", batch_size=32))
    store.add(make_result(2, model="resnet20", outcome="timeout"))
    return store


@pytest.fixture
def run(store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command on that store."""
    monkeypatch.setattr(cli, "COMMANDS", tuple(dict.fromkeys([*cli.COMMANDS, "results"])))
    return Run(capsys, monkeypatch)


def listed(run: Run) -> list[str]:
    """The models that were listed as JSON."""
    return [row["model"] for row in json.loads(run.out)]


# list


def test_a_bare_results_lists_the_newest_first(run: Run) -> None:
    assert run() == 0
    bare = run.out
    lines = bare.splitlines()
    assert lines[0].split() == [
        *("id", "model", "dataset", "batch", "runtime", "device", "precision"),
        *("latency", "images/s", "accuracy", "outcome", "environment", "labels"),
    ]
    assert [line.split()[1] for line in lines[2:]] == ["resnet20", "plain20", "toy_resnet"]
    assert "20261101T010000-00000001  plain20" in lines[3]
    assert "5.00 ms" in lines[4]
    assert "90.0 %" in lines[4]
    assert lines[4].endswith("night")
    assert run.err == ""
    assert run("list") == 0
    assert run.out == bare


def test_options_choose(run: Run) -> None:
    run("--model", "*20", "--json")
    assert listed(run) == ["resnet20", "plain20"]
    run("list", "--model", "*20", "--outcome", "ok", "--json")
    assert listed(run) == ["plain20"]
    run("--batch-size", "32", "--precision", "float32", "--device", "cpu", "--runtime", "tensorflow", "--json")
    assert listed(run) == ["plain20"]
    run("--label", "night", "--dataset", "digits", "--environment", "0123456789abcdef", "--json")
    assert listed(run) == ["toy_resnet"]
    run("--since", "2026-11-01T01:00", "--until", "2026-11-01", "--oldest-first", "--json")
    assert listed(run) == ["plain20", "resnet20"]


def test_more_than_the_limit_is_mentioned(run: Run) -> None:
    assert run("--limit", "2", "--json") == 0
    assert listed(run) == ["resnet20", "plain20"]
    assert run.err == "zoo: there are more than these 2; --limit 0 lists all\n"
    run("--limit", "3", "--json")
    assert (len(listed(run)), run.err) == (3, "")
    run("--limit", "0", "--json")
    assert (len(listed(run)), run.err) == (3, "")


def test_an_empty_list_says_so(run: Run, store: Store, tmp_path: Path) -> None:
    assert run("--model", "none") == 0
    assert (run.out, run.err) == ("", f"zoo: no such Result in {store.folder}\n")
    assert run("--store", str(tmp_path / "new"), "--json") == 0
    assert (run.out, run.err) == ("[]\n", f"zoo: no Result in {tmp_path / 'new'}\n")
    assert not (tmp_path / "new").exists()


def test_list_json_names_the_file(run: Run) -> None:
    run("--model", "toy*", "--json")
    (row,) = json.loads(run.out)
    assert Result.from_json(json.loads(Path(row["path"]).read_bytes())) == make_result(0, labels=("night",))
    assert row["labels"] == ["night"]


def test_formats_of_tabulate(run: Run) -> None:
    assert run("--format", "github") == 0
    assert run.out.startswith("| id ")
    assert run("--format", "nonsense") == 2


def test_damaged_files_are_mentioned_and_the_others_listed(run: Run, store: Store) -> None:
    for number in range(7):
        (store.folder / "2026-11" / f"{number}.json").write_text("torn")
    assert run("--json") == 0
    assert len(listed(run)) == 3
    lines = run.err.splitlines()
    assert lines[0] == f"zoo: {store.folder}/2026-11/0.json is damaged: not JSON"
    assert lines[5:] == ["zoo: and 2 more; 'zoo results list --damaged' names them all"]
    assert run("--damaged", "--json") == 0
    assert [Path(fault["path"]).name for fault in json.loads(run.out)] == [f"{number}.json" for number in range(7)]
    assert run("--damaged") == 0
    assert run.out.splitlines()[0].split() == ["path", "reason"]


def test_nothing_from_a_file_moves_the_cursor(run: Run, store: Store) -> None:
    result = make_result(9, model="\x1b[31mred\u202e", labels=("\x07",), outcome="error")
    store.add(result)
    for arguments in ([], ["show", result.id]):
        assert run(*arguments) == 0
        assert "?[31mred?" in run.out
        assert "\x1b" not in run.out
        assert "\x07" not in run.out


# show


def test_show_prints_what_bench_prints(run: Run) -> None:
    assert run("show", "20261101T01") == 0
    assert "A processor · 2 cores · 8 GiB" in run.out
    assert "plain20       223,242  29.0 M" in run.out
    assert run("show", "20261101T02") == 0
    assert "! resnet20, batch 1: timeout in build: no" in run.out
    assert run("show", "20261101T01", "--json") == 0
    assert Result.from_json(json.loads(run.out)) == make_result(1, model="plain20", batch_size=32)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["show", "2026"], "3 Results begin with '2026', such as"),
        (["show", "../../etc/passwd"], "no Result '../../etc/passwd' in"),
        (["show"], "Missing argument 'ID'."),
        (["--since", "yesterday"], "'yesterday' is not a date such as 2026-11-23"),
        (["--device", "tpu"], "device 'tpu' is not one of cpu, gpu, gpu:N"),
        (["rm"], "name the Results to remove by their ids, or choose them by options and --all"),
        (["rm", "--model", "*"], "name the Results to remove"),
        (["rm", "--all"], "this would remove 3 Results from"),
        (["rm", "--all", "--model", "toy*"], "this would remove 1 Results from"),
        (["rm", "20261101T00", "--all"], "remove either by ID, or with --all"),
        (["rm", "20261101T00", "--model", "x"], "remove either by ID, or with --all"),
        (["rm", "20261101T00", "nonsense"], "no Result 'nonsense' in"),
        (["import", "/nonexistent"], "can't read /nonexistent: no such file or directory"),
        (["import"], "Missing argument 'FILE...'."),
        (["export", "--format", "xml"], "unknown format 'xml'; the formats are jsonl, csv, pytest-benchmark"),
        (["export", "-o", "/proc/nowhere/out"], "can't write"),
        (["scores", "20261101T00"], "has no predictions: "),
        (["scores", "20261101T00", "--mistakes", "x.png"], "has no predictions: "),
        (["export", "--format", "pytest-benchmark", "--model", "none"], "no Result here has samples"),
        (["nonsense"], "No such command 'nonsense'."),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(run: Run, store: Store, arguments: list[str], line: str) -> None:
    assert run(*arguments) == 2
    assert run.out == ""
    assert line in run.err
    assert run.err.startswith("zoo: ")
    assert run.err.count("\n") == 1
    assert len(store.select()) == 3


# scores


def test_scores_of_a_result(run: Run, store: Store, tmp_path: Path) -> None:
    store.add(make_scored())
    assert run("scores", "20261101T05", "--confusion", str(tmp_path / "c.svg")) == 0
    assert "cat      dog                 2" in run.out
    assert (tmp_path / "c.svg").read_text().startswith("<svg ")
    newest = run.out
    assert run("scores") == 0
    assert run.out == newest
    assert run("scores", "20261101T05", "--json") == 0
    assert json.loads(run.out)["confusion"] == [[1, 2, 0], [0, 1, 1], [0, 0, 1]]


def test_scores_of_nothing(run: Run, tmp_path: Path) -> None:
    assert run("scores", "--store", str(tmp_path / "none")) == 2
    assert run.err == f"zoo: no Result in {tmp_path / 'none'} has a score; 'zoo bench NAME' measures one\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--confusion", "c.png"], "c.png must be the name of an SVG file"),
        (["--mistakes", "m.jpg"], "m.jpg must be the name of a PNG file"),
    ],
)
def test_pictures_need_the_right_name(run: Run, store: Store, arguments: list[str], line: str) -> None:
    store.add(make_scored())
    assert run("scores", "20261101T05", *arguments) == 2
    assert (run.out, run.err) == ("", f"zoo: {line}\n")


# export and import


def test_export_to_a_file_and_import_elsewhere(run: Run, store: Store, tmp_path: Path) -> None:
    out, other = tmp_path / "out.jsonl", str(tmp_path / "other")
    assert run("export", "-o", str(out)) == 0
    assert run.out == run.err == ""
    assert run("export", "--format", "jsonl") == 0
    assert run.out == out.read_text()
    assert run("import", "--store", other, str(out)) == 0
    assert run.out == "added 3, known already 0, not readable 0\n"
    assert run("import", "--store", other, "-", str(out), stdin=out.read_bytes()) == 0
    assert run.out == "added 0, known already 6, not readable 0\n"
    assert run("export", "--store", other) == 0
    assert run.out == out.read_text()


def test_export_takes_the_options_that_choose(run: Run) -> None:
    assert run("export", "--format", "csv", "--model", "plain*", "-o", "-") == 0
    header, row = run.out.splitlines()
    assert header.startswith("id,created_at,outcome,labels,model,")
    assert row.startswith("20261101T010000-00000001,2026-11-01T01:00:00+00:00,ok,,plain20,")
    assert run("export", "--format", "pytest-benchmark") == 0
    assert len(json.loads(run.out)["benchmarks"]) == 2


def test_import_names_bad_lines_and_reads_the_others(run: Run, store: Store, tmp_path: Path) -> None:
    lines = tmp_path / "lines.jsonl"
    lines.write_text("\n".join([make_result(5).dumps(), '{"torn": ', make_result(0).dumps(), make_result(6).dumps()]))
    assert run("import", str(lines)) == 3
    assert run.out == "added 2, known already 1, not readable 1\n"
    assert run.err == f"zoo: {lines}, line 2 is damaged: not JSON\n"
    assert len(store.select()) == 5


def test_export_goes_on_where_a_file_was_damaged_after_it_was_indexed(run: Run, store: Store) -> None:
    store.select()
    path = store.folder / path_of(make_result(1).id)
    path.write_text("torn")
    assert run("export") == 3
    assert run.out.count("\n") == 2
    assert run.err == f"zoo: {path} is damaged: not JSON\n"


# rm


def test_rm_by_id_and_by_options(run: Run, store: Store) -> None:
    assert run("rm", "20261101T00", make_result(0).id) == 0
    assert run.out == "removed 1\n"
    assert run("rm", "--all", "--outcome", "timeout", "--yes") == 0
    assert run.out == "removed 1\n"
    assert [row.model for row in store.select()] == ["plain20"]
    assert run("rm", "--all", "--yes") == 0
    assert store.select() == []
    assert run("rm", "--all") == 0
    assert run.out == "removed 0\n"


def test_a_damaged_result_can_be_removed_by_its_id(run: Run, store: Store) -> None:
    path = store.folder / path_of(make_result(1).id)
    path.write_text("torn")
    assert run("rm", path.stem) == 0
    assert not path.exists()
    assert store.damaged() == []


def test_help_lists_the_subcommands(run: Run) -> None:
    assert run("--help") == 0
    for name in ("list", "show", "export", "import", "rm"):
        assert f"  {name} " in run.out
