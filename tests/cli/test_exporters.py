"""`zoo results export --format NAME`: formats of plugins, written in processes of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from distributions import Site
from support import Zoo, make_result

from zoo.errors import UsageError, ZooError
from zoo.installed import CORE
from zoo.record.result import Result
from zoo.references import resolve
from zoo.registry import load
from zoo.results.exporters import export_results
from zoo.results.store import Store

DECLARES = """
import zoo

@zoo.hookimpl
def zoo_exporters():
    return [
        zoo.ExporterSpec(name=name, summary="s", write=f"zoo_acme.write:{name}", suffix=".txt")
        for name in ("words", "octets", "nothing", "lists", "raises", "exits", "ends", "prints", "refuses", "missing")
    ] + [zoo.ExporterSpec(name="csv", summary="s", write="zoo_acme.write:words", suffix=".txt")]
"""
WRITES = """
import os
import sys
import zoo

def words(results):
    assert all(isinstance(result, zoo.Result) for result in results)
    return "".join(f"{result.scenario.model} café\\n" for result in results)

def octets(results):
    return bytes([0, 255, len(results)])

def nothing(results):
    return None

def lists(results):
    return ["a"]

def raises(results):
    return results[1000]

def exits(results):
    sys.exit("no")

def ends(results):
    os._exit(7)

def prints(results):
    print("a table")
    return "a table"

def refuses(results):
    raise zoo.ZooError("these Results have no samples")
"""
WRONG = {
    "nothing": "zoo_acme.write:nothing must return str or bytes, not NoneType",
    "lists": "must return str or bytes, not list",
    "raises": "IndexError: list index out of range",
    "exits": "SystemExit: no",
    "ends": "exited with code 7 before it was done",
    "prints": "zoo_acme.write:prints prints to standard output; it must return all that it writes",
    "refuses": "failed: these Results have no samples",
    "missing": "zoo_acme.write has no missing",
}


@pytest.fixture
def acme(tmp_path: Path) -> dict[str, str]:
    """The variables under which the plugin is installed and a store has two Results."""
    site = Site(tmp_path / "site")
    site.folder.mkdir()
    site.install("zoo-acme", DECLARES, write=WRITES)
    for number, model in enumerate(("one", "two")):
        Store(tmp_path / "store").add(make_result(number, model=model))
    return {"PYTHONPATH": str(site.folder), "ZOO_STORE": str(tmp_path / "store")}


def test_the_format_of_a_plugin_is_written_to_standard_output(acme: dict[str, str], in_process: Zoo) -> None:
    done = in_process("results", "export", "--format", "words", **acme)
    assert (done.returncode, done.stdout) == (0, "one café\ntwo café\n")


def test_a_file_has_the_bytes_and_a_folder_gets_a_file_with_the_suffix(
    acme: dict[str, str], in_process: Zoo, tmp_path: Path
) -> None:
    assert in_process("results", "export", "--format", "octets", "-o", str(tmp_path / "f"), **acme).returncode == 0
    assert (tmp_path / "f").read_bytes() == bytes([0, 255, 2])
    done = in_process("results", "export", "--format", "words", "--model", "two", "-o", str(tmp_path), **acme)
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "results.txt").read_text() == "two café\n"


@pytest.mark.parametrize("name", WRONG)
def test_what_goes_wrong_is_a_line_that_names_the_plugin_and_nothing_is_written(
    acme: dict[str, str], in_process: Zoo, tmp_path: Path, name: str
) -> None:
    before = sorted(os.listdir(tmp_path))
    done = in_process("results", "export", "--format", name, "-o", str(tmp_path / "out"), **acme)
    (line,) = [line for line in done.stderr.splitlines() if "reserved-name" not in line]
    assert (done.returncode, done.stdout) == (3, "")
    assert line.startswith(f"zoo: the format {name} of zoo-acme 1.0 (plugin) failed: ")
    assert WRONG[name] in line
    assert sorted(os.listdir(tmp_path)) == before


def test_the_names_of_the_zoos_own_formats_are_reserved(acme: dict[str, str], in_process: Zoo) -> None:
    done = in_process("results", "export", "--format", "csv", **acme)
    assert done.stdout.startswith("id,created_at,")
    assert "the exporter 'csv' is the zoo's own; this plugin's is not used [reserved-name]" in done.stderr


def test_an_unknown_format_is_told_from_those_that_there_are(acme: dict[str, str], in_process: Zoo) -> None:
    done = in_process("results", "export", "--format", "wrods", **acme)
    assert done.returncode == 2
    line = done.stderr.splitlines()[-1]
    assert line.startswith("zoo: unknown format 'wrods'; did you mean 'words'? the formats are jsonl, csv, pytest-ben")
    off = in_process("--no-plugin", "zoo-acme", "results", "export", "--format", "words", **acme)
    assert off.stderr == "zoo: unknown format 'words'; the formats are jsonl, csv, pytest-benchmark\n"


def test_from_python_the_names_are_the_same(acme: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(acme["PYTHONPATH"])
    monkeypatch.setenv("PYTHONPATH", acme["PYTHONPATH"] + os.pathsep + os.environ.get("PYTHONPATH", ""))
    results: list[Result] = [make_result(model="mine")]
    assert b"".join(export_results(results, "words")) == "mine café\n".encode()
    assert b"".join(export_results(results)) == f"{results[0].dumps()}\n".encode()
    with pytest.raises(ZooError, match="zoo-acme"):
        next(export_results(results, "raises"))
    with pytest.raises(UsageError, match="the formats are jsonl, csv"):
        export_results(results, "xml")


def test_every_format_of_the_zoo_names_a_function_that_is_there() -> None:
    own = [entry.spec for entry in load().exporters.values() if entry.plugin == CORE]
    assert [spec.name for spec in own] == ["jsonl", "csv", "pytest-benchmark"]
    for spec in own:
        assert "".join(resolve(spec.write)([make_result()]))
