"""Checks of what a distribution says of itself and what its plugins declare. Nothing of it is imported here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from zoo.authoring.check.target import Target
from zoo.findings import Finding
from zoo.installed import CORE
from zoo.plugins.record import Record
from zoo.registry import Registry

SLOW_S = 0.5
CORE_DISTRIBUTION = "zoobench"
NEEDED = {"version": "version", "description": "description", "requires_python": "requires-python"}


def package(target: Target) -> Iterator[Finding]:
    """The distribution's metadata."""
    missing = [name for key, name in NEEDED.items() if not target.metadata[key]]
    if CORE_DISTRIBUTION not in target.metadata["dependencies"]:
        missing.append(f"{CORE_DISTRIBUTION} among its dependencies")
    if missing:
        yield Finding("no-metadata", target.where, f"{target.distribution} has no {', no '.join(missing)}")
    if not target.metadata["licence"]:
        yield Finding("no-licence", target.where, f"{target.distribution} names no licence")


def plugin(record: Record) -> Iterator[Finding]:
    """What one plugin declares, and how long that took."""
    heavy = any(finding.code == "heavy-import" for finding in record.findings)
    if record.load_s > SLOW_S and not heavy:
        message = f"importing it and calling its hooks took {record.load_s:.1f} s; accepted are {SLOW_S} s"
        yield Finding("slow-import", record.plugin.reference, message)
    for model in record.models:
        where = f"model {model.name}"
        if model.licence is None:
            yield Finding("no-licence", where, f"{model.name} names no licence")
        if model.paper is None:
            yield Finding("no-paper", where, f"{model.name} names no paper")
        if not model.recipes:
            yield Finding("no-recipe", where, f"{model.name} has no recipe")
    for dataset in record.datasets:
        where = f"dataset {dataset.name}"
        if dataset.licence is None:
            yield Finding("no-licence", where, f"{dataset.name} names no licence")
        if dataset.source is None:
            yield Finding("no-paper", where, f"{dataset.name} names no source")


def names(records: Sequence[Record], others: Registry) -> Iterator[Finding]:
    """No name is declared twice, or taken by another plugin that is installed here.

    :param others: without the plugins that are checked.
    """
    for kind in ("model", "dataset", "runtime", "exporter", "executor"):
        mine = Counter(spec.name for record in records for spec in getattr(record, f"{kind}s"))
        existing = getattr(others, f"{kind}s")
        for name, count in mine.items():
            owner = existing[name].plugin if name in existing else None
            if owner == CORE:
                yield Finding("reserved-name", f"{kind} {name}", f"the {kind} '{name}' is the zoo's own")
            elif owner is not None:
                yield Finding("duplicate-name", f"{kind} {name}", f"the {kind} '{name}' is declared by {owner} too")
            if count > 1:
                yield Finding("duplicate-name", f"{kind} {name}", f"the {kind} '{name}' is declared {count} times")
