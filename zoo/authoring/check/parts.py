"""Have weights and recipes checked that a plugin brings for models of other plugins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from zoo.authoring.check.left_out import LeftOut
from zoo.authoring.check.models import QUICK, TIMEOUT_S, log_of
from zoo.benchmarking.reference import ENVIRONMENT
from zoo.executors.local import OnEvent, Task, run
from zoo.findings import Finding
from zoo.installed import Plugin
from zoo.plugins.record import Record
from zoo.plugins.supplements import Part, match
from zoo.registry import Registry
from zoo.specs import ModelSpec, WeightsSpec


def brought(records: Sequence[Record]) -> list[tuple[Plugin, Part]]:
    """The weights and recipes of the hooks `zoo_weights` and `zoo_recipes`, with their plugins."""
    parts: list[tuple[Plugin, Part]] = []
    for record in records:
        parts += [(record.plugin, part) for part in record.weights]
        parts += [(record.plugin, part) for part in record.recipes]
    return parts


def models(records: Sequence[Record], others: Registry) -> dict[str, ModelSpec]:
    """The models of these plugins and of those that are installed, as their own plugins declare them."""
    declared = [spec for record in (*others.records.values(), *records) for spec in record.models]
    own = {spec.name for record in records for spec in record.models}
    return {spec.name: spec for spec in declared if spec.name in others.models or spec.name in own}


def places(records: Sequence[Record], others: Registry) -> Iterator[Finding]:
    """No place is claimed twice, or taken by another plugin. A model that isn't installed is nothing wrong.

    :param others: without the plugins that are checked.
    """
    mine = {record.plugin for record in records}
    _, wrong = match(models(records, others), [*brought(list(others.records.values())), *brought(records)])
    for plugin, finding in wrong:
        if plugin in mine and finding.code != "unknown-model":
            yield finding


def left_out(records: Sequence[Record], known: Mapping[str, ModelSpec]) -> Iterator[LeftOut]:
    """The weights and recipes whose model isn't here."""
    for _, part in brought(records):
        if part.model is not None and not any(fnmatchcase(name, part.model) for name in known):
            yield LeftOut(
                "weights" if isinstance(part, WeightsSpec) else "recipe",
                f"of {part.model} for {part.dataset}",
                f"no model {part.model} is installed",
            )


def check_weights(
    specs: Sequence[WeightsSpec],
    known: Mapping[str, ModelSpec],
    classes: Mapping[str, int],
    backend: str,
    environment: Mapping[str, str],
    on_event: OnEvent,
) -> list[Finding]:
    """Whether each file is there, has the digest that is declared, and fits the model, if that is here.

    :param classes: numbers of classes by dataset, where they are known.
    :param backend: of Keras.
    :param environment: what the process needs to import the plugins.
    """
    findings: list[Finding] = []
    for spec in specs:
        model = known.get(spec.model or "")
        where = f"{spec.file}, weights of {spec.model} for {spec.dataset}"
        on_event({"event": "phase", "name": f"weights of {spec.model}"})
        job: dict[str, Any] = {
            "weights": spec.to_json(),
            "model": model.to_json() if model else None,
            "classes": classes.get(spec.dataset),
        }
        task = Task(
            "zoo.authoring.check.weights_worker:run",
            job,
            {**ENVIRONMENT, **QUICK, **environment, "KERAS_BACKEND": backend},
            TIMEOUT_S,
            label=f"check-weights-{spec.model}",
        )
        completed = run(task)
        if completed.failure is not None:
            what = f"its process failed: {completed.failure.message}"
            findings.append(Finding("weights-do-not-fit", where, what, log_of(completed.failure)))
        else:
            value: Any = completed.value
            findings += [Finding(code, where, message) for code, message in value]
    return findings
