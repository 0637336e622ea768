"""What is to be said of each plugin that is installed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.findings import Finding
from zoo.installed import CORE, Plugin, read_text
from zoo.registry import Registry
from zoo.specs import Recipe, WeightsSpec
from zoo.text import printable

SHOWN = 3
NAMED = ("models", "datasets", "runtimes", "exporters", "executors")  # what a plugin brings under names


@dataclass(frozen=True, slots=True)
class Line:
    """One plugin.

    Attributes:
        brings: the names of what is used of it, by kind.
        origin: where it was installed from.
        state: whether it is used.
        load_s: how long reading it took, in seconds; None where it was not read.
    """

    plugin: Plugin
    brings: Mapping[str, Sequence[str]]
    origin: str
    state: str
    load_s: float | None
    findings: Sequence[Finding]

    @property
    def brings_text(self) -> str:
        """Such as `models a, b, c and 7 more; runtimes d`."""
        parts = []
        for kind, names in self.brings.items():
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            if names:
                parts.append(f"{kind} {', '.join(names[:SHOWN])}{more}")
        return "; ".join(parts) or "nothing"

    @property
    def load_text(self) -> str:
        """The time with its unit."""
        if self.load_s is None:
            return ""
        return f"{self.load_s:.1f} s" if self.load_s >= 1 else f"{1000 * self.load_s:.0f} ms"

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "name": self.plugin.name,
            "distribution": self.plugin.distribution,
            "version": self.plugin.version,
            "reference": self.plugin.reference,
            "brings": {kind: list(names) for kind, names in self.brings.items()},
            "origin": self.origin,
            "state": self.state,
            "load_s": self.load_s,
            "findings": [finding.explained() for finding in self.findings],
        }


def inventory(registry: Registry) -> list[Line]:
    """The zoo's own plugin, then those that are installed, by distribution and entry point."""
    plugins = sorted([*registry.records, *registry.disabled], key=lambda plugin: (plugin.distribution, plugin.name))
    return [_line(registry, plugin) for plugin in (CORE, *plugins)]


def _line(registry: Registry, plugin: Plugin) -> Line:
    brings = {
        kind: [name for name, entry in getattr(registry, kind).items() if entry.plugin == plugin] for kind in NAMED
    } | {
        "recipes": _parts(registry, plugin, Recipe),
        "weights": _parts(registry, plugin, WeightsSpec),
        "hooks": ["zoo_result_recorded"] if plugin in registry.records and registry.records[plugin].listens else [],
    }
    findings = [problem.finding for problem in registry.problems if problem.plugin == plugin]
    errors = list(dict.fromkeys(finding.code for finding in findings if finding.level == "error"))
    if plugin in registry.disabled:
        state = "switched off"
    elif errors:
        state = f"{'used in part' if any(brings.values()) else 'not used'}: {', '.join(errors)}"
    else:
        state = "used"
    record = registry.records.get(plugin)
    load_s = record.load_s or None if record else None
    return Line(plugin, brings, origin(plugin.metadata), state, load_s, findings)


def _parts(registry: Registry, plugin: Plugin, kind: type[Recipe] | type[WeightsSpec]) -> list[str]:
    """What it brings for models of other plugins, such as `toy_resnet for shapes`."""
    return [
        f"{name} for {part.dataset}"
        for name, entry in registry.models.items()
        for part, source in entry.parts
        if source == plugin and isinstance(part, kind)
    ]


def origin(metadata: str) -> str:
    """Where a distribution was installed from (PEP 610), else the folder that it lies in.

    :param metadata: its file with its name and version; empty for the zoo itself.
    """
    if not metadata:
        return "the zoo itself"
    folder = os.path.dirname(metadata)
    try:
        values = json.loads(read_text(os.path.join(folder, "direct_url.json")))
        url = values["url"]
        text = url.removeprefix("file://") if isinstance(url, str) else "?"
        editable = values.get("dir_info", {}).get("editable", False)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return printable(os.path.dirname(folder))
    return printable(f"{text}, editable" if editable else text)[:200]
