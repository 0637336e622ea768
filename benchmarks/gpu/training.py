"""Does `zoo train` on JAX train as fast as a hand-written JAX loop? They train in turns of an epoch.

    python benchmarks/gpu/training.py [--device gpu] [--batch-size 512] [--precision mixed_bfloat16] [--turns 12]

Both train ResNet-20 by the same recipe on the same images, in processes that wait while the other trains
(`loop.py` is the hand-written one). The images are random: what they show doesn't change the time. The first epochs,
in which XLA compiles, don't count. `--json` prints one line for a program.
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
        "--images", type=int, help="in an epoch; by default 50,000 on a GPU and four batches on the CPU"
    )
    parser.add_argument("--precision", choices=("float32", "mixed_bfloat16"), default="float32")
    parser.add_argument("--turns", type=int, default=12)
    parser.add_argument("--deterministic", action="store_true", help="train as 'zoo train' does by default")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--as", dest="way", choices=WAYS, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    chosen.images = chosen.images or (50_000 if chosen.device == "gpu" else 4 * chosen.batch_size)
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
    from zoo.training.distribute import set_up
    from zoo.training.epochs import Epochs
    from zoo.training.frameworks import make_deterministic
    from zoo.training.learner import make_learner
    from zoo.training.parts import InMemory
    from zoo.training.schedule import learning_rates
    from zoo.training.watch import Watch

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
    from zoo.training.changes import apply
    from zoo.training.job import Job

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


def interval(ordered: list[float]) -> tuple[float, float]:
    """Of the median at 95 %, by order statistics."""
    reach = 1.96 * math.sqrt(len(ordered)) / 2
    first = max(0, math.floor(len(ordered) / 2 - reach))
    return ordered[first], ordered[-1 - first]


def main(chosen: argparse.Namespace) -> None:
    """Let them take turns, in random order, and print the table."""
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
    for _ in range(FIRST_TURNS + chosen.turns):
        for way in random.sample(WAYS, len(WAYS)):
            print(file=processes[way].stdin, flush=True)
            line = processes[way].stdout.readline()
            if not line:
                sys.exit(f"the process of '{way}' ended; its error is above")
            rates[way].append(float(line))
    for process in processes.values():
        process.kill()
        process.wait()
    zoo, loop = (rates[way][FIRST_TURNS:] for way in WAYS)
    ratios = sorted(a / b for a, b in zip(zoo, loop, strict=True))
    low, high = interval(ratios)
    found = {
        "model": chosen.model,
        "device": chosen.device,
        "precision": chosen.precision,
        "batch_size": chosen.batch_size,
        "turns": chosen.turns,
        "zoo_images_per_second": statistics.median(zoo),
        "loop_images_per_second": statistics.median(loop),
        "ratio": statistics.median(ratios),
        "ratio_low": low,
        "ratio_high": high,
    }
    if chosen.json:
        print(json.dumps(found))
        return
    row = [
        *(found[name] for name in ("model", "device", "precision", "batch_size")),
        f"{found['zoo_images_per_second']:,.0f}",
        f"{found['loop_images_per_second']:,.0f}",
        f"{found['ratio']:.3f}",
        f"{low:.3f}–{high:.3f}",
    ]
    headers = ["model", "device", "precision", "batch", "zoo, images/s", "by hand, images/s", "ratio", "95 % interval"]
    print(tabulate([row], headers, tablefmt="github", disable_numparse=True, stralign="right"))


if __name__ == "__main__":
    asked = arguments()
    serve(asked) if asked.way else main(asked)
