"""A Result can be given away: nothing in it says whose machine it was, or where things lie there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import Zoo, install

pytestmark = pytest.mark.real

PLUGIN = """
import pathlib
import tempfile

import zoo


@zoo.hookimpl
def zoo_models():
    return [
        zoo.ModelSpec(
            name="leaky", summary="s", build="leaky:build", input_shape=(8, 8, 1), classes=10, parameters=1
        )
    ]


def build(input_shape, classes):
    folders = (pathlib.Path.home(), tempfile.gettempdir(), pathlib.Path(__file__).parent)
    raise OSError(" and ".join(f"no {folder}/secret/x.bin" for folder in folders))
"""
OWNER = "zanzibar"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where everything lies: a user's home, and folders elsewhere."""
    folder = tmp_path_factory.mktemp("machine")
    for name in (f"home/{OWNER}", f"{OWNER}/tmp", f"{OWNER}/datasets", f"{OWNER}/site/leaky-1.0.dist-info"):
        (folder / name).mkdir(parents=True)
    site = install(folder / OWNER / "site", Path(__file__).parents[1] / "small.py")
    (site / "leaky.py").write_text(PLUGIN)
    (site / "leaky-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: leaky\nVersion: 1.0\n")
    (site / "leaky-1.0.dist-info" / "entry_points.txt").write_text("[zoo]\nleaky = leaky\n")
    return folder


@pytest.fixture(scope="module")
def variables(folder: Path) -> dict[str, str]:
    """The environment of that user."""
    return {
        "HOME": str(folder / "home" / OWNER),
        "USER": OWNER,
        "LOGNAME": OWNER,
        "TMPDIR": str(folder / OWNER / "tmp"),
        "ZOO_HOME": str(folder / OWNER / "zoo"),
        "ZOO_STORE": str(folder / OWNER / "store"),
        "PYTHONPATH": str(folder / OWNER / "site"),
        "SECRET_TOKEN": "a-token-of-nobody",
    }


@pytest.fixture(scope="module")
def results(quick: Zoo, folder: Path, variables: dict[str, str]) -> list[dict[str, Any]]:
    """Of a model that fails and of one that works but has no weights."""
    arguments = [
        "bench",
        "leaky",
        "small",
        "--runtime",
        "jax",
        "--max-time",
        "1",
        "--batch-size",
        "1",
        "--data-dir",
        str(folder / OWNER / "datasets"),
    ]
    done = quick(*arguments, "--json", **variables)
    assert done.returncode == 3, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    assert [result["outcome"] for result in found] == ["error", "ok"]
    return found


def test_no_owner_and_no_place_is_named(results: list[dict[str, Any]], folder: Path, variables: dict[str, str]) -> None:
    text = json.dumps(results)
    assert OWNER not in text
    assert str(folder) not in text
    assert [name for name, value in variables.items() if value in text] == []


def test_there_is_no_absolute_path_in_them(results: list[dict[str, Any]]) -> None:
    texts = [text for result in results for text in _texts(result)]
    assert len(texts) > 100
    assert [text for text in texts if re.search(r"(?<![\w…~$])/\w", text)] == []


def test_what_was_wrong_can_still_be_read(results: list[dict[str, Any]]) -> None:
    failed, worked = results
    assert failed["failure"]["message"] == "OSError: no ~/secret/x.bin and no $TMPDIR/secret/x.bin and no …/x.bin"
    assert failed["reasons"]["latency_s"] == f"error: {failed['failure']['message']}"
    # The folder that --data-dir named is added where it is printed, not in the record.
    assert worked["reasons"]["accuracy"].endswith("'zoo train small --dataset digits' makes them")


def test_show_says_where_the_log_lies_while_it_is_there(
    zoo: Zoo, results: list[dict[str, Any]], variables: dict[str, str]
) -> None:
    failed = results[0]
    log = Path(variables["ZOO_HOME"]) / "logs" / failed["failure"]["log"]
    assert "secret/x.bin" in log.read_text()
    assert f"(log: {log})" in zoo("results", "show", failed["id"], **variables).stdout
    log.unlink()
    assert f"(log: {log.name})" in zoo("results", "show", failed["id"], **variables).stdout


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (key, *_texts(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
