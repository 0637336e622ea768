"""A refusal names what differs between two environments, and nothing that doesn't matter."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.benchmarking.computing import differences, in_words
from zoo.record.environment import Environment

HERE: dict[str, Any] = {
    "processor": {
        "model": "Acme 9",
        "architecture": "x86_64",
        "usable_cores": 4,
        "memory_bytes": 2**34,
        "caches": {"L2 unified": "1M"},
    },
    "accelerators": [{"name": "GPU", "power_limit_w": 700.0}],
    "cuda_packages": {},
    "os": {"system": "Linux", "release": "6.1"},
    "python": "CPython 3.11.7",
    "packages": {"keras": "3.12.0", "numpy": "2.4.0"},
    "container": {},
    "variables": {},
    "fingerprint": "a",
    "threads": 2,
}

BOARD = {"name": "GPU", "power_limit_w": 300.0}


def made(**changes: Any) -> Environment:
    return Environment.from_json({**HERE, **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"packages": {"keras": "3.12.0", "numpy": "2.5.0"}}, ["numpy: 2.4.0 and 2.5.0"]),
        ({"packages": {"keras": "3.12.0"}}, ["numpy: 2.4.0 and none"]),
        ({"variables": {"OMP_NUM_THREADS": "1"}}, ["OMP_NUM_THREADS: none and 1"]),
        ({"container": {"cpu.max": "1 2"}}, ["cpu.max: none and 1 2"]),
        (
            {"processor": {**HERE["processor"], "governor": "powersave", "caches": {"L2 unified": "2M"}}},
            ["processor caches L2 unified: 1M and 2M", "processor governor: none and powersave"],
        ),
        ({"os": {"system": "Linux", "release": "6.2"}}, ["os release: 6.1 and 6.2"]),
        ({"python": "CPython 3.12.0"}, ["python: CPython 3.11.7 and CPython 3.12.0"]),
        ({"accelerators": [BOARD]}, ["accelerators 0 power limit w: 700.0 and 300.0"]),
        ({"threads": 1, "fingerprint": "b"}, []),
    ],
)
def test_each_difference_is_named(changes: dict[str, Any], said: list[str]) -> None:
    assert [str(one) for one in differences(made(), made(**changes))] == said


def test_a_record_that_lacks_what_came_later_differs_in_nothing() -> None:
    older = Environment.from_json({key: value for key, value in HERE.items() if key != "variables"})
    assert differences(older, made()) == []
    assert in_words(older, made(fingerprint="b")) == "fingerprint: a and b"


def test_many_differences_are_counted() -> None:
    said = in_words(made(), made(packages={f"p{number}": "1" for number in range(7)}))
    assert said.count(";") == 6
    assert said.endswith("; 3 more")
