"""Where scenarios are measured, other than in processes of this machine."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.plain import Plain
from zoo.specs.checks import DISTRIBUTION, REFERENCE, check, check_match, check_name, check_text


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutorSpec(Plain):
    """Where scenarios are measured, other than in processes of this machine: a cluster.

    Attributes:
        name: unique in the zoo; `zoo bench --on NAME` takes it.
        summary: one line.
        run: `"package.module:function"`, imported in a process of its own.
        requires: distributions that it needs; it is unavailable while one is not installed.
        install: the command that installs them, shown where one is missing.
    """

    name: str
    summary: str
    run: str
    requires: tuple[str, ...] = ()
    install: str | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        check_text(self.summary, "summary")
        check_match(REFERENCE, self.run, "run", '"package.module:function"')
        check(isinstance(self.requires, (tuple, list)), "requires must be a tuple")
        for distribution in self.requires:
            check_match(DISTRIBUTION, distribution, "requires", "the name of a distribution")
        object.__setattr__(self, "requires", tuple(self.requires))
        if self.install is not None:
            check_text(self.install, "install")
