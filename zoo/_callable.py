"""Let a package be called as the public function of the same name.

`zoo.bench` is both a room of this project and a function of its interface, and Python binds a sub-package to its
parent's attribute when it is imported. Giving the module a class of its own is Python's documented way of customising a
module (language reference, section 3.3.2.1).
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


def make_callable(package: str, module: str = "zoo.api") -> None:
    """Make calling the package call the function of the same name in a module."""
    name = package.rpartition(".")[2]

    class CallablePackage(ModuleType):
        def __call__(self, *arguments: Any, **options: Any) -> Any:
            return getattr(importlib.import_module(module), name)(*arguments, **options)

    sys.modules[package].__class__ = CallablePackage
