"""How soon does `zoo bench NAME` time its first scenario: the first time, and once it has kept the reference?

    python benchmarks/first_sample.py toy_resnet 5

The first time of each round finds no reference in the cache, the second finds that of the first. Both run in a folder
that is made for them, in which the dataset has been prepared. What is printed are medians of the rounds: seconds from
the start of the process that calls `zoo.bench`, and the processor time of all processes, which depends less on what
else the machine does.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tabulate import tabulate

CALL = """
import time
begun = time.time()
import json, resource, sys, zoo

seconds = {}
def on_step(*_):
    return lambda phase: seconds.setdefault(phase, time.time() - begun)

zoo.bench(sys.argv[1], batch_sizes=(1,), max_time_s=0.5, score=False, on_step=on_step)
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({**seconds, "processor": sum(one.ru_utime + one.ru_stime for one in used)}))
"""
ROWS = {
    "import": "its process imports the framework",
    "steady": "sampling begins",
    "processor": "processor time, in all",
}


def seconds(name: str, home: Path) -> dict[str, float]:
    """When each phase began, by its name, and the `processor` time."""
    call = [sys.executable, "-c", CALL, name]
    done = subprocess.run(call, env={**os.environ, "ZOO_HOME": str(home)}, capture_output=True, text=True, check=True)
    begun: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return begun


def main(name: str, rounds: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        seconds(name, home)
        first, second = [], []
        for _ in range(rounds):
            shutil.rmtree(home / "cache" / "references")
            first.append(seconds(name, home))
            second.append(seconds(name, home))
    if any("reference, import" in run for run in second):
        sys.exit("the reference was not kept: something on which it depends changes from one run to the next")
    rows = []
    for name_of, what in ROWS.items():
        times = [statistics.median(run[name_of] for run in runs) for runs in (first, second)]
        saved = [one[name_of] - other[name_of] for one, other in zip(first, second, strict=True)]
        row = [what, *(f"{time:.1f} s" for time in times)]
        rows.append([*row, f"{statistics.median(saved):.1f} s ({min(saved):.1f}–{max(saved):.1f})"])
    headers = [f"zoo bench {name}", "first time", "second time", "less by"]
    print(tabulate(rows, headers=headers, tablefmt="github"))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
