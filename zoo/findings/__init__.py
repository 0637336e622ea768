"""Findings: what is wrong with a plugin, where, and how to mend it. Each kind has a code, as mypy's errors have.

The codes are a contract: scripts and `--json` readers may rely on them, so one that has been released is never renamed.
They are kept in `codes.toml`, from which `docs/findings.md` is written too.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from zoo.errors import SpecError
from zoo.plain import Plain
from zoo.text import line, printable

Level = Literal["error", "warning"]
Group = Literal["discovery", "manners", "package", "models", "runtimes", "datasets", "results"]
MAX_DETAIL = 20_000


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


def codes(*groups: Group) -> Mapping[str, Code]:
    """The codes of these groups, by default all, in the order of their file. Nothing is read before it is needed."""
    chosen = (inside for group, inside in _by_group().items() if group in groups or not groups)
    return {name: code for inside in chosen for name, code in inside.items()}


@functools.cache
def _by_group() -> dict[str, dict[str, Code]]:
    import tomllib

    content = tomllib.loads(Path(__file__).with_name("codes.toml").read_text("utf-8"))
    return {group: {name: Code(**values) for name, values in inside.items()} for group, inside in content.items()}


@dataclass(frozen=True, slots=True)
class Finding(Plain):
    """Something that is wrong with a plugin. Its text is made printable here, whoever wrote it.

    Attributes:
        code: a key of `codes()`.
        where: a file and line, a hook, a spec or a layer.
        message: one line.
        detail: the long story, such as a traceback.
    """

    code: str
    where: str
    message: str
    detail: str = ""

    def __post_init__(self) -> None:
        if not all(isinstance(text, str) for text in (self.code, self.where, self.message, self.detail)):
            raise SpecError("not a finding")
        if self.code not in codes():
            raise SpecError(f"there is no finding {ascii(self.code)[:80]}")
        for name in ("where", "message"):
            object.__setattr__(self, name, line(getattr(self, name)))
        lines = self.detail[-MAX_DETAIL:].splitlines()  # the cause stands last in a traceback
        object.__setattr__(self, "detail", "\n".join(printable(one.expandtabs()) for one in lines))

    @property
    def kind(self) -> Code:
        """What its code means."""
        return codes()[self.code]

    @property
    def level(self) -> Level:
        """How bad it is."""
        return self.kind.level

    def __str__(self) -> str:
        return f"{self.where}: {self.message} [{self.code}]" if self.where else f"{self.message} [{self.code}]"

    def explained(self) -> dict[str, Any]:
        """JSON values: the fields, with the level, what the code means and how to mend it."""
        return {**self.to_json(), **asdict(self.kind)}
