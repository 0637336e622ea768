"""`zoo compare`: is B faster than A, and is that sure?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from zoo.cli import names
from zoo.cli.options import as_json, echo_json, store_option, table_format
from zoo.errors import EXIT_OK

if TYPE_CHECKING:
    from zoo.record.result import Result
    from zoo.results.gate import Limit
    from zoo.results.store import Store
    from zoo.results.verdicts import Comparison


def fail_if(function: click.decorators.FC) -> click.decorators.FC:
    """`--fail-if`, for every command that compares."""
    return click.option(
        "--fail-if",
        "limits",
        metavar="LIMIT",
        multiple=True,
        help="What must not be, such as 'latency>+5%' or 'accuracy<-0.5pp': exit 1 if it surely is, 4 if it can't "
        "be told.",
    )(function)


@click.command("compare")
@click.argument("a", metavar="A", shell_complete=names.files)
@click.argument("b", metavar="B", shell_complete=names.files)
@fail_if
@click.option("--across-environments", is_flag=True, help="Allow Results of different machines or versions.")
@store_option
@table_format
@as_json
def command(
    a: str, b: str, limits: tuple[str, ...], across_environments: bool, store: Store, fmt: str, as_json: bool
) -> int:
    """Compare what was measured before: B against A.

    A and B are each a model (its newest Results here), the id of a Result, a label, or a file of Results. A verdict is
    given only where the whole interval says so, and none on the speed of doubtful Results. 'zoo bench B --against A'
    measures both now, in turn, which tells smaller differences.
    """
    from zoo.results import gate
    from zoo.results.api import compare

    parsed = [gate.parse(limit) for limit in limits]
    comparisons = compare(a, b, store=store, across_environments=across_environments)
    return print_comparisons(comparisons, parsed, fmt, as_json)


def print_comparisons(
    comparisons: Sequence[Comparison],
    limits: Sequence[Limit],
    fmt: str,
    as_json: bool,
    results: Sequence[Result] = (),
) -> int:
    """Print comparisons and what the gate says of them; the exit code.

    :param results: what was measured for them, which JSON holds as well.
    """
    from zoo.report import comparisons as report
    from zoo.results import gate

    judged = gate.judge(limits, comparisons)
    if as_json:
        echo_json(
            {
                "comparisons": [comparison.to_json() for comparison in comparisons],
                "gate": [{"limit": limit.text, "scenario": where, "outcome": said} for limit, where, said in judged],
                **({"results": [result.to_json() for result in results]} if results else {}),
            }
        )
    else:
        click.echo(report.table(comparisons, fmt))
        lines = [*report.sides(comparisons), *report.reasons(comparisons), *report.gate_lines(judged)]
        for line in ["", *lines]:
            click.echo(line)
    return gate.exit_code(judged) if limits else EXIT_OK
