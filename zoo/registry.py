"""Select: read-only mappings of what the plugins declare, by name and by pattern."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, TypeVar

from zoo import builtin, installed, listing
from zoo.choices import LOCAL
from zoo.errors import UsageError
from zoo.findings import Finding
from zoo.installed import CORE, Plugin
from zoo.plugins.discover import Discovered, discover, keep_index
from zoo.plugins.record import Record
from zoo.plugins.supplements import Part, match
from zoo.specs import DatasetSpec, ExecutorSpec, ExporterSpec, ModelSpec, Recipe, RuntimeSpec, WeightsSpec
from zoo.text import printable

if TYPE_CHECKING:
    from zoo.index import Index

MENTIONED = 5

Spec = TypeVar("Spec", ModelSpec, DatasetSpec, RuntimeSpec, ExporterSpec, ExecutorSpec)


@dataclass(frozen=True, slots=True)
class Entry(Generic[Spec]):
    """A spec and the plugin that declares it.

    Attributes:
        parts: weights and recipes in the spec that other plugins bring, with those plugins.
    """

    spec: Spec
    plugin: Plugin
    parts: tuple[tuple[Part, Plugin], ...] = ()

    def source(self, part: Part) -> Plugin:
        """The plugin that brings these weights or this recipe."""
        return next((plugin for brought, plugin in self.parts if brought == part), self.plugin)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with one plugin."""

    plugin: Plugin
    finding: Finding


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything that the installed plugins bring, and what was found wrong with some of them.

    Attributes:
        plugins: those of which something is used.
        disabled: those that are switched off.
        problems: what was found, errors and warnings.
        warnings: what was asked for in vain when they were loaded, a line each.
        records: what each plugin that is not switched off declares, whether it is used or not.
    """

    models: Mapping[str, Entry[ModelSpec]]
    datasets: Mapping[str, Entry[DatasetSpec]]
    runtimes: Mapping[str, Entry[RuntimeSpec]]
    plugins: Sequence[Plugin]
    disabled: Sequence[Plugin]
    problems: Sequence[Problem]
    exporters: Mapping[str, Entry[ExporterSpec]] = field(default_factory=dict)
    executors: Mapping[str, Entry[ExecutorSpec]] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    records: Mapping[Plugin, Record] = field(default_factory=dict)

    @property
    def errors(self) -> list[Problem]:
        """The problems that cost something: what they concern is not used."""
        return [problem for problem in self.problems if problem.finding.level == "error"]

    def mentions(self) -> list[str]:
        """What commands say of the plugins on standard error: what was asked for in vain, and the first errors."""
        errors = self.errors
        lines = [
            f"plugin {plugin}: {finding.message} [{finding.code}]; see 'zoo plugins --why {plugin.distribution}'"
            for plugin, finding in ((error.plugin, error.finding) for error in errors[:MENTIONED])
        ]
        more = len(errors) - MENTIONED
        return [*self.warnings, *lines, *([f"and {more} more problems with plugins; see 'zoo plugins'"] * (more > 0))]

    @property
    def listeners(self) -> list[Plugin]:
        """The plugins that are to be told of Results."""
        return [plugin for plugin, record in self.records.items() if record.listens]

    def index(self) -> Index:
        """What is printed of it."""
        return {
            "mentions": self.mentions(),
            "rows": listing.rows((entry.spec, entry.plugin) for entry in self.models.values()),
            "datasets": list(self.datasets),
            "runtimes": list(self.runtimes),
            "exporters": list(self.exporters),
            "executors": list(self.executors),
            "plugins": sorted({name for plugin in (*self.records, *self.disabled) for name in plugin.names}),
        }

    def model(self, name: str) -> Entry[ModelSpec]:
        """The model of that name; UsageError, with a suggestion, if there is none."""
        return _get(self.models, name, "model", "zoo list")

    def runtime(self, name: str) -> Entry[RuntimeSpec]:
        """The runtime of that name; UsageError, with a suggestion, if there is none."""
        return _get(self.runtimes, name, "runtime", "zoo runtimes")

    def exporter(self, name: str) -> Entry[ExporterSpec]:
        """The format of that name; UsageError, with those that there are, if there is none."""
        if name not in self.exporters:
            hint = hint_at("exporter", name, self.exporters)
            there = f"{hint} " if hint else ""
            raise UsageError(f"unknown format {_quote(name)}; {there}the formats are {', '.join(self.exporters)}")
        return self.exporters[name]

    def executor(self, name: str) -> Entry[ExecutorSpec]:
        """The executor of that name; UsageError, with those that there are, if there is none."""
        if name not in self.executors:
            hint = hint_at("executor", name, self.executors)
            there = f"{hint} " if hint else ""
            names = ", ".join((LOCAL, *self.executors))
            raise UsageError(f"unknown executor {_quote(name)}; {there}the executors are {names}")
        return self.executors[name]

    def select(self, patterns: Sequence[str]) -> list[Entry[ModelSpec]]:
        """The models that match any of the names or shell globs, each once, in the order asked for.

        No pattern selects all. A pattern that matches nothing is a UsageError.
        """
        chosen, missing = listing.select(self.models, patterns)
        if missing is not None:
            if not listing.is_pattern(missing):
                self.model(missing)  # which says that there is none
            raise UsageError(f"no model matches {_quote(missing)}; 'zoo list' names them all")
        return list(chosen.values())


def load(disabled: Collection[str] = (), *, fresh: Collection[str] = ()) -> Registry:
    """Discover the installed plugins and what they declare. No plugin is imported in this process.

    :param disabled: distributions or entry points to leave alone.
    :param fresh: plugins to read, changed or not; `"*"` for all.
    """
    discovered = discover(disabled, fresh=fresh)
    registry = of(discovered)
    if not disabled and not any(record.transient for record in discovered.records):
        keep_index(registry.index(), discovered.files, discovered.since_ns)
    return registry


def of(discovered: Discovered) -> Registry:
    """The registry of the plugins that were discovered, and of what the zoo itself brings."""
    core = Record(
        CORE,
        datasets=tuple(builtin.zoo_datasets()),
        runtimes=tuple(builtin.zoo_runtimes()),
        exporters=tuple(builtin.zoo_exporters()),
    )
    records = [core, *discovered.records]
    problems = [Problem(record.plugin, finding) for record in records for finding in record.findings]
    models = _collect([(record.plugin, record.models) for record in records], "model", problems)
    parts: list[tuple[Plugin, Part]] = []
    for record in records:
        parts += [(record.plugin, one) for one in record.weights]
        parts += [(record.plugin, one) for one in record.recipes]
    return Registry(
        models=_completed(models, parts, problems),
        datasets=_collect([(record.plugin, record.datasets) for record in records], "dataset", problems),
        runtimes=_collect([(record.plugin, record.runtimes) for record in records], "runtime", problems),
        exporters=_collect([(record.plugin, record.exporters) for record in records], "exporter", problems),
        executors=_collect([(record.plugin, record.executors) for record in records], "executor", problems),
        plugins=tuple(record.plugin for record in records if record.is_used),
        disabled=tuple(discovered.disabled),
        problems=tuple(problems),
        warnings=tuple(_not_switched_off(name, discovered) for name in discovered.not_found),
        records={record.plugin: record for record in discovered.records},
    )


def unknown(kind: str, name: str, known: Collection[str], look: str) -> UsageError:
    """The error for a name that is not there, with what to do about it."""
    hint = hint_at(kind, name, known) or f"'{look}' shows what there is"
    return UsageError(f"unknown {kind} {_quote(name)}; {hint}")


def hint_at(kind: str, name: str, known: Collection[str]) -> str | None:
    """What to do about a name that is not there: install what brings it, or write it as it was probably meant."""
    import difflib

    from zoo.plugins.offers import brought_by

    if distribution := brought_by(kind, name):
        if installed.versions([distribution]):
            return f"'zoo plugins --why {distribution}' says why the plugin that brings it is not used"
        return f"install the plugin {distribution}, which brings it"
    close = difflib.get_close_matches(name.lower(), known, n=1)
    return f"did you mean '{close[0]}'?" if close else None


def _not_switched_off(name: str, discovered: Discovered) -> str:
    plugins = [*(record.plugin for record in discovered.records), *discovered.disabled]
    names = [known for plugin in plugins for known in plugin.names]
    return f"nothing to switch off: {unknown('plugin', name, names, 'zoo plugins')}"


def _collect(
    declared: Sequence[tuple[Plugin, Sequence[Spec]]], noun: str, problems: list[Problem]
) -> Mapping[str, Entry[Spec]]:
    """What may be used under each name; the problems with the others are added to those given."""
    claims: dict[str, list[Entry[Spec]]] = {}
    for plugin, specs in declared:
        for spec in specs:
            claims.setdefault(spec.name, []).append(Entry(spec, plugin))

    entries: dict[str, Entry[Spec]] = {}
    for name, claimants in claims.items():
        by_plugin = {entry.plugin: entry for entry in claimants}
        if len(claimants) == 1:
            entries[name] = claimants[0]
            continue
        if CORE in by_plugin:
            entries[name] = by_plugin.pop(CORE)
            code, message = "reserved-name", f"the {noun} '{name}' is the zoo's own; this plugin's is not used"
        else:
            who = " and ".join(map(str, by_plugin))
            code, message = "duplicate-name", f"the {noun} '{name}' is declared by {who}; none is used"
        problems += [Problem(plugin, Finding(code, f"{noun} {name}", message)) for plugin in by_plugin]
    return MappingProxyType(entries)


def _completed(
    models: Mapping[str, Entry[ModelSpec]], brought: Sequence[tuple[Plugin, Part]], problems: list[Problem]
) -> Mapping[str, Entry[ModelSpec]]:
    """The models with the weights and recipes that other plugins bring for them; problems are added to those given."""
    found, wrong = match({name: entry.spec for name, entry in models.items()}, brought)
    problems += [Problem(plugin, finding) for plugin, finding in wrong]
    completed = dict(models)
    for name, parts in found.items():
        entry = models[name]
        spec = dataclasses.replace(
            entry.spec,
            weights=(*entry.spec.weights, *(part for part, _ in parts if isinstance(part, WeightsSpec))),
            recipes=(*entry.spec.recipes, *(part for part, _ in parts if isinstance(part, Recipe))),
        )
        completed[name] = Entry(spec, entry.plugin, tuple(parts))
    return MappingProxyType(completed)


def _get(entries: Mapping[str, Entry[Spec]], name: str, kind: str, look: str) -> Entry[Spec]:
    try:
        return entries[name]
    except KeyError:
        raise unknown(kind, name, entries, look) from None


def _quote(name: str) -> str:
    name = printable(name)
    return f"'{name if len(name) <= 80 else name[:79] + '…'}'"
