"""What a spec's fields are checked for. What is wrong is one line, safe to print."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from zoo.errors import SpecError
from zoo.paths import IMAGE_FOLDER
from zoo.plain import to_json

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
PATTERN = re.compile(r"[a-z0-9_.*?\[\]!-]{1,64}")  # shell globs of names, names among them
# `__main__` is whatever script is run: neither code nor files of a plugin.
REFERENCE = re.compile(r"(?!__main__[.:])[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
PACKAGE_FILE = re.compile(r"(?!__main__[.:])[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[\w][\w.-]*(/[\w][\w.-]*)*")
DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
SHA256 = re.compile(r"[0-9a-f]{64}")
MAX_TEXT = 300
ANY_DATASET = "*"


def check_name(name: object) -> str:
    """The name itself, or SpecError if it can't be one."""
    check_match(NAME, name, "name", f"^{NAME.pattern}$", "invalid-name")
    return str(name)


def check_dataset_name(name: object) -> None:
    """SpecError unless it is `name`, `name/config` or `folder:PATH`."""
    if isinstance(name, str) and name.startswith(IMAGE_FOLDER):
        check(name.isprintable() and name != IMAGE_FOLDER, f"dataset {short(name)} must name a folder")
        return
    parts = name.split("/") if isinstance(name, str) else [name]
    check(len(parts) <= 2, f"dataset {short(name)} must be a name or name/config")
    for part in parts:
        check_name(part)


def check(condition: bool, message: str, code: str = "invalid-spec") -> None:
    """SpecError unless the condition holds; `code` is of the finding it makes."""
    if not condition:
        raise SpecError(message, code)


def check_match(pattern: re.Pattern[str], value: object, name: str, form: str, code: str = "invalid-spec") -> None:
    """SpecError unless it is text of that pattern, which is described by `form`."""
    matches = isinstance(value, str) and pattern.fullmatch(value)
    check(bool(matches), f"{name} {short(value)} must have the form {form}", code)


def check_text(value: object, name: str) -> None:
    """SpecError unless it is one line that can be printed."""
    message = f"{name} must be one line of 1 to {MAX_TEXT} printable characters"
    check(isinstance(value, str) and value != "", message)
    check(len(str(value)) <= MAX_TEXT, message, "too-large")
    check(str(value).isprintable(), message, "unprintable-text")


def short(value: object) -> str:
    """How a message shows a value: no terminal escape code of a plugin's gets through."""
    text = ascii(value[:80] if isinstance(value, str) else value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def is_count(value: object) -> bool:
    """Whether it is a whole number of at least 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def is_number(value: object) -> bool:
    """Whether it is a number of at least 0, and not absurd."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e12


def is_finite(value: object) -> bool:
    """Whether it is a number, neither infinite nor NaN."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def frozen_json(value: Any, name: str) -> Mapping[str, Any]:
    """A read-only copy of a mapping of JSON values, as JSON would bring it back."""
    message = f"{name} must be a mapping from names to JSON values"
    check(isinstance(value, Mapping), message)
    try:
        plain = to_json(value)
        copy = json.loads(json.dumps(plain, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        raise SpecError(message) from None
    check(copy == plain, message)  # keys that were not text would be text now
    return MappingProxyType(copy)


def as_tuple(value: object, name: str) -> tuple[Any, ...]:
    """A tuple or list with something in it, as a tuple."""
    if not isinstance(value, (tuple, list)) or not value:
        raise SpecError(f"{name} must be a tuple")
    return tuple(value)


def as_specs(values: Any, kind: type[Any], name: str) -> tuple[Any, ...]:
    """A tuple or list of specs of a kind, or of their JSON values, as a tuple; no two of one name for one dataset."""
    check(isinstance(values, (tuple, list)), f"{name} must be a tuple of {kind.__name__}")
    specs = tuple(kind.from_json(v) if isinstance(v, Mapping) else v for v in values)
    check(all(isinstance(s, kind) for s in specs), f"{name} must be a tuple of {kind.__name__}")
    keys = [(s.dataset, getattr(s, "name", None)) for s in specs]
    check(len(set(keys)) == len(keys), f"{name} has two entries of one name for one dataset")
    return specs
