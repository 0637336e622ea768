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
from pathlib import Path

from by_hand import LOOPS
from tabulate import tabulate

FILES = ("onnxruntime", "openvino", "litert")  # whose loops run a file
ZOO = Path(sys.executable).parent / "zoo"
HERE = Path(__file__)


def by_the_zoo(runtime: str, model: str, batch_size: int, _: str) -> float:
    """Seconds a batch, by `zoo bench`."""
    command = [ZOO, "bench", model, "--runtime", runtime, "--batch-size", str(batch_size), "--no-accuracy", "--json"]
    printed = subprocess.run(command, capture_output=True, check=True).stdout
    return float(json.loads(printed)[0]["measures"]["latency_s"])


def by_hand(runtime: str, model: str, batch_size: int, folder: str) -> float:
    """Seconds a batch, by `by_hand.py`."""
    command = [sys.executable, HERE.with_name("by_hand.py"), runtime, model, str(batch_size), folder]
    return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()[-1])


def compare(runtime: str, model: str, batch_size: int, rounds: int) -> list[str]:
    """Measure both in random order, round by round: a row of the table."""
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        if runtime in FILES:
            command = [ZOO, "export", model, "--runtime", runtime, "--batch-size", str(batch_size), "-o", folder]
            subprocess.run(command, capture_output=True, check=True)
        for _ in range(rounds):
            ways = [by_the_zoo, by_hand]
            random.shuffle(ways)
            taken = {way: way(runtime, model, batch_size, folder) for way in ways}
            pairs.append((taken[by_the_zoo], taken[by_hand]))
    ratios = [a / b for a, b in pairs]
    return [
        runtime,
        str(batch_size),
        f"{1e3 * statistics.median(a for a, _ in pairs):.3f}",
        f"{1e3 * statistics.median(b for _, b in pairs):.3f}",
        f"{statistics.median(ratios):.3f}",
        f"{min(ratios):.3f}–{max(ratios):.3f}",
    ]


def main(
    model: str = "toy_resnet", rounds: str = "5", runtimes: str = ",".join(LOOPS), batch_sizes: str = "1,32,256"
) -> None:
    """Measure and print the table."""
    rows = []
    for runtime in runtimes.split(","):
        for batch_size in batch_sizes.split(","):
            rows.append(compare(runtime, model, int(batch_size), int(rounds)))
            print(*rows[-1], file=sys.stderr)
    headers = ["runtime", "batch", "zoo bench, ms", "by hand, ms", "ratio, median", "min–max"]
    print(tabulate(rows, headers, tablefmt="github", disable_numparse=True, stralign="right"))


if __name__ == "__main__":
    main(*sys.argv[1:])
