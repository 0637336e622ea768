"""A side that another Python environment of this machine measures, such as one with the base branch installed.

That environment plans its side by its own plugins, weights and versions; its own zoo runs in the processes. The two
zoos may be of different versions: what comes back is decoded field by field, and fields that this one doesn't know are
passed over.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import msgspec

from zoo.benchmarking.plan import Elsewhere, Options, Step, plan
from zoo.errors import UsageError, ZooError
from zoo.executors.local import Task, call
from zoo.executors.supervisor import foreign_environment
from zoo.paths import reason
from zoo.record.environment import Environment
from zoo.text import line

# The version of what two zoos say to each other: jobs of workers, their turns and their records. It grows with every
# change after which one of them would misunderstand the other.
PROTOCOL = 3
OPTION = "--against-python"
ANSWERS_WITHIN_S = 120.0

# By nothing but the standard library, since the zoo there may be of any version, or missing.
PROBE = """
import importlib.util, json, sys
def found(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False
print(json.dumps({"prefix": sys.prefix, "zoo": found("zoo.executors"), "answers": found("zoo.benchmarking.elsewhere")}))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What another environment says of itself.

    Attributes:
        environment: its machine and software.
        steps: what it would measure.
    """

    zoo_version: str
    environment: Environment
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What another environment is asked to plan."""

    models: tuple[str, ...]
    options: Options
    protocol: int = field(default=PROTOCOL)


def plan_elsewhere(python: str, models: Sequence[str], options: Options) -> list[Step]:
    """The steps that another environment would measure, to be measured there.

    :param python: the path of its interpreter.
    :raises UsageError: if there is no such interpreter, no zoo that understands this one, or no such model.
    """
    python = check_interpreter(python)
    question = json.loads(json.dumps(asdict(Question(models=tuple(models), options=options))))
    task = Task("zoo.benchmarking.elsewhere:answer", question, {}, ANSWERS_WITHIN_S, label="plan", python=python)
    try:
        said = call(task)
    except ZooError as error:
        raise type(error)(f"{python}: {error}") from None
    answer = understood(python, said)
    there = Elsewhere(python=python, zoo_version=answer.zoo_version, environment=answer.environment)
    return [replace(step, options=options, elsewhere=there) for step in answer.steps]


def understood(python: str, said: Any) -> Answer:
    """What another environment answered, with the types that it should have.

    :raises UsageError: if its zoo speaks another protocol.
    """
    protocol = said.get("protocol") if isinstance(said, dict) else None
    if protocol != PROTOCOL:
        older = isinstance(protocol, int) and protocol > PROTOCOL
        raise UsageError(
            f"the zoo of {python} can't be measured against this one: it speaks version {line(str(protocol))} of their "
            f"protocol, and this one version {PROTOCOL}; install a newer zoo {'here' if older else 'there'}"
        )
    try:
        return msgspec.convert(said, Answer)
    except (msgspec.ValidationError, UsageError) as error:
        raise UsageError(f"the zoo of {python} gives an answer that can't be understood: {line(str(error))}") from None


def answer(job: Mapping[str, Any], _: Callable[..., None]) -> dict[str, Any]:
    """In a process of the other environment: what it is, and what it would measure.

    :raises UsageError: for what is unknown or impossible there.
    """
    import zoo
    from zoo import registry
    from zoo.benchmarking.environment import collect

    if job.get("protocol") != PROTOCOL:
        return {"protocol": PROTOCOL}
    asked = msgspec.convert(job, Question)
    steps = plan(registry.load(), asked.models, asked.options)
    said = Answer(zoo_version=zoo.__version__, environment=collect(), steps=tuple(steps))
    return {"protocol": PROTOCOL, **msgspec.to_builtins(said)}


def check_interpreter(python: str) -> str:
    """The path of an interpreter of another environment in which a zoo is installed that can answer.

    The path isn't resolved: it is the link in its folder that tells Python which environment is meant.

    :raises UsageError: in a line, if there is none.
    """
    path = os.path.abspath(os.path.expanduser(python))
    takes = f"{OPTION} takes the Python of another environment, such as base/.venv/bin/python"
    if not os.path.isfile(path):
        raise UsageError(f"{python} {'is no file' if os.path.exists(path) else 'is not there'}; {takes}")
    if not os.access(path, os.X_OK):
        raise UsageError(f"{python} can't be executed; {takes}")
    probed = _probe(path, python)
    if probed.get("prefix") == sys.prefix:
        raise UsageError(f"{python} belongs to this environment; {takes}")
    if not probed.get("zoo"):
        raise UsageError(f"no zoo is installed for {python}; install the version to compare with there, by its pip")
    if not probed.get("answers"):
        raise UsageError(f"the zoo of {python} is too old to be measured against; install a newer one there")
    return path


def _probe(path: str, python: str) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [path, "-P", "-c", PROBE],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ANSWERS_WITHIN_S,
            stdin=subprocess.DEVNULL,
            env=foreign_environment(os.environ),
        )
        said = json.loads(done.stdout)
    except OSError as error:
        raise UsageError(f"can't start {python}: {reason(error)}") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"{python} doesn't answer; {OPTION} takes the Python of another environment") from None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise UsageError(f"{python} is no Python that can run the zoo; {OPTION} takes one of version 3.11 or later")
    return said
