"""What a kind of finding means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding.

    Attributes:
        level: "error": what it concerns is not used, and `zoo plugin check` fails; "warning": it is used all the same.
        what: what it means, a sentence or two.
        mend: what its author does about it.
    """

    level: Level
    what: str
    mend: str
