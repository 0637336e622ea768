"""What a check leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zoo.text import line


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that was not checked.

    Attributes:
        kind: what it is; models are left out by the Keras backend that they would be checked on.
        why: the reason, without a capital or a full stop.
    """

    kind: Literal["plugin", "backend", "runtime", "dataset", "executor", "weights", "recipe"]
    name: str
    why: str

    def __post_init__(self) -> None:
        for name in ("name", "why"):
            object.__setattr__(self, name, line(getattr(self, name)))

    def __str__(self) -> str:
        what = f"models on {self.name}" if self.kind == "backend" else f"{self.kind} {self.name}"
        return f"{what}: {self.why}"
