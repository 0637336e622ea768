"""An executor that measures each task in a process of this machine, as one on a cluster would on another."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping

import zoo

# References are computed by JAX, as `quick_zoo.py` has it.
MEASURE = """
import sys
from zoo.benchmarking import reference
reference.BACKENDS = ("jax",)
from zoo.benchmarking.tasks import main
sys.exit(main())
"""


@zoo.hookimpl
def zoo_executors() -> list[zoo.ExecutorSpec]:
    return [
        zoo.ExecutorSpec(name="beside", summary="processes", run="local_executor:run"),
        zoo.ExecutorSpec(name="loses", summary="loses all but the first", run="local_executor:lose"),
        zoo.ExecutorSpec(name="lacks", summary="s", run="local_executor:run", requires=("no-such-dist",), install="X"),
        zoo.ExecutorSpec(name="hangs", summary="measures the first and hangs", run="local_executor:hang"),
    ]


def run(tasks: Mapping[str, str], tell: Callable[[str, str, str], None]) -> None:
    """In the opposite order, as it may be anywhere."""
    for task, text in reversed(tasks.items()):
        tell(task, "begun", "beside")
        done = subprocess.run([sys.executable, "-P", "-c", MEASURE], input=text, capture_output=True, text=True)
        if done.returncode == 0:
            tell(task, "finished", done.stdout)
        else:
            tell(task, "failed", done.stderr)


def lose(tasks: Mapping[str, str], tell: Callable[[str, str, str], None]) -> None:
    """Measure one task, report it twice, and end as a cluster does that goes away."""
    task, text = next(iter(tasks.items()))
    run({task: text}, tell)
    tell(task, "failed", "once more")
    os._exit(9)


def hang(tasks: Mapping[str, str], tell: Callable[[str, str, str], None]) -> None:
    """Measure one task, then start what sleeps."""
    task, text = next(iter(tasks.items()))
    run({task: text}, tell)
    subprocess.run(["sleep", "1234"])
