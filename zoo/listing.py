"""The table of models, as `zoo list` prints it. Both ways of starting `zoo` use this, so it imports what Python has."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TypeVar

    from zoo.installed import Plugin
    from zoo.specs import ModelSpec

    Found = TypeVar("Found")

HEADERS = ["model", "parameters", "input", "weights", "plugin", "summary"]


def is_pattern(name: str) -> bool:
    """Whether the name is a shell glob."""
    return any(c in name for c in "*?[")


def matching(names: Iterable[str], pattern: str) -> list[str]:
    """The names that match a shell glob; of a name, itself if it is there."""
    if not is_pattern(pattern):
        return [name for name in names if name == pattern]
    from fnmatch import fnmatchcase

    return [name for name in names if fnmatchcase(name, pattern)]


def select(found: Mapping[str, Found], patterns: Iterable[str]) -> tuple[dict[str, Found], str | None]:
    """What is called by any of the names or matches any of the shell globs, each once, in the order asked for.

    :return: that, all where nothing is asked for; and the first pattern that selects nothing.
    """
    chosen: dict[str, Found] = {}
    for pattern in patterns:
        names = matching(found, pattern)
        if not names:
            return chosen, pattern
        chosen.update((name, found[name]) for name in names)
    return chosen or dict(found), None


def rows(models: Iterable[tuple[ModelSpec, Plugin]]) -> list[list[str]]:
    """The cells of each model's row."""
    return [
        [
            spec.name,
            f"{spec.parameters:,}",
            "×".join(map(str, spec.input_shape)),
            ", ".join(weights.dataset for weights in spec.weights) or "–",
            f"{plugin.distribution} {plugin.version}",
            spec.summary,
        ]
        for spec, plugin in models
    ]


def table(rows: list[list[str]]) -> str:
    """The table, in a terminal with summaries as short as it is narrow."""
    if sys.stdout.isatty():
        rows = _shortened(rows)
    return simple_table(HEADERS, rows, right="parameters")


def simple_table(headers: list[str], rows: list[list[str]], right: str) -> str:
    """What tabulate prints as "simple". Importing tabulate takes as long as all the rest of `zoo list`."""
    padded_headers = [header + "  " for header in headers]  # tabulate's least width of a column
    widths = [max(map(len, column)) for column in zip(padded_headers, *rows, strict=True)]

    def line(cells: list[str]) -> str:
        padded = [
            cell.rjust(width) if header == right else cell.ljust(width)
            for cell, width, header in zip(cells, widths, headers, strict=True)
        ]
        return "  ".join(padded).rstrip()

    return "\n".join([line(headers), line(["-" * width for width in widths]), *map(line, rows)])


def _shortened(rows: list[list[str]]) -> list[list[str]]:
    """The rows with summaries that fit into the terminal, so that the table stays one."""
    widths = [max(len(row[i]) for row in [*rows, HEADERS]) for i in range(len(HEADERS) - 1)]
    left = terminal_columns() - sum(widths) - 2 * len(widths)
    if left < 10:
        return rows
    return [[*row[:-1], row[-1] if len(row[-1]) <= left else row[-1][: left - 1] + "…"] for row in rows]


def terminal_columns() -> int:
    """What `shutil.get_terminal_size` says; to import shutil takes half as long as to start Python."""
    columns = os.environ.get("COLUMNS", "").strip()
    if columns.isdecimal() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]  # None is caught
    except (AttributeError, ValueError, OSError):
        return 80
