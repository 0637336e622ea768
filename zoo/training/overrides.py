"""Changes to a recipe, as `--set key=value` gives them. Pure; no framework."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from zoo.errors import SpecError, UsageError
from zoo.specs import RECIPE_CHOICES, Recipe
from zoo.text import printable

FIXED = ("model", "dataset", "name", "summary")
TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def parse(settings: Iterable[str]) -> dict[str, Any]:
    """The changes that texts of the form `key=value` ask for, each with the type of its field.

    :raises UsageError: for a field that a recipe has not, or a value that is not of its type.
    """
    kinds = typing.get_type_hints(Recipe)
    changes = {}
    for setting in settings:
        name, equals, text = (part.strip() for part in setting.partition("="))
        if not equals:
            raise UsageError(f"--set takes key=value, not '{printable(setting)[:80]}'")
        _check_name(name)
        try:
            changes[name] = _value(text, kinds[name])
        except ValueError:
            wanted = _wanted(name, kinds[name])
            raise UsageError(f"{name} must be {wanted}, not '{printable(text)[:80]}'") from None
    return changes


def apply(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """The recipe with some fields changed.

    :raises UsageError: for a field that a recipe has not, or a value that it can't take.
    """
    for name in changes:
        _check_name(name)
    try:
        return dataclasses.replace(recipe, **changes)
    except SpecError as error:
        raise UsageError(str(error)) from None


def _check_name(name: str) -> None:
    names = [field.name for field in dataclasses.fields(Recipe) if field.name not in FIXED]
    if name not in names:
        close = difflib.get_close_matches(name.lower().replace("-", "_"), names, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"it has {', '.join(names)}"
        raise UsageError(f"a recipe has no '{printable(name)[:80]}' to set; {hint}")


def _value(text: str, kind: Any) -> Any:
    """A field's value from its text; ValueError if it is not one."""
    if kind is bool:
        if text.lower() not in TRUTH:
            raise ValueError
        return TRUTH[text.lower()]
    if typing.get_origin(kind) is tuple:
        element = typing.get_args(kind)[0]
        return tuple(element(part.strip()) for part in text.strip("()[]").split(","))
    if isinstance(kind, types.UnionType):
        return None if text.lower() == "none" else text
    return kind(text)


def _wanted(name: str, kind: Any) -> str:
    if name in RECIPE_CHOICES:
        return f"one of {', '.join(RECIPE_CHOICES[name])}"
    if isinstance(kind, types.GenericAlias):
        return "numbers with commas between them"
    return {int: "a whole number", float: "a number", bool: "true or false"}[kind]
