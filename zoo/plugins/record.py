"""What reading a plugin brings to light."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from zoo.errors import SpecError
from zoo.findings import Finding
from zoo.installed import Plugin
from zoo.plain import Plain, to_json
from zoo.specs import KINDS, DatasetSpec, ExecutorSpec, ExporterSpec, ModelSpec, Recipe, RuntimeSpec, WeightsSpec

MAX_FILES = 500


@dataclass(frozen=True, slots=True)
class Record:
    """What one plugin declares, and what was found when it was read.

    Attributes:
        listens: whether it is to be told of Results, by the hook `zoo_result_recorded`.
        load_s: how long importing it and calling its hooks took, in seconds.
        imports: which of TensorFlow, Keras, JAX and PyTorch are imported by then, by the names of their packages.
        files: on whose state it depends; a plugin is read anew when one of them changes.
        unmet: whether it asked for something that may be installed later.
        transient: whether it failed for a reason that may be over by now, such as want of memory.
    """

    plugin: Plugin
    models: tuple[ModelSpec, ...] = ()
    datasets: tuple[DatasetSpec, ...] = ()
    runtimes: tuple[RuntimeSpec, ...] = ()
    recipes: tuple[Recipe, ...] = ()
    weights: tuple[WeightsSpec, ...] = ()
    exporters: tuple[ExporterSpec, ...] = ()
    executors: tuple[ExecutorSpec, ...] = ()
    listens: bool = False
    findings: tuple[Finding, ...] = ()
    load_s: float = 0.0
    imports: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    unmet: bool = False
    transient: bool = False

    @property
    def failed(self) -> bool:
        """Whether something that it declares is not used."""
        return any(finding.level == "error" for finding in self.findings)

    @property
    def is_used(self) -> bool:
        """Whether anything that it declares is."""
        return not self.failed or self.listens or any(getattr(self, kind) for kind in KINDS)

    def with_findings(self, *findings: Finding) -> Self:
        """The same with more found."""
        return dataclasses.replace(self, findings=(*self.findings, *findings))

    def to_json(self) -> dict[str, Any]:
        """JSON values; the plugin itself is its reader's to know."""
        names = [field.name for field in dataclasses.fields(self) if field.name != "plugin"]
        return {name: to_json(getattr(self, name)) for name in names}

    @classmethod
    def from_json(cls, plugin: Plugin, values: Mapping[str, Any]) -> Self:
        """The record that `to_json` or the process that read the plugin wrote. Neither is believed unseen.

        :raises SpecError: if it is not one.
        """
        try:
            kinds: dict[str, type[Plain]] = {**KINDS, "findings": Finding}
            made: dict[str, Any] = {
                name: tuple(map(kind.from_json, values.get(name, ()))) for name, kind in kinds.items()
            }
            made |= {name: tuple(map(str, values.get(name, ())))[:MAX_FILES] for name in ("imports", "files")}
            made |= {name: bool(values.get(name, False)) for name in ("listens", "unmet", "transient")}
            load_s = float(values.get("load_s", 0))
        except SpecError:
            raise
        except (TypeError, ValueError, AttributeError, RecursionError, OverflowError):
            raise SpecError("not what a plugin declares") from None
        if not 0 <= load_s < 1e6:
            raise SpecError("not what a plugin declares")
        return cls(plugin, **made, load_s=load_s)
