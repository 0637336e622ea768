"""What runtimes see of this machine, found out in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zoo.errors import ZooError
from zoo.executors.local import Task, call
from zoo.references import resolve
from zoo.registry import Entry
from zoo.runtimes.availability import why_not
from zoo.specs import RuntimeSpec
from zoo.text import describe

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What one runtime sees.

    Attributes:
        devices: a line for each.
        problem: why it sees nothing, if so.
    """

    devices: tuple[str, ...]
    problem: str | None


def look(entries: Iterable[Entry[RuntimeSpec]], timeout_s: float = TIMEOUT_S) -> Iterator[dict[str, Seen]]:
    """Ask runtimes for the devices that they see; whatever becomes of their process is an answer too.

    Those that one plugin brings for one framework share a process. Yields the answers of each.
    """
    groups: dict[object, list[RuntimeSpec]] = {}
    for entry in entries:
        spec = entry.spec
        if (reason := why_not(spec)) is not None:
            yield {spec.name: Seen((), reason)}
        else:
            groups.setdefault((entry.plugin, spec.keras_backend, spec.requires), []).append(spec)
    for specs in groups.values():
        task = Task(
            "zoo.runtimes.look:ask",
            {"runtimes": {spec.name: spec.runtime for spec in specs}},
            {"KERAS_BACKEND": specs[0].keras_backend},
            timeout_s,
            label=f"look-{specs[0].name}",
        )
        try:
            answers = call(task)
        except ZooError as error:
            answers = {spec.name: {"devices": [], "problem": str(error)} for spec in specs}
        yield {name: Seen(tuple(answer["devices"]), answer["problem"]) for name, answer in answers.items()}


def ask(job: Mapping[str, Any], report: Callable[..., None]) -> dict[str, dict[str, Any]]:
    """In that process: what each runtime answers."""
    return {name: _answer(reference) for name, reference in job["runtimes"].items()}


def _answer(reference: str) -> dict[str, Any]:
    try:
        return {"devices": [str(line) for line in resolve(reference)().devices()], "problem": None}
    except ZooError as error:
        return {"devices": [], "problem": str(error)}
    except Exception as error:  # a plugin's own fault, which the others in this process survive
        return {"devices": [], "problem": describe(error)}
