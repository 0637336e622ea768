"""`zoo plugin new`: what it writes is complete, sound, and passes every check as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import Zoo

from zoo.authoring.new import KINDS, NAME, new
from zoo.errors import UsageError
from zoo.registry import load
from zoo.specs import check_name

BIN = Path(sys.executable).parent
OURS = "A,ARG,B,C4,E,F,I,N,PERF,PIE,PT,RET,RUF,S,SIM,UP,W"


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of each kind, and of each the longest name."""
    folder = tmp_path_factory.mktemp("new")
    known = load()
    for kind in KINDS:
        for name in (f"my_{kind}", f"a{kind}".ljust(40, "x")):
            new(name, kind, folder / name, registry=known)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_a_complete_distribution(trees: Path, kind: str) -> None:
    tree = trees / f"my_{kind}"
    files = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    code = {"model": "model.py", "runtime": "runtime.py", "dataset": "data.py"}[kind]
    assert files == {
        *(".gitignore", ".github/workflows/test.yml", "LICENSE", "README.md", "pyproject.toml"),
        *(
            "tests/test_conformance.py",
            f"zoo_my_{kind}/__init__.py",
            f"zoo_my_{kind}/{code}",
            f"zoo_my_{kind}/py.typed",
        ),
    }
    for path in tree.rglob("*"):
        if path.is_file():
            assert "$" not in path.read_text().replace("${{ matrix", "")
    start = [line for line in (tree / "README.md").read_text().splitlines() if line.startswith("    ")]
    assert len(start) == 2
    assert tree.stat().st_mode & 0o777 == 0o777 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize(
    "arguments",
    [
        ["format", "--check", "--isolated", "."],
        ["check", "--isolated", "."],
        ["check", "--isolated", "--line-length", "120", "--target-version", "py311", "--select", OURS, "."],
    ],
    ids=["format", "their default", "ours"],
)
def test_ruff_is_content(trees: Path, arguments: list[str]) -> None:
    for tree in trees.iterdir():  # each alone: in its repository, the zoo is a third party's
        done = subprocess.run([BIN / "ruff", *arguments], cwd=tree, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_ours_is_what_the_zoo_asks_of_itself() -> None:
    import tomllib

    root = Path(__file__).resolve().parents[2]
    ruff = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["ruff"]
    assert ",".join(ruff["lint"]["select"]) == OURS


@pytest.mark.real
@pytest.mark.parametrize("kind", KINDS)
def test_mypy_is_content_when_it_is_strict(trees: Path, tmp_path: Path, kind: str) -> None:
    tree = trees / f"my_{kind}"
    assert "strict = true" in (tree / "pyproject.toml").read_text()
    done = subprocess.run(
        [BIN / "mypy", "--cache-dir", tmp_path.parent / "mypy"],
        cwd=tree,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert done.stdout == "Success: no issues found in 3 source files\n", done.stdout + done.stderr


@pytest.mark.real
def test_a_dataset_passes_every_check(zoo: Zoo, trees: Path) -> None:
    """A model does in the tutorial for authors, which tests/test_third_party.py follows."""
    done = zoo("plugin", "check", str(trees / "my_dataset"), "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["findings"], report["passes"]) == (0, [], True), done.stdout
    assert report["datasets"] == ["my_dataset"]


@pytest.mark.parametrize(
    "name", ["", "My_Model", "my-model", "1x", "_x", "x__y", "x_", "../../x", "a" * 41, "a\x1b[31m"]
)
def test_a_bad_name_is_refused_in_a_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as error:
        new(name, folder=tmp_path / "x")
    assert str(error.value).isprintable()
    assert not (tmp_path / "x").exists()


def test_a_likely_name_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'my_model'"):
        new("My-Model", folder=tmp_path / "x")


@given(st.from_regex(NAME, fullmatch=True))
def test_what_can_be_a_name_here_can_be_one_in_the_zoo(name: str) -> None:
    check_name(name[:64])
    assert f"zoo_{name}".isidentifier()


@pytest.mark.parametrize(
    ("kind", "name", "owner"),
    [("model", "toy_resnet", "zoo-toy-resnet"), ("runtime", "jax", "zoobench"), ("dataset", "digits", "zoobench")],
)
def test_a_name_that_is_taken_is_refused(tmp_path: Path, kind: str, name: str, owner: str) -> None:
    with pytest.raises(UsageError, match=f"the {kind} '{name}' is {owner} .*already"):
        new(name, kind, tmp_path / "x")


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(UsageError, match="is there already"):
        new("my_model", folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    (tmp_path / "empty").mkdir()
    assert new("my_model", folder=tmp_path / "empty").folder == tmp_path / "empty"


def test_nothing_is_left_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(UsageError, match=r"can't write .*: no space left on device"):
        new("my_model", folder=tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_comes_next(in_process: Zoo, tmp_path: Path) -> None:
    done = in_process("plugin", "new", "my_model", "-o", str(tmp_path / "zoo-mine"))
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        f"zoo-my-model: 9 files in {tmp_path / 'zoo-mine'}",
        f"  cd {tmp_path / 'zoo-mine'}",
        "  pip install -e '.[dev]'",
        "  zoo plugin check",
        "  zoo bench my_model",
    ]
    again = in_process("plugin", "new", "my_model", "-o", str(tmp_path / "zoo-mine"), "--json")
    assert again.returncode == 2
    assert again.stderr.startswith("zoo: ")
    assert len(again.stderr.splitlines()) == 1
