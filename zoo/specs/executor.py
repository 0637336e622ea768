"""Where scenarios are measured, other than in processes of this machine."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.choices import LOCAL
from zoo.errors import SpecError
from zoo.plain import Plain
from zoo.specs.checks import DISTRIBUTION, REFERENCE, check, check_match, check_name, check_text


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutorSpec(Plain):
    """Where scenarios are measured, other than in processes of this machine: a cluster.

    Attributes:
        name: unique in the zoo, and not `local`; `zoo bench --on NAME` takes it.
        summary: one line.
        run: `"package.module:function"`, imported in a separate process and called as
            `function(tasks: Mapping[str, str], tell: Callable[[str, str, str], None]) -> None`. `tasks` maps an id to a
            text. `python -m zoo.benchmarking.tasks` reads such a text from standard input, on any machine. It measures
            and prints the Results as a JSON array. For each task the function calls either
            `tell(id, "finished", ARRAY)` or `tell(id, "failed", REASON)`, as soon as it knows. Before that it may call
            `tell(id, "begun", WHERE)` for the progress bar. A task without a valid report is recorded as failed.
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
        if self.name == LOCAL:
            raise SpecError(f"the executor '{LOCAL}' is the zoo's own; choose another name", "reserved-name")
        check_text(self.summary, "summary")
        check_match(REFERENCE, self.run, "run", '"package.module:function"')
        check(isinstance(self.requires, (tuple, list)), "requires must be a tuple")
        for distribution in self.requires:
            check_match(DISTRIBUTION, distribution, "requires", "the name of a distribution")
        object.__setattr__(self, "requires", tuple(self.requires))
        if self.install is not None:
            check_text(self.install, "install")
