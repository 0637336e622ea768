"""Code named by `"package.module:name"`, imported when it is needed and not before."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from zoo.errors import ModelError


def resolve(reference: str) -> Callable[..., Any]:
    """The object that `"package.module:name"` names, imported now.

    :raises ModelError: if the module can't be imported or has no such name.
    """
    module_name, _, name = reference.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ModelError(f"can't import {reference}: {error}") from error
    try:
        return getattr(module, name)  # type: ignore[no-any-return]  # its caller calls it
    except AttributeError:
        raise ModelError(f"{module_name} has no {name}") from None
