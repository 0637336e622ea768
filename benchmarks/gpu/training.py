"""Does `zoo train` on JAX train as fast as a hand-written JAX loop? They train in turns of an epoch.

    python benchmarks/gpu/training.py [--device gpu] [--batch-size 512] [--precision mixed_bfloat16] [--pairs 5]

Both train ResNet-20 by the same recipe on the same images, in processes that wait while the other trains
(`loop.py` is the hand-written one). The images are random: what they show doesn't change the time. The first epochs,
in which XLA compiles, don't count. Two processes of the same program can differ by several percent, so the interval
covers pairs of fresh processes: Student's t over the logarithms of their ratios. `--json` prints one line for programs.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from tabulate import tabulate

WAYS = ("zoo", "loop")
BLOCKS = {"resnet20": 3, "resnet32": 5, "resnet44": 7, "resnet56": 9, "resnet110": 18}
FIRST_TURNS = 2


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--model", choices=tuple(BLOCKS), default="resnet20")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument(
        "--images", type=int, help="in an epoch; by default 50,000 on a GPU and eight batches on the CPU"
    )
    parser.add_argument("--precision", choices=("float32", "mixed_bfloat16"), default="float32")
    parser.add_argument("--pairs", type=int, default=5, help="of fresh processes; the interval needs two")
    parser.add_argument("--turns", type=int, default=6, help="of each process")
    parser.add_argument("--deterministic", action="store_true", help="train as 'zoo train' does by default")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--as", dest="way", choices=WAYS, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    chosen.images = chosen.images or (50_000 if chosen.device == "gpu" else 8 * chosen.batch_size)
    return chosen


def serve(chosen: argparse.Namespace) -> None:
    """Train an epoch for each line of standard input, and print images a second."""
    epoch = (by_the_zoo if chosen.way == "zoo" else by_hand)(chosen)
    count = chosen.images // chosen.batch_size * chosen.batch_size
    for _ in sys.stdin:
        start = time.perf_counter()
        epoch()
        print(count / (time.perf_counter() - start), flush=True)


def random_images(count: int) -> tuple[np.ndarray, np.ndarray]:
    """As CIFAR-10 has them: uint8, (count, 32, 32, 3), and labels."""
    numbers = np.random.default_rng(0)
    return numbers.integers(0, 256, (count, 32, 32, 3), np.uint8), numbers.integers(0, 10, count)


def by_the_zoo(chosen: argparse.Namespace) -> Callable[[], object]:
    """What the worker of `zoo train` does between loading the data and scoring."""
    from zoo.keras_backend import import_keras

    import_keras()  # without TensorFlow, as there
    from zoo.training.callbacks import Watch
    from zoo.training.distribute import set_up
    from zoo.training.epochs import Epochs
    from zoo.training.frameworks import make_deterministic
    from zoo.training.learner import make_learner
    from zoo.training.schedule import learning_rates
    from zoo.training.splits import InMemory

    job = the_job(chosen)
    if job.deterministic:
        make_deterministic(job.keras_backend)
    devices = set_up(job)
    learner = make_learner(job, InMemory(*random_images(chosen.images), None), devices)
    rates = learning_rates(job.recipe, len(learner.batches))
    watch = Watch(job.model.name, learner.batches, rates, lambda *_, **__: None, None)
    epochs = Epochs(learner, steps_per_call=1 if devices.name == "cpu" else None)
    numbers = iter(range(job.recipe.epochs))

    def epoch() -> None:
        number = next(numbers)
        epochs.fit(watch, number, number + 1)

    return epoch


def by_hand(chosen: argparse.Namespace) -> Callable[[], object]:
    """What `loop.py` does."""
    import jax
    import jax.numpy as jnp
    from loop import Loop

    jax.config.update("jax_default_device", jax.devices(chosen.device)[0])
    return Loop(
        *random_images(chosen.images),
        the_job(chosen).recipe,
        dtype=jnp.float32 if chosen.precision == "float32" else jnp.bfloat16,
        blocks=BLOCKS[chosen.model],
        one_loop=chosen.device == "gpu",
    ).epoch


def the_job(chosen: argparse.Namespace):
    """The model's recipe for cifar10, on images that are made up."""
    from zoo import registry
    from zoo.data.catalog import Dataset
    from zoo.training.job import Job
    from zoo.training.overrides import apply

    spec = registry.load().model(chosen.model).spec
    changes = {"batch_size": chosen.batch_size, "precision": chosen.precision, "epochs": 1000}
    return Job(
        model=spec,
        dataset=Dataset(
            name="cifar10",
            version="random",
            data_dir="",
            folder="",
            builder=None,
            classes=10,
            image_shape=(32, 32, 3),
            splits={"train": chosen.images},
        ),
        recipe=apply(spec.recipe_for("cifar10"), changes),
        keras_backend="jax",
        device=chosen.device,
        deterministic=chosen.deterministic,
    )


@dataclass(frozen=True, slots=True)
class Pair:
    """Images a second of two processes that took turns: medians, and the median ratio of a turn's two."""

    zoo: float
    loop: float
    ratio: float


def measure_pair(turns: int) -> Pair:
    """Start a process each way and let them take turns, in random order."""
    processes = {
        way: subprocess.Popen(
            [sys.executable, __file__, *sys.argv[1:], "--as", way],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "KERAS_BACKEND": "jax", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
        )
        for way in WAYS
    }
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    try:
        for _ in range(FIRST_TURNS + turns):
            for way in random.sample(WAYS, len(WAYS)):
                print(file=processes[way].stdin, flush=True)
                line = processes[way].stdout.readline()
                if not line:
                    sys.exit(f"the process of '{way}' ended; its error is above")
                rates[way].append(float(line))
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
    zoo, loop = (rates[way][FIRST_TURNS:] for way in WAYS)
    ratios = [a / b for a, b in zip(zoo, loop, strict=True)]
    return Pair(statistics.median(zoo), statistics.median(loop), statistics.median(ratios))


def interval(ratios: list[float]) -> tuple[float, float, float]:
    """The geometric mean and its 95 % interval by Student's t; one ratio has none (NaN)."""
    from zoo.benchmarking.stats import student

    logs = [math.log(ratio) for ratio in ratios]
    mean = statistics.mean(logs)
    if len(logs) < 2:
        return math.exp(mean), math.nan, math.nan
    reach = student(len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs))
    return math.exp(mean), math.exp(mean - reach), math.exp(mean + reach)


def main(chosen: argparse.Namespace) -> None:
    """Measure the pairs and print the table."""
    pairs = [measure_pair(chosen.turns) for _ in range(chosen.pairs)]
    ratio, low, high = interval([pair.ratio for pair in pairs])
    found = {
        "model": chosen.model,
        "device": chosen.device,
        "precision": chosen.precision,
        "batch_size": chosen.batch_size,
        "pairs": chosen.pairs,
        "turns": chosen.turns,
        "zoo_images_per_second": statistics.median(pair.zoo for pair in pairs),
        "loop_images_per_second": statistics.median(pair.loop for pair in pairs),
        "ratio": ratio,
        "ratio_low": None if math.isnan(low) else low,
        "ratio_high": None if math.isnan(high) else high,
        "ratios": [pair.ratio for pair in pairs],
    }
    if chosen.json:
        print(json.dumps(found))
        return
    row = [
        *(found[name] for name in ("model", "device", "precision", "batch_size", "pairs")),
        f"{found['zoo_images_per_second']:,.0f}",
        f"{found['loop_images_per_second']:,.0f}",
        f"{ratio:.3f}",
        "–" if math.isnan(low) else f"{low:.3f}–{high:.3f}",
    ]
    ways = ("zoo, images/s", "by hand, images/s")
    headers = ["model", "device", "precision", "batch", "pairs", *ways, "ratio", "95 % interval"]
    print(tabulate([row], headers, tablefmt="github", disable_numparse=True, stralign="right"))
    print(f"ratios of the pairs: {', '.join(f'{pair.ratio:.3f}' for pair in pairs)}")


if __name__ == "__main__":
    asked = arguments()
    serve(asked) if asked.way else main(asked)
