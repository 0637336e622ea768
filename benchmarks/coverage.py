"""Does the 95 % interval cover what it should? Simulated measurements whose true median is known.

    python benchmarks/coverage.py [--runs 1000]

Four processes take 40 turns of 8 rounds each; rounds differ by 2 % within a turn. Two things vary besides, each by so
much (standard deviation of the logarithm): processes from each other, and the machine's speed from one second to the
next, for all processes alike. Where the speed is said to linger, half of its deviation carries over to the next second
(or four fifths, where it lingers long).
"Processes alone" is Student's t over the processes' medians, which leaves out that they shared their time.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from tabulate import tabulate

from zoo.benchmarking.stats import interval
from zoo.record.measures import TurnRecord

PROCESSES, TURNS, ROUNDS = 4, 40, 8
LINGERING = {0.0: "", 0.5: ", lingering", 0.8: ", lingering long"}


def measured(random: Any, between: float, over_time: float, linger: float) -> tuple[list[Any], list[Any]]:
    """Samples of each process, and its turns."""
    levels = np.exp(random.normal(0, between, PROCESSES))
    speed = np.empty(TURNS)
    now = random.normal(0, over_time)
    for turn in range(TURNS):
        now = linger * now + np.sqrt(1 - linger**2) * random.normal(0, over_time)
        speed[turn] = np.exp(now)
    samples = [
        np.concatenate([level * factor * np.exp(random.normal(0, 0.02, ROUNDS)) for factor in speed])
        for level in levels
    ]
    turns = [[TurnRecord(start_s=n + p / PROCESSES, rounds=ROUNDS) for n in range(TURNS)] for p in range(PROCESSES)]
    return samples, turns


def main() -> None:
    """Simulate, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    runs = parser.parse_args().runs
    rows = []
    for between, over_time, linger in (
        (0.003, 0.03, 0.0),
        (0.003, 0.03, 0.5),
        (0.003, 0.03, 0.8),
        (0.02, 0.02, 0.0),
        (0.03, 0.003, 0.0),
    ):
        random = np.random.default_rng(2024)
        hits, widths = np.zeros(2), np.zeros(2)
        for _ in range(runs):
            samples, turns = measured(random, between, over_time, linger)
            for way, (low, high) in enumerate(
                (interval(samples, np.median, turns), interval(samples, np.median)),
            ):
                hits[way] += low <= 1 <= high
                widths[way] += (high - low) / runs
        cells = [f"{hits[way] / runs:.1%}, {widths[way]:.1%} wide" for way in (0, 1)]
        rows.append([f"{between:.1%}", f"{over_time:.1%}" + LINGERING[linger], *cells])
    headers = ["processes differ by", "speed varies by", "processes and time", "processes alone"]
    print(tabulate(rows, headers, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main()
