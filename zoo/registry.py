"""Select: read-only mappings of what the plugins declare, by name and by pattern."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, TypeVar

from zoo.errors import SpecError, UsageError
from zoo.plugins import CORE, Plugin, Plugins, Problem, discover
from zoo.specs import DatasetSpec, ModelSpec, RuntimeSpec

Spec = TypeVar("Spec", ModelSpec, DatasetSpec, RuntimeSpec)


@dataclass(frozen=True, slots=True)
class Entry(Generic[Spec]):
    """A spec and the plugin that declares it."""

    spec: Spec
    plugin: Plugin


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything that the installed plugins bring, and what was wrong with some of them.

    Attributes:
        warnings: what was asked for in vain when they were loaded, a line each.
    """

    models: Mapping[str, Entry[ModelSpec]]
    datasets: Mapping[str, Entry[DatasetSpec]]
    runtimes: Mapping[str, Entry[RuntimeSpec]]
    plugins: Sequence[Plugin]
    disabled: Sequence[Plugin]
    problems: Sequence[Problem]
    warnings: Sequence[str] = ()

    def model(self, name: str) -> Entry[ModelSpec]:
        """The model of that name; UsageError, with a suggestion, if there is none."""
        return _get(self.models, name, "model", "zoo list")

    def runtime(self, name: str) -> Entry[RuntimeSpec]:
        """The runtime of that name; UsageError, with a suggestion, if there is none."""
        return _get(self.runtimes, name, "runtime", "zoo runtimes")

    def select(self, patterns: Sequence[str]) -> list[Entry[ModelSpec]]:
        """The models that match any of the names or shell globs, each once, in the order asked for.

        No pattern selects all. A pattern that matches nothing is a UsageError.
        """
        if not patterns:
            return list(self.models.values())
        chosen: dict[str, Entry[ModelSpec]] = {}
        for pattern in patterns:
            if not is_pattern(pattern):
                chosen.setdefault(pattern, self.model(pattern))
                continue
            from fnmatch import fnmatchcase

            names = [name for name in self.models if fnmatchcase(name, pattern)]
            if not names:
                raise UsageError(f"no model matches {_quote(pattern)}; 'zoo list' names them all")
            chosen.update((name, self.models[name]) for name in names if name not in chosen)
        return list(chosen.values())


def load(disabled: Collection[str] = ()) -> Registry:
    """Discover the installed plugins and read what they declare.

    :param disabled: distributions or entry points to leave alone.
    """
    plugins = discover(disabled)
    return Registry(
        models=_collect(plugins, "zoo_models", ModelSpec),
        datasets=_collect(plugins, "zoo_datasets", DatasetSpec),
        runtimes=_collect(plugins, "zoo_runtimes", RuntimeSpec),
        plugins=tuple(plugins.active),
        disabled=tuple(plugins.disabled),
        problems=tuple(plugins.problems),
        warnings=tuple(_not_switched_off(name, plugins) for name in plugins.not_found),
    )


def is_pattern(name: str) -> bool:
    """Whether the name is a shell glob."""
    return any(c in name for c in "*?[")


def unknown(kind: str, name: str, known: Collection[str], look: str) -> UsageError:
    """The error for a name that is not there, with what was probably meant."""
    import difflib

    close = difflib.get_close_matches(name.lower(), known, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"'{look}' shows what there is"
    return UsageError(f"unknown {kind} {_quote(name)}; {hint}")


def _not_switched_off(name: str, plugins: Plugins) -> str:
    names = [known for plugin in plugins.found for known in plugin.names]
    return f"nothing to switch off: {unknown('plugin', name, names, 'zoo doctor')}"


def _collect(plugins: Plugins, hook: str, kind: type[Spec]) -> Mapping[str, Entry[Spec]]:
    claims: dict[str, list[Entry[Spec]]] = {}
    for plugin, returned in plugins.call(hook):
        with plugins.containing(plugin, f"in {hook}"):
            for spec in _specs(returned, hook, kind):
                claims.setdefault(spec.name, []).append(Entry(spec, plugin))

    entries: dict[str, Entry[Spec]] = {}
    noun = hook.removeprefix("zoo_").removesuffix("s")
    for name, claimants in claims.items():
        by_plugin = {entry.plugin: entry for entry in claimants}
        if len(claimants) == 1:
            entries[name] = claimants[0]
            continue
        if CORE in by_plugin:
            entries[name] = by_plugin.pop(CORE)
            reason = f"reserved: the {noun} '{name}' is the zoo's own; this plugin's is not used"
        else:
            who = " and ".join(map(str, by_plugin))
            reason = f"duplicate: the {noun} '{name}' is declared by {who}; none is used"
        plugins.problems += [Problem(plugin, reason) for plugin in by_plugin]
    return MappingProxyType(entries)


def _specs(returned: object, hook: str, kind: type[Spec]) -> Iterator[Spec]:
    """What a hook returned, checked as a whole before any of it is used."""
    if not isinstance(returned, (list, tuple)):
        raise SpecError(f"{hook} must return a list of {kind.__name__}, not {type(returned).__name__}")
    for spec in returned:
        if not isinstance(spec, kind):
            raise SpecError(f"{hook} must return a list of {kind.__name__}, not of {type(spec).__name__}")
    yield from returned


def _get(entries: Mapping[str, Entry[Spec]], name: str, kind: str, look: str) -> Entry[Spec]:
    try:
        return entries[name]
    except KeyError:
        raise unknown(kind, name, entries, look) from None


def _quote(name: str) -> str:
    printable = "".join(c if c.isprintable() else "?" for c in name)
    return f"'{printable if len(printable) <= 80 else printable[:79] + '…'}'"
