"""A way to write Results for others."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zoo.plain import Plain
from zoo.specs.checks import REFERENCE, check_match, check_name, check_text

SUFFIX = re.compile(r"(\.[a-z0-9]{1,16}){1,2}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ExporterSpec(Plain):
    """A way to write Results for others: a table, a chart, another tool's format.

    Attributes:
        name: unique in the zoo; `zoo results export --format NAME` takes it.
        summary: one line.
        write: `"package.module:function"`, imported in a separate process and called as
            `function(results: Sequence[zoo.Result]) -> str | bytes`.
        suffix: of a file of this format, such as `".csv"`.
    """

    name: str
    summary: str
    write: str
    suffix: str

    def __post_init__(self) -> None:
        check_name(self.name)
        check_text(self.summary, "summary")
        check_match(REFERENCE, self.write, "write", '"package.module:function"')
        check_match(SUFFIX, self.suffix, "suffix", '".csv"')
