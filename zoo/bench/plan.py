"""From what was asked for to the scenarios that will be measured, with everything a worker needs. No framework."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from zoo.bench.scenario import Scenario
from zoo.bench.timing import Policy
from zoo.data.catalog import Dataset, find
from zoo.errors import UsageError
from zoo.executors.local import DEFAULT_TIMEOUT_S, Task
from zoo.paths import trained_weights
from zoo.registry import Entry, Registry
from zoo.specs import ModelSpec, RuntimeSpec

DEFAULT_DATASET = "digits"
DEFAULT_BATCH_SIZES = (1, 32, 256)
LEAST_FOR_WIDTH = 4  # processes, before the interval is believed to be as narrow as it says


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """How to measure.

    Attributes:
        dataset: whose test split is scored, and whose number of classes the model is built for.
        data_dir: where TFDS has prepared it.
        batch_sizes, runtime, device, precision, threads: of the scenarios.
        weights: a file to use instead of the weights that are shipped or were trained here.
        score: whether to take the accuracy.
        policy: how long to time.
        processes: fresh processes for each scenario; for a comparison, of each side.
        target_width: go on (with at least four processes) until the interval of the median is at most this share of it
            wide; for a comparison, with further pairs, up to `most_processes` …
        max_time_s: … or until this time is over, in all; a limit for `processes` too.
        labels: names for the Results, for finding them again.
        timeout_s: after which a process is ended.
        memory_limit_bytes: at which a process is ended.
    """

    dataset: str = DEFAULT_DATASET
    data_dir: str | None = None
    batch_sizes: tuple[int, ...] = DEFAULT_BATCH_SIZES
    runtime: str = "tensorflow"
    device: str = "cpu"
    precision: str = "float32"
    threads: int | None = None
    weights: str | None = None
    score: bool = True
    policy: Policy = field(default_factory=Policy)
    processes: int = 1
    target_width: float | None = None
    most_processes: int = 30
    max_time_s: float | None = None
    labels: tuple[str, ...] = ()
    timeout_s: float = DEFAULT_TIMEOUT_S
    memory_limit_bytes: int | None = None

    def least_processes(self) -> int:
        """How many processes each scenario takes at least."""
        return self.processes if self.target_width is None else max(self.processes, LEAST_FOR_WIDTH)


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One scenario of a plan and what its worker is given.

    Attributes:
        no_accuracy: why no accuracy will be taken, if so.
    """

    scenario: Scenario
    entry: Entry[ModelSpec]
    job: dict[str, Any]
    keras_backend: str
    no_accuracy: str | None
    options: Options

    def task(self) -> Task:
        """The work of one process, for an executor."""
        return Task(
            function="zoo.bench.worker:run",
            job=self.job,
            environment={"KERAS_BACKEND": self.keras_backend},
            timeout_s=self.options.timeout_s,
            memory_limit_bytes=self.options.memory_limit_bytes,
            label=f"bench-{self.scenario.model}-{self.scenario.batch_size}",
        )


def plan(registry: Registry, patterns: Sequence[str], options: Options) -> list[Step]:
    """The scenarios for the models that match, one for each batch size.

    :raises UsageError: for whatever is unknown or malformed, before anything is measured.
    """
    if not patterns:
        raise UsageError("name at least one model; 'zoo list' names them all")
    entries = registry.select(patterns)
    dataset = find(options.dataset, registry.datasets, options.data_dir)
    runtime = registry.runtime(options.runtime).spec
    if options.weights is not None and len(entries) > 1:
        raise UsageError("--weights fits one model; name just that one")
    return [
        _step(entry, dataset, runtime, batch_size, options)
        for entry in entries
        for batch_size in dict.fromkeys(options.batch_sizes)
    ]


def _step(
    entry: Entry[ModelSpec],
    dataset: Dataset,
    runtime: RuntimeSpec,
    batch_size: int,
    options: Options,
) -> Step:
    spec = entry.spec
    scenario = Scenario(
        model=spec.name,
        dataset=dataset.name,
        runtime=runtime.name,
        device=options.device,
        precision=options.precision,
        batch_size=batch_size,
        threads=options.threads,
    )
    weights = choose_weights(spec, dataset.name, options.weights)
    return Step(
        scenario=scenario,
        entry=entry,
        job={
            "scenario": scenario.to_json(),
            "model": spec.to_json(),
            "dataset": dataset.to_json(),
            "runtime": runtime.to_json(),
            "weights": weights,
            "score": options.score,
            "policy": asdict(options.policy),
        },
        keras_backend=runtime.keras_backend,
        no_accuracy=_no_accuracy(spec, dataset, weights, options),
        options=options,
    )


def choose_weights(spec: ModelSpec, dataset: str, given: str | None = None) -> dict[str, str | None] | None:
    """The weights to load: the file given, else the plugin's own, else those that `zoo train` made here."""
    if given is not None:
        if not Path(given).is_file():
            raise UsageError(f"the weights file {given} is not there")
        return {"source": "file", "path": str(Path(given).absolute()), "sha256": None}
    if shipped := spec.weights_for(dataset):
        # found by the worker: a plugin that lacks its file costs only its own scenarios
        return {"source": "plugin", "path": None, "sha256": shipped.sha256}
    if (trained := trained_weights(spec.name, dataset)).is_file():
        return {"source": "trained here", "path": str(trained), "sha256": None}
    return None


def _no_accuracy(spec: ModelSpec, dataset: Dataset, weights: object, options: Options) -> str | None:
    if not options.score:
        return "not asked for"
    if weights is not None:
        return None
    where = f" --data-dir {options.data_dir}" if options.data_dir else ""
    if spec.recipe_for(dataset.name) is None:
        return f"no weights for {dataset.name}, and no recipe to train them; give some with --weights FILE"
    return f"no weights for {dataset.name}; 'zoo train {spec.name} --dataset {dataset.name}{where}' makes them"
