"""What makes two measurements the same. What is reused is reused by this and by nothing else."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import zoo
from zoo.benchmarking.computing import ALWAYS, BACKENDS, scoped
from zoo.benchmarking.plan import Step
from zoo.errors import UsageError
from zoo.index import interpreter
from zoo.modeling.choice import PLUGIN, TRAINED, choose_weights
from zoo.paths import reason
from zoo.record.environment import Environment
from zoo.record.result import Result
from zoo.record.scenario import Scenario
from zoo.specs import ModelSpec


@dataclass(frozen=True, slots=True)
class Identity:
    """Equal for measurements that may stand for each other.

    Attributes:
        scenario: what is measured.
        weights: sha256 of their file; None for random ones.
        plugin: the distribution that the model comes from, and its version.
        zoo_version: of what measures.
        code: digest of the code that runs.
        dataset: the state of the dataset's files.
        policy: how long it is measured, and in how many processes.
        environment: the fingerprint, of what computes in the scenario.
    """

    scenario: Scenario
    weights: str | None
    plugin: tuple[str, str]
    zoo_version: str
    code: str | None
    dataset: str | None
    policy: tuple[tuple[str, float | int | None], ...]
    environment: str


def of_step(step: Step, environment: Environment) -> Identity:
    """Of what would be measured now.

    :param environment: as `zoo.benchmarking.environment.collect` gives it.
    :raises UsageError: if a file of weights can't be read.
    """
    return Identity(
        scenario=step.scenario,
        weights=weights_digest(step.job["weights"]),
        plugin=(step.plugin.distribution, step.plugin.version),
        zoo_version=zoo.__version__,
        code=step.code,
        dataset=step.dataset_state,
        policy=tuple(sorted(step.policy().items())),
        environment=scoped(environment, step.distributions).fingerprint,
    )


def of_result(result: Result) -> Identity:
    """Of what was measured. Results without a policy, of earlier versions, are like no other."""
    return Identity(
        scenario=result.scenario,
        weights=None if result.weights is None else result.weights.sha256,
        plugin=(result.plugin.distribution, result.plugin.version),
        zoo_version=result.zoo_version,
        code=result.code,
        dataset=result.dataset_state,
        policy=tuple(sorted(result.policy.items())),
        environment=result.environment.fingerprint,
    )


def of_reference(step: Step, environment: Environment, *, backend: str, calibrated: bool) -> str | None:
    """The key of a model's reference, which is the same whatever runtime is held to it.

    It holds whatever can be told before a framework is started. On which files the reference depends besides, what
    computes it finds out.

    :param environment: as `zoo.benchmarking.environment.collect` gives it.
    :param backend: of Keras, that computes it.
    :param calibrated: whether it has images for a quantisation too.
    :return: 64 hexadecimal digits; None if a file of weights can't be read.
    """
    try:
        weights = weights_digest(step.job["weights"])
    except UsageError:
        return None
    plugin, computing = step.plugin, scoped(environment, (*ALWAYS, *BACKENDS[backend]))
    parts = [
        *(step.job["model"], step.job["dataset"], weights),
        *(plugin.distribution, plugin.version, zoo.__version__, interpreter()),
        *(computing.fingerprint, backend, calibrated, step.task().environment),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def weights_digest(chosen: Mapping[str, str | None] | None) -> str | None:
    """The sha256 of the weights that a worker is told to load.

    :param chosen: see `zoo.modeling.choice.choose_weights`.
    :raises UsageError: if the file can't be read.
    """
    if chosen is None:
        return None
    if chosen["sha256"] is not None or chosen["path"] is None:
        return chosen["sha256"]
    try:
        with Path(chosen["path"]).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"can't read the weights {chosen['path']}: {reason(error)}") from None


def same_weights(spec: ModelSpec, result: Result) -> str | None:
    """What `--weights` must say for a Result's own weights to be loaded again; None for the default.

    :raises UsageError: if they are not here any more.
    """
    wanted = None if result.weights is None else result.weights.sha256
    for given in (None, TRAINED, PLUGIN):
        with contextlib.suppress(UsageError):
            if weights_digest(choose_weights(spec, result.scenario.dataset, given)) == wanted:
                return given
    had = f"the weights {wanted[:8]}" if wanted else "random weights"
    raise UsageError(
        f"{result.id} was measured with {had}, and {spec.name} has others here now; "
        f"'zoo bench {spec.name} --weights FILE' measures with those that you name"
    )
