"""Does `zoo train` train as fast as a plain Keras script? They take turns, an epoch each; the ratio of the turns.

    python benchmarks/training.py DATA_DIR [MODEL [TURNS [PRECISION]]]

Both train on the real CIFAR-10 with the same augmentation, batch size and loss; `plain_fit.py` is
the script. Each has a process of its own that waits while the other trains: how fast a machine is changes by more from
minute to minute than the two differ. The first turn, which traces the models, doesn't count. DATA_DIR is where TFDS has
prepared cifar10. PRECISION is float32 or mixed_bfloat16, for both.
"""

from __future__ import annotations

import contextlib
import random
import statistics
import subprocess
import sys

from tabulate import tabulate

IMAGES = 49_920  # of an epoch: all but those that don't fill a batch; tf.data takes seconds to find its pace
WAYS = ("zoo", "plain")


class Trainer:
    """A process that trains an epoch whenever it is told to."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, __file__, *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def train_an_epoch(self) -> float:
        """Its images a second."""
        print(file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


def train_by_the_zoo(model: str, data_dir: str, precision: str, epochs: int) -> None:
    """What the zoo's worker does between loading the data and scoring."""
    from zoo.data.load import load
    from zoo.train.api import make_job
    from zoo.train.distribute import Devices
    from zoo.train.fit import fit
    from zoo.train.frameworks import make_deterministic
    from zoo.train.learner import make_learner
    from zoo.train.parts import InMemory

    make_deterministic("tensorflow")
    job = make_job(model, "cifar10", data_dir=data_dir, changes={"epochs": epochs, "precision": precision})
    devices = Devices(contextlib.nullcontext())
    whole = load(job.dataset, "train")
    part = InMemory(whole.images, whole.labels, None)

    def end_epoch(line: dict[str, float]) -> None:
        print(line["images_per_second"], flush=True)
        if line["epoch"] < epochs:
            input()

    learner = make_learner(job, part, devices)
    input()
    fit(learner, job, devices, 0, lambda *_, **__: None, end_epoch)


def train_by_hand(model: str, data_dir: str, precision: str, epochs: int) -> None:
    """What `plain_fit.py` does."""
    import plain_fit

    plain_fit.main(model, data_dir, str(IMAGES), str(epochs), precision, before_epoch=input)


def main(data_dir: str, model: str = "toy_resnet", turns: str = "6", precision: str = "float32") -> None:
    """Let them take turns, in random order, and print the table."""
    trainers = {way: Trainer("--as", way, model, data_dir, precision, str(int(turns) + 1)) for way in WAYS}
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(int(turns) + 1):
        for way in random.sample(WAYS, len(WAYS)):
            rates[way].append(trainers[way].train_an_epoch())
        print(*(f"{way} {rates[way][-1]:,.0f}" for way in WAYS), file=sys.stderr)
    zoo, plain = (rates[way][1:] for way in WAYS)
    ratios = [a / b for a, b in zip(zoo, plain, strict=True)]
    row = [
        model,
        precision,
        f"{statistics.median(zoo):,.0f}",
        f"{statistics.median(plain):,.0f}",
        f"{statistics.median(ratios):.3f}",
        f"{min(ratios):.3f}–{max(ratios):.3f}",
    ]
    headers = ["model", "precision", "zoo train, images/s", "plain fit, images/s", "ratio, median", "min–max"]
    print(tabulate([row], headers, tablefmt="github", disable_numparse=True, stralign="right"))


if __name__ == "__main__":
    if sys.argv[1] == "--as":
        way, model, data_dir, precision, epochs = sys.argv[2:]
        train = train_by_the_zoo if way == "zoo" else train_by_hand
        train(model, data_dir, precision, int(epochs))
    else:
        main(*sys.argv[1:])
