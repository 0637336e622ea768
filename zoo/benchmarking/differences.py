"""What differs between two environments whose Results are not comparable. Pure functions of their records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.benchmarking.environment import fingerprinted
from zoo.record.environment import Environment

MOST_NAMED = 6
ABSENT = "none"


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that two environments don't share.

    Attributes:
        name: such as "processor model" or "numpy".
        a, b: what it is in each, in words.
    """

    name: str
    a: str
    b: str

    def __str__(self) -> str:
        return f"{self.name}: {self.a} and {self.b}"


def differences(a: Environment, b: Environment) -> list[Difference]:
    """Every fact in which two environments differ, of those that their fingerprints cover."""
    facts_a, facts_b = (dict(_facts("", fingerprinted(one))) for one in (a, b))
    names = dict.fromkeys([*facts_a, *facts_b])
    found = [Difference(name, facts_a.get(name, ABSENT), facts_b.get(name, ABSENT)) for name in names]
    return [difference for difference in found if difference.a != difference.b]


def in_words(a: Environment, b: Environment) -> str:
    """The differences in one line; where none is recorded, the two fingerprints."""
    found = differences(a, b)
    if not found:
        return f"fingerprint: {a.fingerprint} and {b.fingerprint}"
    named = [str(difference) for difference in found[:MOST_NAMED]]
    left = len(found) - len(named)
    return "; ".join([*named, f"{left} more"] if left else named)


def _facts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Name and value of each fact in a record. What packages and variables are called says enough by itself."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            plain = name in ("", "packages", "variables", "cuda_packages", "container")
            yield from _facts(str(key) if plain else f"{name} {key}".replace("_", " "), inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, inner in enumerate(value):
            yield from _facts(f"{name} {number}", inner)
    else:
        yield name, ABSENT if value is None else str(value)
