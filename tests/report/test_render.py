"""One renderer for all tables."""

from __future__ import annotations

from zoo.report.render import render


def test_what_a_terminal_would_act_on_is_not_printed_and_nothing_is_an_empty_cell() -> None:
    table = render(("name", "n"), [["a\x1b[31m\nb", 7], [None, 1000]], "tsv", right=("n",))
    assert table.splitlines()[1:] == ["a?[31m?b\t   7", "        \t1000"]


def test_a_table_without_rows_has_its_headers() -> None:
    assert render(("name", "n"), [], "simple").split() == ["name", "n", "------", "---"]
