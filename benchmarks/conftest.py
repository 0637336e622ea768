"""The models that the suite measures: those of every installed plugin, or the ones that `--models` names."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--models`, names or shell globs separated by commas."""
    parser.addoption("--models", default="toy_resnet,resnet20", help="names or shell globs; '*' for all")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrise by the registry: a new plugin's models are benchmarked without a line being written."""
    if "model_name" in metafunc.fixturenames:
        from zoo.registry import load

        chosen = load().select(metafunc.config.getoption("--models").split(","))
        metafunc.parametrize("model_name", [entry.spec.name for entry in chosen], scope="module")
