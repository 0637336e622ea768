"""How narrow an interval, in how much time? zoo, pyperf and pytest-benchmark on the same callable, one after the other.

    python benchmarks/width.py

The callable is `toy_resnet` at batch 32. zoo is asked for 2 % within 60 s. pyperf runs by its defaults (20 processes of
3 values each), pytest-benchmark by its own (one process). Neither gives an interval: theirs is computed here from the
values that they store, by Student's t over what each takes for independent observations: pyperf's processes, and
pytest-benchmark's rounds.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from zoo.benchmarking.stats import student

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent

PYTEST = """
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
from callable_toy_resnet import timed

def test_toy_resnet(benchmark):
    benchmark(timed(32))
"""


def width(observations: Sequence[float]) -> float:
    """Of the 95 % interval of their mean, as a share of it."""
    error = statistics.stdev(observations) / math.sqrt(len(observations))
    return 2 * student(len(observations) - 1) * error / statistics.mean(observations)


def by_zoo(folder: Path) -> tuple[int, int, float, float]:
    """Processes, samples, median in seconds, width of its interval."""
    command = [BIN / "zoo", "bench", "toy_resnet", "--batch-size", "32", "--no-accuracy", "--json"]
    command += ["--precision", "2%", "--max-time", "60", "--store", folder / "store"]
    (result,) = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    stats = result["stats"]["latency_s"]
    return stats["processes"], stats["n"], stats["median"], (stats["high"] - stats["low"]) / stats["median"]


def by_pyperf(folder: Path) -> tuple[int, int, float, float]:
    """The same for pyperf."""
    file = folder / "pyperf.json"
    command = [sys.executable, HERE / "pyperf_toy_resnet.py", "--quiet", "-o", file, "--copy-env"]
    subprocess.run(command, capture_output=True, check=True)
    runs = json.loads(file.read_bytes())["benchmarks"][0]["runs"]
    processes = [run["values"] for run in runs if run.get("values")]
    values = [value for process in processes for value in process]
    return len(processes), len(values), statistics.median(values), width([statistics.mean(p) for p in processes])


def by_pytest_benchmark(folder: Path) -> tuple[int, int, float, float]:
    """The same for pytest-benchmark."""
    (folder / "test_toy_resnet.py").write_text(PYTEST)
    file = folder / "pytest.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", f"--rootdir={folder}"]
    command += [folder / "test_toy_resnet.py", f"--benchmark-json={file}", "--benchmark-save-data"]
    environment = {"PYTHONPATH": str(HERE), "PATH": str(BIN)}
    subprocess.run(command, capture_output=True, check=True, env=environment, cwd=folder)
    values = json.loads(file.read_bytes())["benchmarks"][0]["stats"]["data"]
    return 1, len(values), statistics.median(values), width(values)


def main() -> None:
    """Run the three, three times each, and print the table."""
    rows = []
    for attempt in (1, 2, 3):
        for name, way in (("zoo", by_zoo), ("pyperf", by_pyperf), ("pytest-benchmark", by_pytest_benchmark)):
            with tempfile.TemporaryDirectory() as folder:
                start = time.monotonic()
                processes, samples, median, share = way(Path(folder))
                seconds = time.monotonic() - start
            rows.append(
                [name, attempt, f"{seconds:.0f} s", processes, samples, f"{median * 1e3:.2f} ms", f"{share:.2%}"]
            )
            print(rows[-1], file=sys.stderr)
    headers = ["harness", "run", "time", "processes", "samples", "median", "width of the interval"]
    print(tabulate(sorted(rows), headers, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main()
