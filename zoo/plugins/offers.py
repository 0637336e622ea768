"""What the zoo's own plugins bring, installed or not: whoever asks for it is told which to install."""

from __future__ import annotations

import tomllib
from pathlib import Path


def offers() -> dict[str, dict[str, list[str]]]:
    """Names by kind (`"model"`, `"dataset"` or `"runtime"`) and distribution."""
    return tomllib.loads(Path(__file__).with_name("offers.toml").read_text("utf-8"))


def brought_by(kind: str, name: str) -> str | None:
    """The distribution that brings what has this name, if it is one of the zoo's own."""
    return next((distribution for distribution, names in offers().get(kind, {}).items() if name in names), None)
