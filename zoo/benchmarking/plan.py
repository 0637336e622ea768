"""From what was asked for to the scenarios that will be measured, with everything a worker needs. No framework."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from zoo.benchmarking.computing import code_digest, distributions
from zoo.benchmarking.environment import THREADS, accelerators
from zoo.benchmarking.timing import Policy
from zoo.data.catalog import Dataset, find
from zoo.data.state import dataset_state
from zoo.errors import UsageError
from zoo.executors.local import DEFAULT_TIMEOUT_S, Task
from zoo.modeling.choice import PLUGIN, TRAINED, choose_weights
from zoo.record.environment import Environment
from zoo.record.result import Origin
from zoo.record.scenario import Scenario, check_device
from zoo.registry import Entry, Registry
from zoo.runtimes.availability import why_not, why_not_so
from zoo.specs import ModelSpec, RuntimeSpec

DEFAULT_DATASET = "digits"
DEFAULT_BATCH_SIZES = (1, 32, 256)
ALL: Literal["all"] = "all"
MAX_BATCH: Literal["max"] = "max"
PAIRS = 5  # one process a side tells nothing of how pairs differ
LEAST_FOR_WIDTH = 4  # processes, before the interval is believed to be as narrow as it says


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """How to measure.

    Attributes:
        dataset: whose test split is scored, and whose number of classes the model is built for.
        data_dir: where TFDS has prepared it.
        skip_damaged: leave out files of an image folder that can't be decoded.
        batch_sizes, runtimes, devices, precisions, threads: of the scenarios, which are all their combinations. A batch
            size may be "max", the largest that fits; runtimes and devices may be "all" that are to be had here; None
            threads are the runtime's own choice.
        weights: "trained", "plugin" or a file; None takes those trained here if there are any, else the plugin's own.
        score: whether to take the accuracy.
        policy: how long to time.
        processes: fresh processes for each scenario; for a comparison, of each side. None is one, or
            five for a comparison.
        target_width: go on (with at least four processes) until the interval of the median is at most this share of it
            wide; for a comparison, with further pairs, up to `most_processes` …
        max_time_s: … or until this time is over, in all; a limit for `processes` and for `policy` too.
        labels: names for the Results, for finding them again.
        timeout_s: after which a process is ended.
        memory_limit_bytes: at which a process is ended.
    """

    dataset: str = DEFAULT_DATASET
    data_dir: str | None = None
    skip_damaged: bool = False
    batch_sizes: tuple[int | Literal["max"], ...] = DEFAULT_BATCH_SIZES
    runtimes: tuple[str, ...] = ("tensorflow",)
    devices: tuple[str, ...] = ("cpu",)
    precisions: tuple[str, ...] = ("float32",)
    threads: tuple[int | None, ...] = (None,)
    weights: str | None = None
    score: bool = True
    policy: Policy = field(default_factory=Policy)
    processes: int | None = None
    target_width: float | None = None
    most_processes: int = 30
    max_time_s: float | None = None
    labels: tuple[str, ...] = ()
    timeout_s: float = DEFAULT_TIMEOUT_S
    memory_limit_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.max_time_s is not None:
            object.__setattr__(self, "policy", self.policy.within(self.max_time_s))

    def least_processes(self, sides: int = 1) -> int:
        """How many processes each scenario takes at least.

        :param sides: how many are measured in turn and compared.
        """
        processes = self.processes or (1 if sides == 1 else PAIRS)
        return processes if self.target_width is None else max(processes, LEAST_FOR_WIDTH)


@dataclass(frozen=True, kw_only=True, slots=True)
class Elsewhere:
    """Another Python environment of this machine, which measures a step.

    Attributes:
        python: the path of its interpreter.
        zoo_version: of the zoo that is installed there.
        environment: its machine and software.
    """

    python: str
    zoo_version: str
    environment: Environment


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One scenario of a plan and what its worker is given.

    Attributes:
        plugin: where the model comes from.
        code: digest of the code that will run (`zoo.benchmarking.computing`).
        dataset_state: of the dataset's files (`zoo.data.state`); None while they are not prepared.
        no_accuracy: why no accuracy will be taken, if so.
        unavailable: why it can't be measured here, as far as that is known beforehand.
        in_matrix: whether others are measured with another runtime, device or precision: that it can't be measured is
            then a Result like any other, and no reason to stop.
        seeks_batch_size: whether its batch size is still to be replaced by the largest that fits.
        elsewhere: the environment that measures it; None is this one.
    """

    scenario: Scenario
    plugin: Origin
    job: dict[str, Any]
    keras_backend: str
    no_accuracy: str | None
    options: Options
    code: str
    dataset_state: str | None = None
    unavailable: str | None = None
    in_matrix: bool = False
    seeks_batch_size: bool = False
    elsewhere: Elsewhere | None = None

    def task(self) -> Task:
        """The work of one process, for an executor."""
        # a number that was asked for goes before what the environment says
        set_aside = {} if self.scenario.threads is None else dict.fromkeys(THREADS)
        return Task(
            function="zoo.benchmarking.worker:run",
            job=self.job,
            environment={"KERAS_BACKEND": self.keras_backend, **set_aside},
            timeout_s=self.options.timeout_s,
            memory_limit_bytes=self.options.memory_limit_bytes,
            label=f"bench-{self.scenario.model}-{self.scenario.batch_size}",
            python=self.elsewhere.python if self.elsewhere else None,
        )

    @property
    def distributions(self) -> tuple[str, ...]:
        """What computes: only the versions of these decide what its Result is comparable with."""
        return tuple(self.job["distributions"])

    def policy(self) -> dict[str, float | int | None]:
        """How long it is measured, and in how many processes: as it stands in a Result."""
        return {
            **asdict(self.options.policy),
            "processes": self.options.least_processes(),
            "target_width": self.options.target_width,
            "max_time_in_all_s": self.options.max_time_s,
        }


@dataclass(frozen=True, slots=True)
class Configuration:
    """What runs a model, and how: a scenario without the model and the batch size."""

    runtime: Entry[RuntimeSpec]
    device: str
    precision: str
    threads: int | None
    unavailable: str | None


def plan(registry: Registry, patterns: Sequence[str], options: Options) -> list[Step]:
    """The scenarios for the models that match: all combinations of what the options list.

    :raises UsageError: for whatever is unknown, malformed or, where it is all that was asked for, unavailable.
    """
    if not patterns:
        raise UsageError("name at least one model; 'zoo list' names them all")
    entries = registry.select(patterns)
    dataset = find(options.dataset, registry.datasets, options.data_dir, skip_damaged=options.skip_damaged)
    if options.weights not in (None, TRAINED, PLUGIN) and len(entries) > 1:
        raise UsageError("a file of weights fits one model; name just that one")
    matrix = _matrix(registry, options)
    state = dataset_state(dataset.folder)
    steps = [
        _step(entry, dataset, runs_on, batch_size, options, in_matrix=len(matrix) > 1)
        for entry in entries
        for runs_on in matrix
        for batch_size in dict.fromkeys(options.batch_sizes)
    ]
    return [replace(step, dataset_state=state) for step in steps]


def left_out(registry: Registry, options: Options) -> list[str]:
    """A line for each runtime that "all" leaves out because something is not installed."""
    if ALL not in options.runtimes:
        return []
    reasons = {name: why_not(entry.spec) for name, entry in registry.runtimes.items()}
    return [f"without {name}: {reason}" for name, reason in reasons.items() if reason is not None]


def _matrix(registry: Registry, options: Options) -> list[Configuration]:
    """All combinations. What "all" stands for is only what is to be had; what was named and isn't says why."""
    named = dict.fromkeys(name for name in options.runtimes if name != ALL)
    runtimes = {name: registry.runtime(name) for name in named}
    if ALL in options.runtimes:
        runtimes |= {name: entry for name, entry in registry.runtimes.items() if name not in runtimes}
    found = []
    # each of what is listed once, in its order
    devices, precisions = dict.fromkeys(_devices(options)), dict.fromkeys(options.precisions)
    counts = dict.fromkeys(options.threads)
    for runtime, device, precision, threads in itertools.product(runtimes.values(), devices, precisions, counts):
        reason = why_not_so(runtime.spec, device, precision)
        if reason is None or runtime.spec.name in named:
            found.append(Configuration(runtime, device, precision, threads, reason))
    if not found:
        raise UsageError("no runtime that is installed here runs that; 'zoo runtimes' lists them")
    ways = {(runs_on.runtime.spec.name, runs_on.device, runs_on.precision) for runs_on in found}
    if len(ways) == 1 and found[0].unavailable:
        raise UsageError(found[0].unavailable)
    return found


def _devices(options: Options) -> Iterator[str]:
    """The devices that were asked for; the first GPU has one name."""
    for device in options.devices:
        if device == ALL:
            yield "cpu"
            yield from ("gpu" if number == 0 else f"gpu:{number}" for number in range(len(accelerators())))
        else:
            check_device(device)
            yield "gpu" if device == "gpu:0" else device


def _step(
    entry: Entry[ModelSpec],
    dataset: Dataset,
    runs_on: Configuration,
    batch_size: int | Literal["max"],
    options: Options,
    in_matrix: bool,
) -> Step:
    spec, runtime = entry.spec, runs_on.runtime.spec
    scenario = Scenario(
        model=spec.name,
        dataset=dataset.name,
        runtime=runtime.name,
        device=runs_on.device,
        precision=runs_on.precision,
        batch_size=1 if batch_size == MAX_BATCH else batch_size,
        threads=runs_on.threads,
    )
    weights = choose_weights(spec, dataset.name, options.weights)
    return Step(
        scenario=scenario,
        plugin=Origin(distribution=entry.plugin.distribution, version=entry.plugin.version),
        job={
            "scenario": scenario.to_json(),
            "model": spec.to_json(),
            "dataset": dataset.to_json(),
            "runtime": runtime.to_json(),
            "distributions": distributions(runs_on.runtime),
            "weights": weights,
            "score": options.score,
            "policy": asdict(options.policy),
        },
        keras_backend=runtime.keras_backend,
        no_accuracy=_no_accuracy(spec, dataset, weights, options),
        options=options,
        code=code_digest(entry.plugin.reference, spec.build, runtime.runtime),
        unavailable=runs_on.unavailable,
        in_matrix=in_matrix,
        seeks_batch_size=batch_size == MAX_BATCH,
    )


def _no_accuracy(spec: ModelSpec, dataset: Dataset, weights: object, options: Options) -> str | None:
    if not options.score:
        return "not asked for"
    if weights is not None:
        return None
    if any(fetch.serves(dataset.name) for fetch in spec.fetch):
        return f"no weights for {dataset.name}; 'zoo weights fetch {spec.name}' downloads some"
    if spec.recipe_for(dataset.name) is None:
        return f"no weights for {dataset.name}, and no recipe to train them; give some with --weights FILE"
    return f"no weights for {dataset.name}; '{train_command(spec.name, dataset.name)}' makes them"


def train_command(model: str, dataset: str, data_dir: str | None = None) -> str:
    """What makes weights, to be typed in a shell.

    A Result holds it without the folder of data, which would say where things lie; a terminal shows it with that.
    """
    where = f" --data-dir {shlex.quote(data_dir)}" if data_dir else ""
    return f"zoo train {model} --dataset {dataset}{where}"
