"""What the two sides of a comparison are called: by whatever tells them apart. Pure functions of Results."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zoo.record.result import Result
from zoo.results.verdicts import SHOWN
from zoo.text import printable

# What can tell two sides apart, the most telling first. Beyond the model it stands beside the model.
FACTS: tuple[Callable[[Result], str], ...] = (
    lambda result: result.scenario.runtime,
    lambda result: result.scenario.device,
    lambda result: result.scenario.precision,
    lambda result: f"{result.scenario.threads or 'default'} threads",
    lambda result: ", ".join(result.labels) or "no label",
    lambda result: f"{result.plugin.distribution} {result.plugin.version}",
    lambda result: f"zoo {result.zoo_version}",
    lambda result: f"weights {result.weights.sha256[:SHOWN]}" if result.weights else "random weights",
    lambda result: f"code {result.code[:SHOWN]}" if result.code else "unknown code",
    lambda result: f"environment {result.environment.fingerprint[:SHOWN]}",
)


def name_sides(a: Sequence[Result], b: Sequence[Result]) -> tuple[str, str]:
    """A name for each side: its model; else the first fact that all of a side share and the other lacks; else ids."""
    models = [sorted({result.scenario.model for result in side}) for side in (a, b)]
    single = max(map(len, models)) == 1
    if single and models[0] != models[1]:
        return printable(models[0][0]), printable(models[1][0])
    beside = f"{models[0][0]}, " if single else ""
    for fact in FACTS:
        told = [{fact(result) for result in side} for side in (a, b)]
        if len(told[0]) == len(told[1]) == 1 and told[0] != told[1]:
            first, second = (f"{beside}{values.pop()}" for values in told)
            return printable(first), printable(second)
    return _ids(a), _ids(b)


def _ids(side: Sequence[Result]) -> str:
    more = f" and {len(side) - 1} more" if len(side) > 1 else ""
    return f"{side[0].id}{more}"
