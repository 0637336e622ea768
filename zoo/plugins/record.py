"""What reading a plugin brings to light."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.findings import Finding
from zoo.plugins.plugin import Plugin
from zoo.specs import DatasetSpec, ModelSpec, RuntimeSpec


@dataclass(frozen=True, slots=True)
class Record:
    """What one plugin declares, and what was found when it was read.

    Attributes:
        load_s: how long importing it and calling its hooks took, in seconds.
        imports: which of TensorFlow, Keras, JAX and PyTorch are imported by then, by the names of their packages.
        printed: what it wrote to standard output and standard error, printable.
        files: on whose state it depends; a plugin is read anew when one of them changes.
    """

    plugin: Plugin
    models: tuple[ModelSpec, ...] = ()
    datasets: tuple[DatasetSpec, ...] = ()
    runtimes: tuple[RuntimeSpec, ...] = ()
    findings: tuple[Finding, ...] = ()
    load_s: float = 0.0
    imports: tuple[str, ...] = ()
    printed: str = ""
    files: tuple[str, ...] = ()
