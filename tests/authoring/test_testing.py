"""`zoo.testing`: an author's test file is one import, and a run that has nothing to do with it doesn't notice it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import Zoo

from zoo.authoring.new import new
from zoo.findings import codes

PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
CHECKS = codes("package", "models")


def _pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest as an author does, whose installed zoo brings the plugin."""
    plugin = [] if _is_installed() else ["-p", "zoo.testing"]
    return subprocess.run(
        [*PYTEST, *plugin, *arguments], cwd=folder, capture_output=True, text=True, env=_environment()
    )


def _is_installed() -> bool:
    from importlib.metadata import entry_points

    return any(point.value == "zoo.testing" for point in entry_points(group="pytest11"))


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A plugin as `zoo plugin new` writes it."""
    return new("my_model", folder=tmp_path / "zoo-my-model").folder


def test_there_is_a_test_for_each_check(tree: Path) -> None:
    done = _pytest(tree, "--collect-only")
    found = [line for line in done.stdout.splitlines() if "::" in line]
    assert found == [f"tests/test_conformance.py::test_plugin[{name}]" for name in ("reading", *CHECKS)]


@pytest.mark.real
def test_faults_fail_their_tests_and_warnings_warn(tree: Path) -> None:
    source = tree / "zoo_my_model" / "__init__.py"
    text = source.read_text().replace("parameters=20_186", "parameters=20_187").replace('licence="MIT"', "licence=None")
    paper = text[text.index("            paper=") : text.index("            licence=")]
    source.write_text(text.replace(paper, ""))
    done = _pytest(tree, "--tb=short", "-o", "zoo_backends=torch")
    lines = done.stdout.splitlines()
    failed = [line.partition(" - ")[0] for line in lines if line.startswith("FAILED")]
    assert failed == [
        f"FAILED tests/test_conformance.py::test_plugin[{name}]" for name in ("no-licence", "wrong-parameters")
    ]
    assert "  my_model declares 20,187 parameters and has 20,186" in lines
    assert any(line.startswith("  mend: Declare the number that the message names") for line in lines)
    assert any("warning [no-paper] model my_model" in line for line in lines)
    assert lines[-1].startswith(f"2 failed, {1 + len(codes('package', 'models')) - 2} passed, 1 warning")


def test_a_file_in_no_source_tree_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("from zoo.testing import test_plugin\n")
    done = _pytest(tmp_path, f"--rootdir={tmp_path}")
    assert done.returncode != 0
    assert "lies in no folder with a pyproject.toml" in done.stdout + done.stderr


def test_a_run_without_it_imports_nothing_for_it(tmp_path: Path) -> None:
    heavy = ("keras", "tensorflow", "numpy", "click", "zoo.registry", "zoo.authoring", "zoo.specs")
    test = f"import sys\ndef test_it():\n    assert not [name for name in {heavy} if name in sys.modules]\n"
    (tmp_path / "test_it.py").write_text(test)
    done = subprocess.run(
        [*PYTEST, "-p", "zoo.testing", "test_it.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**_environment(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing-like-it"], "unknown plugin 'nothing-like-it'"),
        (["zoo-toy-resnet", "--backend", "theano"], "'theano' is no Keras backend; there are tensorflow, jax, torch"),
        (["zoo-toy-resnet", "--backend", "jax,"], "is not a list of names"),
        (["zoo-toy-resnet"], "zoo-toy-resnet is switched off"),
        (["toy-resnet", "--json"], "zoo-toy-resnet is switched off"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    in_process: Zoo, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    if "switched off" in message:
        monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "Zoo_Toy.resnet")
    done = in_process("plugin", "check", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_nothing_that_a_plugin_says_reaches_the_terminal_unescaped(
    in_process: Zoo, tmp_path: Path, options: list[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "evil\\u001b[31m\\u009b"\nversion = "\\u001b]0;title\\u0007"\n'
        '[project.entry-points.zoo]\n"\\u001b[32m" = "evil"\n'
    )
    (tmp_path / "evil.py").write_text("import zoo\nraise RuntimeError('\\x1b[31mred\\x9b')\n")
    done = in_process("plugin", "check", str(tmp_path), *options)
    assert done.returncode == 1
    assert "import-error" in done.stdout
    assert all(line.isprintable() for line in (done.stdout + done.stderr).splitlines())
