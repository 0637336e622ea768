"""Findings: what is wrong with a plugin, where, and how to mend it. Each kind has a code, as mypy's errors have.

The codes are a contract: scripts and `--json` readers may rely on them, so one that has been released is never renamed.
`docs/findings.md` is written from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from zoo.errors import SpecError
from zoo.findings.checks import DATASETS, MANNERS, MODELS, PACKAGE, RUNTIMES
from zoo.findings.code import Code, Level
from zoo.findings.discovery import DISCOVERY
from zoo.text import line, printable

__all__ = ["CODES", "DATASETS", "DISCOVERY", "MANNERS", "MODELS", "PACKAGE", "RUNTIMES", "Code", "Finding", "Level"]

CODES: Mapping[str, Code] = {**DISCOVERY, **MANNERS, **PACKAGE, **MODELS, **RUNTIMES, **DATASETS}
MAX_DETAIL = 20_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a plugin. Its text is made printable here, whoever wrote it.

    Attributes:
        code: a key of `CODES`.
        where: a file and line, a hook, a spec or a layer.
        message: one line.
        detail: the long story, such as a traceback.
    """

    code: str
    where: str
    message: str
    detail: str = ""

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise SpecError(f"there is no finding {ascii(self.code)[:80]}")
        for name in ("where", "message"):
            object.__setattr__(self, name, line(getattr(self, name)))
        lines = self.detail[-MAX_DETAIL:].splitlines()  # the cause stands last in a traceback
        object.__setattr__(self, "detail", "\n".join(printable(one.expandtabs()) for one in lines))

    @property
    def level(self) -> Level:
        """How bad it is."""
        return CODES[self.code].level

    def __str__(self) -> str:
        return f"{self.where}: {self.message} [{self.code}]" if self.where else f"{self.message} [{self.code}]"

    def to_json(self) -> dict[str, Any]:
        """JSON values: the fields, with the level, what the code means and how to mend it."""
        code = CODES[self.code]
        return {
            "code": self.code,
            "level": code.level,
            "where": self.where,
            "message": self.message,
            "what": code.what,
            "mend": code.mend,
            "detail": self.detail,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The finding that `to_json` wrote.

        :raises SpecError: if it is not one.
        """
        try:
            texts = [values[name] for name in ("code", "where", "message", "detail")]
        except (KeyError, TypeError):
            texts = [None]
        if not all(isinstance(text, str) for text in texts):
            raise SpecError("not a finding")
        return cls(*texts)
