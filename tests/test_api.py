"""The public names are what they say at all times, whatever has been imported."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

import zoo

FUNCTIONS = [name for name in zoo.__all__ if inspect.isfunction(getattr(zoo, name))]


def test_public_names_are_sorted_and_there() -> None:
    assert sorted(zoo.__all__) == list(zoo.__all__)
    assert set(FUNCTIONS) >= {"bench", "build", "models", "train"}


def test_no_package_has_the_name_of_a_public_function() -> None:
    packages = {module.name for module in pkgutil.iter_modules(zoo.__path__)}
    assert not packages & set(zoo.__all__)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_keeps_its_signature_once_its_module_is_imported(name: str) -> None:
    before = inspect.signature(getattr(zoo, name))
    importlib.import_module(zoo._LAZY[name])
    assert inspect.isfunction(getattr(zoo, name))
    assert inspect.signature(getattr(zoo, name)) == before
