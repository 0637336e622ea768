"""What a command that only lists costs: nothing heavy is imported."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

HEAVY = ("tensorflow", "keras", "jax", "torch", "numpy", "sklearn", "rich", "psutil")


LISTINGS = (
    ["list"],
    ["list", "toy*", "--json"],
    ["weights"],
    ["weights", "list", "toy*", "--json"],
    ["data"],
    ["runtimes", "--json"],
    ["data", "show", "digits"],
    ["--help"],
    ["plugins", "--json"],
    ["completion", "bash"],
    ["bench", "--help"],
    ["export", "--help"],
)


# Runs the commands one after the other, and says what each was the first to import, and how it ended.
LISTS = f"""
import contextlib, io, json, sys
from zoo.cli import main
found, before = [], set()
for arguments in json.loads(sys.argv[1]):
    code = None
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")):
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code
    there = {{name for name in {HEAVY} if name in sys.modules}}
    found.append([code, sorted(there - before)])
    before = there
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def listed() -> dict[str, list[Any]]:
    """How each listing ended, and what heavy it imported: all in one process, and each in the order above."""
    command = [sys.executable, "-c", LISTS, json.dumps(LISTINGS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(zip(map(str, LISTINGS), json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("arguments", LISTINGS, ids=" ".join)
def test_listing_imports_nothing_heavy(listed: dict[str, list[Any]], arguments: list[str]) -> None:
    assert listed[str(arguments)] in ([None, []], [0, []])


@pytest.mark.parametrize("module", ["zoo", "zoo_toy_resnet", "zoo_plain_cnn", "zoo_cifar_resnet"])
def test_importing_the_zoo_or_a_plugin_imports_nothing_heavy(module: str) -> None:
    script = f"import sys, {module}; sys.exit(str([m for m in {HEAVY} if m in sys.modules] or ''))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.strip() == ""


def test_the_public_names_are_sorted_and_there() -> None:
    import zoo

    assert zoo.__all__ == sorted(zoo.__all__)
    for name in zoo.__all__:
        assert getattr(zoo, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        zoo.nothing  # noqa: B018 - the look-up itself is what fails


def test_rooms_that_share_a_functions_name_can_be_called() -> None:
    import zoo
    import zoo.benchmarking
    import zoo.modeling
    import zoo.training

    assert [spec.name for spec in zoo.models("toy_resnet")] == ["toy_resnet"]
    with pytest.raises(zoo.ZooError, match="unknown model 'toy_resnt'; did you mean 'toy_resnet'"):
        zoo.bench("toy_resnt")
    with pytest.raises(zoo.ZooError, match="unknown model"):
        zoo.train("nothing_like_it")
