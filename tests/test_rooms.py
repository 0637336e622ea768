"""Rooms depend one way: each uses only those before it in `ROOMS`, and no chain of them is long."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# From the ground up. A room is a package, or the modules in a row.
ROOMS: tuple[tuple[str, ...], ...] = (
    (
        "errors",
        "text",
        "streams",
        "plain",
        "cgroups",
        "cores",
        "index",
        "references",
        "installed",
        "keras_backend",
        "paths",
        "files",
        "chart",
        "choices",
    ),
    ("record",),
    ("specs", "hookspecs"),
    ("executors",),
    ("modeling",),
    ("findings", "plugins", "registry", "builtin", "listing"),
    ("data",),
    ("weights",),
    ("runtimes",),
    ("benchmarking",),
    ("exporting", "predicting"),
    ("training",),
    ("study",),
    ("results",),
    ("report",),
    ("authoring", "testing"),
    ("api",),
    ("cli", "start", "__main__"),
)
LONGEST_CHAIN = 8  # rooms, from the command line to the ground
LEVEL = {name: number for number, room in enumerate(ROOMS) for name in room}


def imports(path: Path) -> Iterator[str]:
    """The zoo's modules that a file imports anywhere but for type checkers alone."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.startswith("zoo."))
        elif isinstance(node, ast.ImportFrom) and node.module == "zoo":
            yield from (f"zoo.{name.name}" for name in node.names if name.name in LEVEL)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("zoo."):
            yield node.module


def room_of(module: str) -> str:
    return module.split(".")[1]


def modules() -> list[Path]:
    return [path for path in sorted((ROOT / "zoo").rglob("*.py")) if path != ROOT / "zoo" / "__init__.py"]


def test_every_module_lies_in_a_room() -> None:
    assert {path.relative_to(ROOT / "zoo").parts[0].removesuffix(".py") for path in modules()} == set(LEVEL)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_uses_a_room_above_its_own(path: Path) -> None:
    here = path.relative_to(ROOT / "zoo").parts[0].removesuffix(".py")
    assert [module for module in imports(path) if LEVEL[room_of(module)] > LEVEL[here]] == []


def test_no_chain_of_rooms_is_longer_than_it_may_be() -> None:
    used: dict[int, set[int]] = {number: set() for number in range(len(ROOMS))}
    for path in modules():
        here = LEVEL[path.relative_to(ROOT / "zoo").parts[0].removesuffix(".py")]
        used[here] |= {LEVEL[room_of(module)] for module in imports(path)} - {here}
    chains: list[list[str]] = []  # for each room the longest that begins with it
    for number, room in enumerate(ROOMS):
        below = max((chains[other] for other in used[number]), key=len, default=[])
        chains.append([room[0], *below])
    longest = max(chains, key=len)
    assert len(longest) <= LONGEST_CHAIN, " → ".join(longest)
