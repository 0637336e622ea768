"""Does `zoo train` train as fast as a plain Keras script? They take turns of some seconds; the ratio of the turns.

    python benchmarks/training.py DATA_DIR [MODEL [TURNS [PRECISION]]]

Both train on the real CIFAR-10 with the same augmentation, batch size and loss; `plain_fit.py` is the script. Each has
a process of its own that waits while the other trains: how fast a machine is changes by more from minute to minute than
the two differ. The first turns, in which the models are traced and tf.data finds its pace, don't count, nor do the
first steps of a turn, whose batches the script has prepared while it waited. DATA_DIR is where TFDS has prepared
cifar10. PRECISION is float32 or mixed_bfloat16, for both.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
import statistics
import subprocess
import sys
import time
from typing import Any

from tabulate import tabulate

WAYS = ("zoo", "plain")
BATCH, STEPS, FIRST = 128, 48, 16  # of a turn: those that count, and those before them
FIRST_TURNS = 3


class Trainer:
    """A process that trains for so many steps whenever it is told to."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )

    def take_turn(self) -> float:
        """Its images a second."""
        print(file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


def turns() -> Any:
    """A callback that waits until it is told to train, and prints images a second."""
    import keras

    class Turns(keras.callbacks.Callback):
        step = 0

        def on_train_batch_begin(self, *_: object, **__: object) -> None:
            if self.step == 0:
                input()
            if self.step == FIRST:
                self.start = time.perf_counter()

        def on_train_batch_end(self, *_: object, **__: object) -> None:
            self.step += 1
            if self.step == FIRST + STEPS:
                print(STEPS * BATCH / (time.perf_counter() - self.start), flush=True)
                self.step = 0

    return Turns()


def train_by_the_zoo(model: str, data_dir: str, precision: str) -> None:
    """What the zoo's worker does between loading the data and scoring."""
    from zoo.data.load import load
    from zoo.training.api import make_job
    from zoo.training.distribute import Devices
    from zoo.training.fit import fit
    from zoo.training.frameworks import make_deterministic
    from zoo.training.learner import make_learner
    from zoo.training.splits import InMemory

    make_deterministic("tensorflow")
    job = make_job(model, "cifar10", data_dir=data_dir, changes={"batch_size": BATCH, "precision": precision})
    devices = Devices(contextlib.nullcontext())
    whole = load(job.dataset, "train")
    learner = make_learner(job, InMemory(whole.images, whole.labels, None), devices)
    train, turn = learner.model.fit, turns()
    learner.model.fit = lambda *batches, callbacks, **more: train(*batches, callbacks=[*callbacks, turn], **more)
    fit(learner, job, devices, 0, lambda *_, **__: None)


def train_by_hand(model: str, data_dir: str, precision: str) -> None:
    """What `plain_fit.py` does."""
    import plain_fit

    plain_fit.main(model, data_dir, epochs="30", precision=precision, callback=turns())


def interval(ordered: list[float]) -> str:
    """Of the median at 95 %, by order statistics."""
    reach = 1.96 * math.sqrt(len(ordered)) / 2
    first = max(0, math.floor(len(ordered) / 2 - reach))
    return f"{ordered[first]:.3f}–{ordered[-1 - first]:.3f}"


def main(data_dir: str, model: str = "toy_resnet", number: str = "40", precision: str = "float32") -> None:
    """Let them take turns, in random order, and print the table."""
    trainers = {way: Trainer("--as", way, model, data_dir, precision) for way in WAYS}
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(FIRST_TURNS + int(number)):
        for way in random.sample(WAYS, len(WAYS)):
            rates[way].append(trainers[way].take_turn())
    for trainer in trainers.values():
        trainer.process.kill()
    zoo, plain = (rates[way][FIRST_TURNS:] for way in WAYS)
    ratios = sorted(a / b for a, b in zip(zoo, plain, strict=True))
    row = [
        model,
        precision,
        f"{statistics.median(zoo):,.0f}",
        f"{statistics.median(plain):,.0f}",
        f"{statistics.median(ratios):.3f}",
        interval(ratios),
    ]
    headers = ["model", "precision", "zoo train, images/s", "plain fit, images/s", "ratio", "95 % interval"]
    print(tabulate([row], headers, tablefmt="github", disable_numparse=True, stralign="right"))


if __name__ == "__main__":
    if sys.argv[1] == "--as":
        _, _, way, *arguments = sys.argv
        (train_by_the_zoo if way == "zoo" else train_by_hand)(*arguments)
    else:
        main(*sys.argv[1:])
