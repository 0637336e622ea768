"""What an executor is given: a scenario, or those of a comparison, as a JSON text; and what measures one.

`python -m zoo.benchmarking.tasks` reads a task from standard input, measures it on the machine on which it runs, by the
plugins, weights and data of that machine, and prints its Results as a JSON array. Nothing is stored there.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, replace

import msgspec

import zoo
from zoo import registry as _registry
from zoo.benchmarking.elsewhere import PROTOCOL
from zoo.benchmarking.identity import weights_digest
from zoo.benchmarking.plan import Options, Step, plan
from zoo.benchmarking.runner import measure_sides
from zoo.errors import EXIT_INTERRUPTED, EXIT_OK, UsageError, ZooError
from zoo.record.result import Origin, Result
from zoo.record.scenario import Scenario
from zoo.text import line

MOST_CHARACTERS = 2**20  # of a task


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One scenario, and what must be the same wherever it is measured.

    Attributes:
        options: how to measure; they stand for this scenario alone.
        in_matrix: as `zoo.benchmarking.plan.Step` has it.
        code: digest of the code that runs.
        weights: sha256 of their file; None for random ones.
    """

    scenario: Scenario
    options: Options
    in_matrix: bool
    plugin: Origin
    zoo_version: str
    code: str
    weights: str | None

    @classmethod
    def of(cls, step: Step) -> Side:
        """That of a step.

        :raises UsageError: if a file of weights can't be read.
        """
        scenario = step.scenario
        options = replace(
            step.options,
            batch_sizes=(scenario.batch_size,),
            runtimes=(scenario.runtime,),
            devices=(scenario.device,),
            precisions=(scenario.precision,),
            threads=(scenario.threads,),
        )
        return cls(
            scenario=scenario,
            options=options,
            in_matrix=step.in_matrix,
            plugin=step.plugin,
            zoo_version=zoo.__version__,
            code=step.code,
            weights=weights_digest(step.job["weights"]),
        )

    def step(self, registry: _registry.Registry) -> Step:
        """The step that measures it here.

        :raises UsageError: if it is unknown or impossible here, or something that must be the same isn't.
        """
        (step,) = plan(registry, [self.scenario.model], self.options)
        step = replace(step, in_matrix=self.in_matrix)
        here = Side.of(step)
        for what in ("scenario", "zoo_version", "plugin", "code", "weights"):
            if getattr(here, what) != getattr(self, what):
                raise UsageError(
                    f"{what.replace('_', ' ')} of {self.scenario.model}: {_plain(getattr(here, what))} on the machine "
                    f"that measures, and {_plain(getattr(self, what))} where it was asked for; install the same on both"
                )
        return step


def _plain(value: object) -> str:
    return f"{value.distribution} {value.version}" if isinstance(value, Origin) else str(value)


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuringTask:
    """What is measured together: one scenario, or those of a comparison, in turn.

    Attributes:
        id: of the task, in its run.
        run: the run that the Results name.
        sides: the scenarios.
        disabled: plugins to leave alone.
        protocol: its version.
    """

    id: str
    run: str
    sides: tuple[Side, ...]
    disabled: tuple[str, ...] = ()
    protocol: int = PROTOCOL

    def dumps(self) -> str:
        """The text that `loads` reads."""
        return json.dumps(asdict(self), allow_nan=False)


def loads(content: str) -> MeasuringTask:
    """Read a task.

    :raises UsageError: in a line, if it is none, or one of another version of the protocol.
    """
    if len(content) > MOST_CHARACTERS:
        raise UsageError(f"a task has at most {MOST_CHARACTERS:,} characters, and this has {len(content):,}")
    try:
        values = json.loads(content)
        protocol = values["protocol"]
        if protocol != PROTOCOL:
            raise UsageError(
                f"the task is of version {line(str(protocol))} of the protocol, and the zoo here speaks version "
                f"{PROTOCOL}; install the same zoo on both machines"
            )
        return msgspec.convert(values, MeasuringTask)
    except (ValueError, TypeError, KeyError, RecursionError) as error:  # msgspec's is a ValueError
        raise UsageError(f"not a task: {line(str(error))}") from None


def measure(content: str) -> tuple[Result, ...]:
    """Measure a task here.

    :param content: the text of the task.
    :return: a Result for each of its scenarios, also for those that failed.
    :raises UsageError: if it is no task, or is unknown or impossible here.
    """
    task = loads(content)
    registry = _registry.load(task.disabled)
    steps = [side.step(registry) for side in task.sides]
    (results,) = measure_sides([steps], run_id=task.run)
    return results


def main() -> int:
    """Measure the task on standard input; returns the exit code of the process."""
    try:
        results = measure(sys.stdin.read(MOST_CHARACTERS + 1))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except ZooError as error:
        print(f"zoo: {line(str(error))}", file=sys.stderr)
        return error.exit_code
    print(json.dumps([result.to_json() for result in results], allow_nan=False))
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
