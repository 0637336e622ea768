"""Does the harness add anything? What `zoo bench` measures and a hand-written loop for the same library, in turn.

    python benchmarks/runtimes.py [MODEL [TURNS [RUNTIME[,RUNTIME] [BATCH_SIZE[,BATCH_SIZE]]]]]

For each runtime and batch size two fresh processes: the very one that `zoo bench` starts, and one that loops by hand
(`by_hand.py`). Both stay alive and sample a quarter of a second in turn, in random order, so that what the machine does
meanwhile meets both. Printed: the median of each turn's median, and the median ratio of the turns with its 95 %
interval, by order statistics.
"""

from __future__ import annotations

import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from by_hand import LOOPS
from tabulate import tabulate

from zoo import registry
from zoo.benchmarking.plan import Options, Step, plan
from zoo.benchmarking.processes import ProcessGroup
from zoo.benchmarking.reference import References
from zoo.benchmarking.sides import Side
from zoo.benchmarking.timing import TurnLength
from zoo.executors.local import Task

FILES = ("onnxruntime", "openvino", "litert")  # whose loops run a file
ZOO = Path(sys.executable).parent / "zoo"
BY_HAND = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])}


def compare(steps: list[Step], turns: int) -> Iterator[list[str]]:
    """A row of the table for each step."""
    with References(steps) as references, tempfile.TemporaryDirectory() as folder:
        for step in steps:
            scenario, files = step.scenario, f"{folder}/{step.scenario.batch_size}"
            if scenario.runtime in FILES:
                command = [ZOO, "export", scenario.model, "--runtime", scenario.runtime, "-o", files]
                subprocess.run([*command, "--batch-size", str(scenario.batch_size)], capture_output=True, check=True)
            zoo, hand = sampled(Side.prepare(step, None, references, lambda _: None), files, turns)
            ratios = sorted(a / b for a, b in zip(zoo, hand, strict=True))
            low, high = interval(ratios)
            yield [
                scenario.runtime,
                str(scenario.batch_size),
                *(f"{1e3 * statistics.median(seconds):.3f}" for seconds in (zoo, hand)),
                f"{statistics.median(ratios):.3f}",
                f"{low:.3f}–{high:.3f}",
            ]


def sampled(side: Side, files: str, turns: int) -> tuple[list[float], list[float]]:
    """The median seconds a batch of each turn: of the zoo's process, and of the loop's."""
    scenario = side.step.scenario
    job = {"runtime": scenario.runtime, "model": scenario.model, "batch_size": scenario.batch_size, "folder": files}
    with ProcessGroup() as group:
        processes = [
            side.start(0, group, lambda _: None),
            group.start(Task("by_hand:in_turn", job, environment=BY_HAND), lambda _: None, timeout_s=120.0),
        ]
        going = all(process.ready() and process.warm_up() for process in processes)
        for _ in range(turns):
            going = going and all(process.sample(TurnLength(least_s=0.25)) for process in random.sample(processes, 2))
        if not going:
            sys.exit(f"{scenario}: {[process.end() for process in processes if process.running.done()]}")
        zoo, hand = ([statistics.median(turn.samples_s) for turn in process.turns] for process in processes)
        return zoo, hand


def interval(ordered: list[float]) -> tuple[float, float]:
    """Of the median, from the binomial distribution, near enough by the normal one."""
    reach = 1.96 * math.sqrt(len(ordered)) / 2
    first = max(0, math.floor(len(ordered) / 2 - reach))
    return ordered[first], ordered[-1 - first]


def main(
    model: str = "toy_resnet", turns: str = "24", runtimes: str = ",".join(LOOPS), batch_sizes: str = "1,32,256"
) -> None:
    """Measure and print the table."""
    rows = []
    for runtime in runtimes.split(","):
        options = Options(runtimes=(runtime,), batch_sizes=tuple(map(int, batch_sizes.split(","))), score=False)
        for row in compare(plan(registry.load(), [model], options), int(turns)):
            print(*row, file=sys.stderr)
            rows.append(row)
    headers = ["runtime", "batch", "zoo bench, ms", "by hand, ms", "ratio", "95 % interval"]
    print(tabulate(rows, headers, tablefmt="github", disable_numparse=True, stralign="right"))


if __name__ == "__main__":
    main(*sys.argv[1:])
