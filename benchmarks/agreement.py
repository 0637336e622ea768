"""Does `zoo bench` say what a hand-written loop says? The two in turn, each in fresh processes, and their ratio.

    python benchmarks/agreement.py [MODEL [ROUNDS]]

For each batch size: median images a second of both, and the median of the ratios round by round.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
from pathlib import Path

from tabulate import tabulate

BATCH_SIZES = (1, 32, 256)
BIN = Path(sys.executable).parent


def by_the_zoo(model: str, batch_size: int) -> float:
    """Images a second, by `zoo bench`."""
    command = [BIN / "zoo", "bench", model, "--batch-size", str(batch_size), "--no-accuracy", "--json"]
    printed = subprocess.run(command, capture_output=True, check=True).stdout
    return float(json.loads(printed)[0]["measures"]["images_per_second"])


def by_hand(model: str, batch_size: int) -> float:
    """Images a second, by `handwritten.py`."""
    script = Path(__file__).with_name("handwritten.py")
    command = [sys.executable, script, model, str(batch_size)]
    return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()[-1])


def main(model: str = "toy_resnet", rounds: str = "5") -> None:
    """Measure both in random order, round by round, and print the table."""
    rows = []
    for batch_size in BATCH_SIZES:
        pairs = []
        for _ in range(int(rounds)):
            ways = [by_the_zoo, by_hand]
            random.shuffle(ways)
            figures = {way: way(model, batch_size) for way in ways}
            pairs.append((figures[by_the_zoo], figures[by_hand]))
        ratios = [a / b for a, b in pairs]
        rows.append(
            [
                batch_size,
                f"{statistics.median(a for a, _ in pairs):,.0f}",
                f"{statistics.median(b for _, b in pairs):,.0f}",
                f"{statistics.median(ratios):.3f}",
                f"{min(ratios):.3f}–{max(ratios):.3f}",
            ]
        )
        print(f"batch {batch_size} done", file=sys.stderr)
    headers = ["batch", "zoo bench, images/s", "hand-written, images/s", "ratio, median", "min–max"]
    print(tabulate(rows, headers, tablefmt="github", disable_numparse=True, stralign="right"))


if __name__ == "__main__":
    main(*sys.argv[1:])
