"""`docs/result-schema.md`, from the types of `zoo/record/` themselves: fields, types, units, and what they mean."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from hook_reference import describe, prose

from zoo.record import base, environment, measures
from zoo.record.doubts import DOUBTS
from zoo.record.readings import CODES
from zoo.record.result import Result

HEAD = """
# The Result: `zoo.result/1`

<!-- Written by docs/generate.py from the types in zoo/record/; `make docs` writes it anew. -->

`zoo bench --json` prints an array of Results, one for each scenario; a store holds one in each file. Within a version,
fields are only added: skip those that you don't know. A measure that came later is null in an older Result, with the
reason "not measured by that version".

[Parity](runtimes.md#parity) and [the statistics](measuring.md) have pages of their own.
"""

SETTINGS = """
## Your settings

`--threads` decides how many threads compute. Without it, the environment does: `OMP_NUM_THREADS`,
`TF_NUM_INTRAOP_THREADS`, `NPROC`, or the cores that the process may use. `environment.threads` has the number that the
runtime itself reports. Variables that change what computes, such as these, `XLA_FLAGS` or `LD_PRELOAD`, are in
`environment.variables`, and the fingerprint covers them.

Your own settings of Keras never matter. Each process that measures has a `keras.json` that the zoo writes: float32,
channels last, an epsilon of 1e-7. `KERAS_MAX_EPOCHS`, `KERAS_MAX_STEPS_PER_EPOCH` and `KERAS_NNX_ENABLED` are unset
for it.
"""

WORDS = {str: "string", int: "integer", float: "number", bool: "boolean", Any: "any", type(None): "null"}
UNITS = (
    (r".*_per_second", "images/s"),
    (r".*_mhz", "MHz"),
    (r".*_bytes", "bytes"),
    (r".*_cores(_busy)?", "cores"),
    (r"phases_s|.*_s|seconds", "s"),
    (r".*_j|joules", "J"),
    (r".*_w", "W"),
    (r".*_c", "°C"),
    (r".*_share|equal_top1|confidence", "share"),
    (r"(max|mean)_difference", "std. dev."),
)
# The unit of every number of a type whose names don't end in one.
UNITS_OF = {
    measures.LatencyStats: "s",
    measures.Rate: "images/s",
    measures.Accuracy: "share",
    environment.Load: "processes",
}


def page() -> str:
    """The whole page: a section for each type, in the order in which fields mention them."""
    parts = [HEAD.strip()]
    for record in records(Result):
        parts += [f"## {title(record)}", *section(record)]
    parts += ["## Check codes", _table("code", DOUBTS)]
    parts += ["## Codes of missing values", _table("code", CODES), SETTINGS.strip()]
    return "\n\n".join(parts) + "\n"


def records(root: type) -> list[type]:
    """A type and all that its fields hold, each once."""
    found = [root]
    for record in found:
        hints = typing.get_type_hints(record)
        for field in dataclasses.fields(record):
            found += [inner for inner in _within(hints[field.name]) if inner not in found]
    return found


def section(record: type) -> Iterator[str]:
    """What a type is for, and its fields as a table.

    :raises ValueError: if its docstring leaves a field out, or describes one that isn't there.
    """
    text, described = describe(record)
    yield prose(text).replace("None", "null")
    hints = typing.get_type_hints(record, include_extras=True)
    lines = ["| field | type | unit | meaning |", "| --- | --- | --- | --- |"]
    for field in dataclasses.fields(record):
        what = prose(described[field.name]).replace("None", "null")
        what = what.replace("a code of `CODES`", "[a code](#codes-of-missing-values)")
        what = what.replace("one of the codes of `zoo.record.doubts`", "[a code](#check-codes)")
        kind = _kind(hints[field.name])
        lines.append(f"| `{field.name}` | {kind} | {unit(record, field.name, kind)} | {what} |")
    yield "\n".join(lines)


def unit(record: type, name: str, kind: str) -> str:
    """Of a field's numbers; nothing where it has none, or they are counts."""
    if "number" not in kind and "integer" not in kind:
        return ""
    of_all = UNITS_OF.get(record, "") if "number" in kind else ""
    return next((text for pattern, text in UNITS if re.fullmatch(pattern, name)), of_all)


def title(record: type) -> str:
    """Its name in words: `LatencyStats` is "Latency stats"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", record.__name__).capitalize().replace("Cuda", "CUDA")


def _kind(hint: Any) -> str:
    """A type in JSON's words; a structure is a link to its section."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _kind(inner[0])
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_kind(one) for one in inner)
    if origin is tuple:
        return f"array of {_several(inner[0])}"
    if origin is not None and issubclass(origin, Mapping):
        return f"object of {_several(inner[1])}"
    if dataclasses.is_dataclass(hint):
        return f"[{title(hint)}](#{title(hint).lower().replace(' ', '-')})"
    return WORDS[hint]


def _several(hint: Any) -> str:
    kind = _kind(hint)
    return f"({kind})" if " or " in kind else kind


def _within(hint: Any) -> Iterator[type]:
    if isinstance(hint, type) and issubclass(hint, base.Plain):
        yield hint
    for inner in typing.get_args(hint):
        yield from _within(inner)


def _table(head: str, meanings: Mapping[str, str]) -> str:
    lines = [f"| {head} | meaning |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| `{name}` | {text} |" for name, text in meanings.items())])
