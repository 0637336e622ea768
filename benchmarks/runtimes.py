"""Does the harness add anything? `zoo bench` and a hand-written loop for the same library, in turn, in fresh processes.

    python benchmarks/runtimes.py [MODEL [ROUNDS [RUNTIME[,RUNTIME] [BATCH_SIZE[,BATCH_SIZE]]]]]

For each runtime and batch size: the median latency of both, and the median of the ratios round by round. `by_hand.py`
has the loops.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from by_hand import LOOPS
from tabulate import tabulate

FILES = ("onnxruntime", "openvino", "litert")  # whose loops run a file
ZOO = Path(sys.executable).parent / "zoo"
HERE = Path(__file__)


Latencies = dict[int, float]  # seconds a batch, by batch size


def by_the_zoo(runtime: str, model: str, batch_sizes: Sequence[int], _: str) -> Latencies:
    """What `zoo bench` says."""
    sizes = ",".join(map(str, batch_sizes))
    command = [ZOO, "bench", model, "--runtime", runtime, "--batch-size", sizes, "--no-accuracy", "--json"]
    printed = subprocess.run(command, capture_output=True, check=True).stdout
    return {row["scenario"]["batch_size"]: row["measures"]["latency_s"] for row in json.loads(printed)}


def by_hand(runtime: str, model: str, batch_sizes: Sequence[int], folder: str) -> Latencies:
    """What `by_hand.py` says, in a fresh process for each batch size."""
    found = {}
    for size in batch_sizes:
        command = [sys.executable, HERE.with_name("by_hand.py"), runtime, model, str(size), f"{folder}/{size}"]
        found[size] = float(subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()[-1])
    return found


def compare(runtime: str, model: str, batch_sizes: Sequence[int], rounds: int) -> list[list[str]]:
    """Measure both in random order, round by round: a row of the table for each batch size."""
    taken: dict[object, list[Latencies]] = {by_the_zoo: [], by_hand: []}
    with tempfile.TemporaryDirectory() as folder:
        if runtime in FILES:
            for size in batch_sizes:
                command = [ZOO, "export", model, "--runtime", runtime, "--batch-size", str(size)]
                subprocess.run([*command, "-o", f"{folder}/{size}"], capture_output=True, check=True)
        for _ in range(rounds):
            for way in random.sample([by_the_zoo, by_hand], 2):
                taken[way].append(way(runtime, model, batch_sizes, folder))
    return [row(runtime, size, *([one[size] for one in taken[way]] for way in taken)) for size in batch_sizes]


def row(runtime: str, batch_size: int, zoo: list[float], hand: list[float]) -> list[str]:
    """A row of the table."""
    ratios = [a / b for a, b in zip(zoo, hand, strict=True)]
    milliseconds = [f"{1e3 * statistics.median(seconds):.3f}" for seconds in (zoo, hand)]
    spread = f"{min(ratios):.3f}–{max(ratios):.3f}"
    return [runtime, str(batch_size), *milliseconds, f"{statistics.median(ratios):.3f}", spread]


def main(
    model: str = "toy_resnet", rounds: str = "3", runtimes: str = ",".join(LOOPS), batch_sizes: str = "1,32,256"
) -> None:
    """Measure and print the table."""
    rows = []
    for runtime in runtimes.split(","):
        rows += compare(runtime, model, [int(size) for size in batch_sizes.split(",")], int(rounds))
        print(f"{runtime} done", file=sys.stderr)
    headers = ["runtime", "batch", "zoo bench, ms", "by hand, ms", "ratio, median", "min–max"]
    print(tabulate(rows, headers, tablefmt="github", disable_numparse=True, stralign="right"))


if __name__ == "__main__":
    main(*sys.argv[1:])
