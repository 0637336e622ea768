"""From bytes to a Result. What is read is checked here and nowhere else; the rest of the zoo relies on it."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.errors import UsageError
from zoo.results.layout import path_of
from zoo.results.schema import SCHEMA, Result

Needed = tuple[tuple[tuple[str, ...], type | tuple[type, ...]], ...]

NUMBER = (int, float)
MAYBE = (*NUMBER, type(None))


def _needed(kinds: Mapping[type | tuple[type, ...], str]) -> Needed:
    """Paths of names by kind, as pairs of a path and its kind."""
    return tuple((tuple(path.split(".")), kind) for kind, paths in kinds.items() for path in paths.split())


# What lists, tables and exports read within the fields of a Result. More may be there.
PARTS = ("scenario", "environment", "measures", "stats", "plugin")
NEEDED = _needed(
    {
        str: "scenario.model scenario.dataset scenario.runtime scenario.device scenario.precision "
        "environment.fingerprint environment.device environment.python environment.os.system environment.os.release "
        "environment.processor.model environment.processor.architecture plugin.distribution plugin.version",
        int: "scenario.batch_size environment.processor.usable_cores environment.processor.memory_bytes",
        (int, type(None)): "scenario.threads",
        dict: "environment.packages",
        list: "environment.accelerators",
        MAYBE: "measures.latency_s measures.images_per_second",
        (dict, type(None)): "measures.accuracy",
    }
)
NEEDED_IF_OK = _needed(
    {
        NUMBER: "measures.latency_s measures.images_per_second stats.images_per_second.low "
        "stats.images_per_second.high",
        MAYBE: "measures.parameters measures.macs measures.weights_bytes measures.peak_rss_bytes measures.import_s "
        "measures.build_s measures.first_call_s stats.latency_s.p90",
        int: "stats.latency_s.n",
    }
)
PARITY = _needed({MAYBE: "max_difference"})
# Measures that came later: an older Result lacks them.
LATER = {
    "macs_left_out": (list, type(None)),
    "flops_share": MAYBE,
    "bound_by": (str, type(None)),
    "energy_per_image_j": MAYBE,
    "energy_per_image_net_j": MAYBE,
    "power_w": MAYBE,
    "idle_power_w": MAYBE,
}
MACS_LEFT_OUT = _needed({str: "macs_left_out"})  # each of them
NOT_MEASURED = "not measured by that version"
NO_ACCURACY = _needed({str: "accuracy"})
ACCURACY = _needed({NUMBER: "value low high images"})
ACCELERATOR = _needed({str: "name"})
CHECK = _needed({str: "code message"})
FAILURE = _needed({(str, type(None)): "phase log", str: "message"})
WEIGHTS = _needed({str: "source sha256"})

OVERFLOW = re.compile(rb"[eE]\+?[0-9]{3}")  # such a number may be infinite as a float


@dataclass(frozen=True, slots=True)
class Damaged:
    """A file, or a line of one, that holds no Result this zoo can read; `reason` completes the sentence."""

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where} {self.reason}"


def loads(content: bytes, where: str = "result") -> Result:
    """Read a record, and see that it is one that can be listed, shown, exported and written again.

    :param where: what to call it in an error.
    :raises UsageError: in a line that begins with `where`, if it is damaged or of a version this zoo doesn't know.
    """
    try:
        record = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise UsageError(f"{where} is damaged: not JSON") from None
    if not isinstance(record, dict) or "schema" not in record:
        raise UsageError(f"{where} is not a Result: it has no schema")
    if record["schema"] != SCHEMA:
        raise UsageError(f"{where} has the schema {_short(record['schema'], 40)}; this zoo reads {SCHEMA}")
    try:
        _check_fields(record)
        result = Result.from_json(record)
        _check_content(result)
        if OVERFLOW.search(content):
            result.dumps()
        result = _with_later(result)
    except KeyError as error:
        raise UsageError(f"{where} is damaged: it has no {error}") from None
    except (AttributeError, OverflowError, RecursionError, TypeError, ValueError, UsageError) as error:
        raise UsageError(f"{where} is damaged: {_short(error, 120)}") from None
    return result


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _short(value: object, length: int) -> str:
    return "".join(c if c.isprintable() else "?" for c in str(value)[:length])


def _check_fields(record: Mapping[str, Any]) -> None:
    """Refuse what is missing, unknown, or of another kind than the field's default or annotation says."""
    fields = {f.name: f for f in dataclasses.fields(Result)}
    if unknown := record.keys() - fields:
        raise TypeError(f"unknown field '{_short(min(unknown), 40)}'")
    for name, f in fields.items():
        required = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if name not in record:
            if required:
                raise TypeError(f"no field '{name}'")
            continue
        value, kind = record[name], str(f.type)
        if value is None and kind.endswith("| None"):
            continue
        expected = dict if kind.startswith("Mapping") else list if kind.startswith("tuple") else str
        inner = dict if "Mapping" in kind else str
        if not isinstance(value, expected) or (expected is list and not all(isinstance(v, inner) for v in value)):
            raise TypeError(f"'{name}' is of another kind")


def _check_content(result: Result) -> None:
    """Refuse what can't be listed, shown or exported."""
    path_of(result.id)
    result.get_created()
    result.get_scenario()
    record = {name: getattr(result, name) for name in PARTS}
    _check(record, NEEDED)
    if result.outcome == "ok":
        _check(record, NEEDED_IF_OK)
        later = {name: result.measures[name] for name in LATER if name in result.measures}
        _check(later, tuple(((name,), LATER[name]) for name in later))
        for name in later.get("macs_left_out") or ():
            _check({"macs_left_out": name}, MACS_LEFT_OUT)
    if result.parity is not None:
        _check(result.parity, PARITY)
    if result.outcome != "ok" or result.failure:
        _check(result.failure or {}, FAILURE)
    if (accuracy := result.measures["accuracy"]) is not None:
        _check(accuracy, ACCURACY)
    elif result.outcome == "ok":
        _check(result.reasons, NO_ACCURACY)
    for accelerator in result.environment["accelerators"]:
        _check(accelerator, ACCELERATOR)
    for check in result.checks:
        _check(check, CHECK)
    if result.weights is not None:
        _check(result.weights, WEIGHTS)
    for process in result.samples:
        sum(process["latency_s"])  # numbers, all of them


def _with_later(result: Result) -> Result:
    """The same with None, and the reason, for measures that came after it was written."""
    lacking = [name for name in LATER if name not in result.measures]
    if not lacking:
        return result
    return dataclasses.replace(
        result,
        measures={**result.measures, **dict.fromkeys(lacking)},
        reasons={**dict.fromkeys(lacking, NOT_MEASURED), **result.reasons},
    )


def _check(values: Mapping[str, Any], needed: Needed) -> None:
    for path, kind in needed:
        value: Any = values
        for name in path:
            value = value[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise TypeError(f"{'.'.join(path)} is of the type {type(value).__name__}")
        if isinstance(value, NUMBER) and not math.isfinite(value):  # which raises where a whole number is too large
            raise ValueError(f"{'.'.join(path)} is not finite")
