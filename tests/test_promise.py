"""What plugins import from the zoo is exactly what the promise covers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Template
from textwrap import dedent

import pytest

import zoo
from zoo.references import find

ROOT = Path(__file__).resolve().parent.parent
PROMISE = (ROOT / "docs" / "promise.md").read_text()
PLUGINS = sorted((ROOT / "plugins").glob("*/*/**/*.py"))
TEMPLATES = sorted((ROOT / "zoo" / "authoring" / "templates").rglob("*.py.template"))
PAGES = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(r"^```python\n# \S+\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)


class _Names(dict[str, str]):
    """A name for whatever a template leaves open."""

    def __missing__(self, key: str) -> str:
        return key


def sources() -> Iterator[tuple[str, str]]:
    """The Python code of the zoo's own plugins, and of what `zoo plugin new` writes, by its file."""
    for path in PLUGINS:
        yield str(path.relative_to(ROOT)), path.read_text()
    for path in TEMPLATES:
        yield str(path.relative_to(ROOT)), Template(path.read_text()).substitute(_Names())


def imported(source: str) -> Iterator[str]:
    """The names that it imports from the zoo, in full; `zoo.X` where it uses an attribute of the package."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.startswith("zoo."))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "zoo":
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "zoo":
            yield f"zoo.{node.attr}"


def promised() -> set[str]:
    """The names in the table of the page."""
    section = PROMISE.partition("## What plugins import\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `(zoo\.[\w.]+)` \|", section, re.MULTILINE))


EXPORTED = {f"zoo.{name}" for name in zoo.__all__}


def test_there_is_something_to_compare() -> None:
    assert len(PLUGINS) > 15
    assert len(TEMPLATES) >= 7
    found = {name for _, source in sources() for name in imported(source)}
    assert {"zoo.hookimpl", "zoo.ModelSpec", "zoo.errors.UsageError"} <= found


def test_what_our_plugins_and_templates_import_is_exactly_what_is_promised() -> None:
    assert {name for _, source in sources() for name in imported(source)} - EXPORTED == promised()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_of_a_page_imports_nothing_else(page: Path) -> None:
    found = {name for match in BLOCK.finditer(page.read_text()) for name in imported(dedent(match["code"]))}
    assert found <= EXPORTED | promised()


@pytest.mark.parametrize("name", sorted(promised()))
def test_what_is_promised_is_there(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    found = find(module)
    assert found is not None
    assert found.origin is not None
    tree = ast.parse(Path(found.origin).read_text())  # importing it may import a framework
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    passed_on = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert attribute in defined | passed_on


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from zoo.a.b import c as d", ["zoo.a.b.c"]),
        ("def f():\n    import zoo.a.b", ["zoo.a.b"]),
        ("import zoo\nzoo.Recipe()", ["zoo.Recipe"]),
        ("from zoo import Recipe", ["zoo.Recipe"]),
        ("import zoology\nfrom zoo_acme import x\nfrom . import zoo", []),
    ],
)
def test_an_import_is_seen_wherever_it_stands(source: str, names: list[str]) -> None:
    assert list(imported(source)) == names
