"""Rows as a table. It imports nothing but tabulate, so that a command that only lists starts quickly."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.text import printable


def render(headers: Sequence[str], rows: Sequence[Sequence[object]], fmt: str, right: Sequence[str] = ()) -> str:
    """A table in one of tabulate's formats; what a terminal would act on in a cell becomes `?`.

    :param right: headers of the columns that are aligned to the right.
    """
    from tabulate import tabulate

    if not rows:
        return tabulate([], headers, tablefmt=fmt)
    sides = ["right" if header in right else "left" for header in headers]
    cells = [["" if cell is None else printable(str(cell)) for cell in row] for row in rows]
    return tabulate(cells, headers, tablefmt=fmt, disable_numparse=True, colalign=sides)
