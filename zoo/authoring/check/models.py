"""Have models and the functions of recipes checked, a process for each Keras backend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.benchmarking.reference import ENVIRONMENT
from zoo.executors import folders
from zoo.executors.local import Failure, OnEvent, Task, run
from zoo.findings import Finding
from zoo.specs import ModelSpec, Recipe

TIMEOUT_S = 900.0
QUICK = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}  # what is called a few times need not be compiled for speed


def check(
    specs: Sequence[ModelSpec],
    recipes: Sequence[Recipe],
    classes: Mapping[str, int],
    backends: Sequence[str],
    environment: Mapping[str, str],
    on_event: OnEvent,
) -> list[Finding]:
    """All checks of the models, and of the functions that recipes name.

    :param recipes: for models of other plugins.
    :param classes: numbers of classes by dataset, where they are known.
    :param backends: of Keras, those that are installed.
    :param environment: what the processes need to import the plugins.
    :return: findings, one for a fault however many backends show it.
    """
    items = [
        {"name": s.name, "where": f"{s.build}, model {s.name}", "model": s.to_json(), "classes": _known(s, classes)}
        for s in specs
    ]
    items += [
        {"name": f"recipe {r.name} of {r.model} for {r.dataset}", "where": "zoo_recipes", "recipe": r.to_json()}
        for r in recipes
        if r.references
    ]
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    with folders.make(folders.CHECK) as owned:
        for backend in backends:
            job = {"items": items, "folder": str(owned.path)}
            for checked in _on_backend(job, backend, environment, on_event):
                for finding in checked["findings"]:
                    fault = {**finding, "backend": backend, "where": checked["where"]}
                    found.setdefault((checked["name"], finding["code"]), []).append(fault)
    return [_merged(code, faults, backends) for (_, code), faults in found.items()]


def _known(spec: ModelSpec, classes: Mapping[str, int]) -> dict[str, int]:
    return {w.dataset: classes[w.dataset] for w in spec.weights if w.dataset in classes}


def _on_backend(
    job: Mapping[str, Any], backend: str, environment: Mapping[str, str], on_event: OnEvent
) -> Iterator[dict[str, Any]]:
    """The event of each item, in as many processes as it takes: a model that ends its process costs only itself."""
    left = list(job["items"])
    while left:
        events: list[dict[str, Any]] = []
        begun: list[str] = []

        def collect(event: dict[str, Any], events: list[Any] = events, begun: list[str] = begun) -> None:
            if event["event"] == "checked":
                events.append(event)
            elif event["event"] == "begun":
                begun.append(event["name"])
                on_event({"event": "phase", "name": f"{event['name']} on {backend}"})

        task = Task(
            "zoo.authoring.check.model_worker:run",
            {**job, "items": left},
            {**ENVIRONMENT, **QUICK, **environment, "KERAS_BACKEND": backend},
            TIMEOUT_S,
            label=f"check-{backend}",
        )
        failure = run(task, collect).failure
        yield from events
        left = left[len(events) :]
        if failure is not None and left:
            item = left.pop(0)
            log = log_of(failure)
            fault = {"code": "build-fails", "message": f"its process failed: {failure.message}", "detail": log}
            yield {"name": item["name"], "where": item["where"], "findings": [fault]}


def log_of(failure: Failure) -> str:
    """What a process that failed has printed, as far as it was kept."""
    try:
        return Path(failure.log).read_text("utf-8", "replace") if failure.log else ""
    except OSError:
        return ""


def _merged(code: str, faults: Sequence[Mapping[str, str]], backends: Sequence[str]) -> Finding:
    first, on = faults[0], [fault["backend"] for fault in faults]
    only = "" if len(on) == len(backends) else f" on {', '.join(on)}"
    return Finding(code, f"{first['where']}{only}", first["message"], first["detail"])
