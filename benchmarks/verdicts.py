"""Can the verdicts be believed? The same model against itself, and against itself with 5 % more work.

    python benchmarks/verdicts.py [--comparisons 100] [--processes 1] [--calibration 12] [--batch-size 32]

1. Calibrates: `toy_resnet` against itself, pair by pair of fresh processes, gives the noise floor.
2. Plants: measures how long the extra work of `slowed.py` takes, and corrects its amount until that is 5 %.
3. Compares, each time with fresh processes that take turns: A against A, and the same A against the slowed A.
4. Simulates: draws pairs of the recorded processes anew, for comparisons of 1, 3 and 5 pairs.

Prints a table of the verdicts, also of what is there when it is interrupted. `--record FILE` keeps every median.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import math
import os
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

from zoo.benchmarking.plan import Options, Step, plan
from zoo.benchmarking.runner import measure_sides
from zoo.benchmarking.timing import Policy
from zoo.executors.local import Task
from zoo.record.result import Result
from zoo.registry import load
from zoo.results.compare import NoiseFloor, compare
from zoo.results.noise_floor import noise_floor_of

HERE = Path(__file__).resolve().parent
PLANTED = 0.05
SECONDS = 2.5  # of samples, for each process
Kinds = dict[str, list[tuple[Result, Result]]]


class SlowedStep(Step):
    """A step whose worker finds `slowed.py`."""

    def task(self) -> Task:
        """The same work, with this folder on the path."""
        task = super().task()
        path = os.pathsep.join([str(HERE), str(HERE.parent)])
        return dataclasses.replace(task, environment={**task.environment, "PYTHONPATH": path})


def step(products: int, processes: int, batch_size: int, seconds: float = SECONDS) -> Step:
    """Measure toy_resnet with so much extra work."""
    policy = Policy(warmup_min_s=0.2, warmup_max_s=2.0, min_time_s=seconds)
    options = Options(batch_sizes=(batch_size,), score=False, processes=processes, policy=policy)
    (found,) = plan(load(), ["toy_resnet"], options)
    job = {**found.job, "weights": None}
    job["model"] = {**job["model"], "build": "slowed:toy_resnet", "arguments": {"products": products}}
    fields = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    return SlowedStep(**{**fields, "job": job})


def measured(*steps: Step) -> tuple[Result, ...]:
    """Measure them in turn."""
    (results,) = measure_sides([steps])
    for result in results:
        if result.outcome != "ok":
            sys.exit(f"failed: {result.failure}")
    return results


def planted_products(batch_size: int) -> int:
    """How many products are 5 % of the model's time: a guess from many of them, then corrected twice."""
    products, effect = 2000, slowdown(2000, 2, batch_size)
    for pairs in (4, 8):
        products = max(1, round(products * PLANTED / effect))
        effect = slowdown(products, pairs, batch_size)
        print(f"{products} products: {effect:+.2%}", file=sys.stderr)
    return max(1, round(products * PLANTED / effect))


def slowdown(products: int, pairs: int, batch_size: int) -> float:
    """What the extra work adds to the model's time, as a share of it."""
    plain, slowed = measured(step(0, pairs, batch_size), step(products, pairs, batch_size))
    logs = [[math.log(statistics.median(p["latency_s"])) for p in side.samples] for side in (plain, slowed)]
    return math.expm1(statistics.fmean(logs[1]) - statistics.fmean(logs[0]))


def verdict(a: Result, b: Result, floor: NoiseFloor) -> str:
    """What `zoo compare` says of the latency."""
    return next(c.verdict for c in compare([a], [b], floor=floor) if c.measure == "latency")


def simulate(pairs: Sequence[tuple[Result, Result]], count: int, floor: NoiseFloor, draws: int = 400) -> Counter[str]:
    """Verdicts of comparisons of `count` recorded pairs each, drawn without replacement."""
    verdicts: Counter[str] = Counter()
    for _ in range(draws):
        drawn = random.sample(list(pairs), count)
        sides = []
        for side in (0, 1):
            samples = [dataclasses.replace(both[side].samples[0], pair=number) for number, both in enumerate(drawn)]
            sides.append(dataclasses.replace(drawn[0][side], samples=tuple(samples), run="simulated"))
        verdicts[verdict(sides[0], sides[1], floor)] += 1
    return verdicts


def row(name: str, verdicts: Counter[str]) -> list[object]:
    """A line of the table."""
    return [name, sum(verdicts.values()), *(verdicts[v] for v in ("same", "inconclusive", "slower", "faster"))]


def main() -> None:
    """Run the experiment and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=int, default=100)
    parser.add_argument("--processes", type=int, default=1, help="a side, in each comparison")
    parser.add_argument("--calibration", type=int, default=12, help="pairs")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--products", type=int, help="of extra work; by default as many as take 5 %% of the time")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of samples, for each process")
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    started = time.monotonic()

    plain = step(0, options.processes, options.batch_size, options.seconds)
    products = options.products or planted_products(options.batch_size)
    slowed = step(products, options.processes, options.batch_size, options.seconds)
    a, b = measured(*[step(0, options.calibration, options.batch_size, options.seconds)] * 2)
    floor = noise_floor_of(a, b)
    print(f"planted: {products} products; floor: {floor}", file=sys.stderr)

    kinds: Kinds = {"A against A": [], "A against A + 5 %": []}
    with contextlib.suppress(KeyboardInterrupt):
        for number in range(options.comparisons):
            a, again, more = measured(plain, plain, slowed)
            kinds["A against A"].append((a, again))
            kinds["A against A + 5 %"].append((a, more))
            if options.record:
                options.record.write_text(json.dumps(record(floor, products, kinds)))
            print(f"{number + 1} of {options.comparisons}, {time.monotonic() - started:.0f} s", file=sys.stderr)
    report(kinds, floor, options.processes)
    print(f"{time.monotonic() - started:.0f} s")


def record(floor: NoiseFloor, products: int, kinds: Kinds) -> dict[str, Any]:
    """Every median, and what it takes to judge them."""
    medians = {kind: [[r.measures.latency_s for r in both] for both in pairs] for kind, pairs in kinds.items()}
    return {"floor": floor.to_json(), "products": products, "medians": medians}


def report(kinds: Kinds, floor: NoiseFloor, processes: int) -> None:
    """Print the table of the verdicts."""
    rows = []
    for kind, pairs in kinds.items():
        name = f"{kind}, {processes} + {processes} fresh processes"
        rows.append(row(name, Counter(verdict(a, b, floor) for a, b in pairs)))
    for kind, pairs in kinds.items():
        counts = [count for count in (1, 3, 5) if processes == 1 and count <= len(pairs)]
        rows += [row(f"{kind}, simulated, {count} recorded pairs", simulate(pairs, count, floor)) for count in counts]
    headers = ["comparison", "number", "same", "inconclusive", "slower", "faster"]
    print(tabulate(rows, headers, tablefmt="github"))
    differences = [math.log(b.measures.latency_s / a.measures.latency_s) for a, b in kinds["A against A + 5 %"]]
    print(f"\nnoise floor: process to process {floor.process_sd:.2%}, pair {floor.pair_sd:.2%} (standard deviations)")
    print(f"planted slowdown as measured: {math.expm1(statistics.median(differences)):+.2%} (median)")


if __name__ == "__main__":
    main()
