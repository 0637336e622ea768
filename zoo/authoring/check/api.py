"""`zoo plugin check` from Python."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from zoo import registry as _registry
from zoo.authoring.check import declared, models, parts, results, runtimes
from zoo.authoring.check.left_out import LeftOut
from zoo.authoring.check.target import Target, find
from zoo.errors import UsageError
from zoo.executors.local import OnEvent
from zoo.findings import Finding, Level, codes
from zoo.index import DISABLE_VARIABLE, config_file
from zoo.installed import normalised
from zoo.keras_backend import BACKENDS, is_installed
from zoo.plugins.reader import read
from zoo.plugins.record import Record
from zoo.plugins.settings import switched_off
from zoo.text import line

OBSERVER = "zoo.authoring.check.manners:Manners"
DETAIL_LINES = 15  # of a traceback; the JSON has all of it


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was checked, and what was found.

    Attributes:
        models, datasets, runtimes, exporters, executors: their names.
        recipes, weights: for models of other plugins, such as "toy_resnet for shapes".
        listens: whether it is told of Results.
        backends: of Keras, on which the models were checked.
        not_checked: what was left out and why.
    """

    distribution: str
    version: str
    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()
    exporters: tuple[str, ...] = ()
    executors: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    listens: bool = False
    backends: tuple[str, ...] = ()
    not_checked: tuple[LeftOut, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether there is nothing that must be mended."""
        return all(level(finding) == "warning" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        values["not_checked"] = [asdict(one) for one in self.not_checked]
        findings = [{**finding.explained(), "level": level(finding)} for finding in self.findings]
        return {**values, "passes": self.passes, "findings": findings}


def level(finding: Finding) -> Level:
    """How bad it is: in a check, what the zoo puts up with when it reads a plugin is an error too."""
    return "error" if finding.code in codes("discovery", "manners") else finding.level


def describe(finding: Finding) -> str:
    """A finding in some lines: where, what, and how to mend it."""
    detail = [f"    {one}" for one in finding.detail.splitlines()[-DETAIL_LINES:]]
    lines = [
        f"{level(finding)} [{finding.code}] {finding.where}",
        f"  {finding.message}",
        *detail,
        f"  mend: {finding.kind.mend}",
    ]
    return "\n".join(lines)


def check(
    target: str | None = None,
    *,
    backends: Sequence[str] | None = None,
    on_event: OnEvent | None = None,
    disabled: Collection[str] = (),
) -> Report:
    """Check a distribution: its metadata, what its plugins declare, and that all of it works.

    Whatever it does happens in processes of its own, each with a time limit.

    :param target: an installed distribution or entry point, or the folder of a source tree, which need not be
        installed; by default the folder that this is.
    :param backends: of Keras; by default all that are installed.
    :param on_event: told of each phase.
    :param disabled: distributions or entry points to leave alone, besides those that are switched off elsewhere.
    :raises UsageError: if there is no such plugin or backend, or it is switched off.
    """
    tell = on_event or (lambda _: None)
    found, left_out = _switched_on(find(target), disabled)
    used, without = _backends(backends)
    tell({"event": "phase", "name": "reading"})
    records = declarations(found)
    others = _registry.load([*disabled, found.distribution])
    findings = [*declared.package(found), *declared.names(records, others), *parts.places(records, others)]
    for record in records:
        findings += [*record.findings, *declared.plugin(record)]

    specs = [spec for record in records for spec in record.models]
    datasets = [spec for record in records for spec in record.datasets]
    served = [spec for record in records for spec in record.runtimes]
    exporters = [spec for record in records for spec in record.exporters]
    executors = [spec for record in records for spec in record.executors]
    weights = [spec for record in records for spec in record.weights]
    listeners = [record.plugin for record in records if record.listens]
    environment = environment_of(found)
    classes = {name: entry.spec.classes for name, entry in others.datasets.items()}
    classes |= {spec.name: spec.classes for spec in datasets}
    known = parts.models(records, others)
    findings += parts.check_weights(weights, known, classes, used[0], environment, tell)
    left_out += parts.left_out(records, known)
    recipes = [recipe for record in records for recipe in record.recipes]
    if specs or any(recipe.references for recipe in recipes):
        findings += models.check(specs, recipes, classes, used, environment, tell)
        left_out += without
    else:
        used = ()
    for some, not_there in (
        runtimes.check_runtimes(served, environment, tell),
        runtimes.check_datasets(datasets, found.distribution, environment, tell),
    ):
        findings += some
        left_out += not_there
    findings += results.check_exporters(exporters, environment, tell)
    findings += results.check_listeners(listeners, environment, tell)
    left_out += [LeftOut("executor", spec.name, f"'zoo bench NAME --on {spec.name}' tries it") for spec in executors]
    return Report(
        distribution=line(found.distribution),
        version=line(found.version),
        models=tuple(spec.name for spec in specs),
        datasets=tuple(spec.name for spec in datasets),
        runtimes=tuple(spec.name for spec in served),
        exporters=tuple(spec.name for spec in exporters),
        executors=tuple(spec.name for spec in executors),
        recipes=tuple(f"{part.model} for {part.dataset}" for record in records for part in record.recipes),
        weights=tuple(f"{part.model} for {part.dataset}" for part in weights),
        listens=bool(listeners),
        backends=tuple(used),
        not_checked=tuple(left_out),
        findings=tuple(dict.fromkeys(sorted(findings, key=level))),
    )


def declarations(target: Target) -> list[Record]:
    """What its plugins declare. One that was slow is read once more: that may have been the disk."""
    path = [*target.path, *sys.path]
    records = read(target.points, path=path, observer=OBSERVER)
    for number, record in enumerate(records):
        if record.load_s > declared.SLOW_S and not record.failed:
            (again,) = read(target.points[number : number + 1], path=path, observer=OBSERVER)
            records[number] = min(record, again, key=lambda one: one.load_s)
    return records


def _switched_on(target: Target, disabled: Collection[str]) -> tuple[Target, list[LeftOut]]:
    """The target without those of its plugins that are switched off, and these."""
    off = switched_off(disabled)
    names = {point: {normalised(point.name), normalised(point.distribution)} for point in target.points}
    points = tuple(point for point in target.points if not off.keys() & names[point])
    if not points:
        raise UsageError(
            f"{target.distribution} is switched off, by --no-plugin, {DISABLE_VARIABLE} or {config_file()}; "
            "switch it on to check it"
        )
    left_out = [LeftOut("plugin", point.name, "it is switched off") for point in target.points if point not in points]
    return replace(target, points=points), left_out


def _backends(wanted: Sequence[str] | None) -> tuple[tuple[str, ...], list[LeftOut]]:
    """Those to check on, and why not on the others."""
    for name in wanted or ():
        if name not in BACKENDS:
            raise UsageError(f"'{name}' is no Keras backend; there are {', '.join(BACKENDS)}")
        if not is_installed(name):
            raise UsageError(f"{name} is not installed here; pip install 'zoobench[{name}]' brings it")
    chosen = tuple(name for name in BACKENDS if name in wanted) if wanted else tuple(filter(is_installed, BACKENDS))
    if not chosen:
        raise UsageError("no Keras backend is installed; pip install 'zoobench[tensorflow]' brings one")
    lacking = [name for name in BACKENDS if not is_installed(name)]
    others = [name for name in BACKENDS if name not in (*chosen, *lacking)]
    left_out = [LeftOut("backend", name, "it is not installed") for name in lacking]
    return chosen, [*left_out, *(LeftOut("backend", name, "it was not asked for") for name in others)]


def environment_of(target: Target) -> dict[str, str]:
    """What a process needs to import it from a source tree."""
    if not target.path:
        return {}
    return {"PYTHONPATH": os.pathsep.join([*target.path, *filter(None, [os.environ.get("PYTHONPATH")])])}
