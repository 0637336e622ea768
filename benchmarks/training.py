"""Does `zoo train` train as fast as a plain Keras script? The two in turn, each in fresh processes, and their ratio.

    python benchmarks/training.py DATA_DIR [MODEL [ROUNDS [PRECISION]]]

Both train on the first images of the real CIFAR-10 with the same augmentation, batch size and loss; `plain_fit.py` is
the script. Of each process the epochs after the first count, which traces the model. DATA_DIR is where TFDS has
prepared cifar10. PRECISION is float32 or mixed_bfloat16, for both.
"""

from __future__ import annotations

import contextlib
import random
import statistics
import subprocess
import sys
from pathlib import Path

from tabulate import tabulate

IMAGES, EPOCHS = 12_800, 3
HERE = Path(__file__)


def images_per_second(*command: str | Path) -> float:
    """The median of what a process prints, epoch by epoch, without the first."""
    done = subprocess.run([sys.executable, *command], capture_output=True, check=True, text=True)
    return statistics.median(float(line) for line in done.stdout.split()[1:])


def by_the_zoo(model: str, data_dir: str, precision: str) -> float:
    """Images a second of what `zoo train` runs."""
    return images_per_second(HERE, "--zoo", model, data_dir, precision)


def by_hand(model: str, data_dir: str, precision: str) -> float:
    """Images a second of `plain_fit.py`."""
    return images_per_second(HERE.with_name("plain_fit.py"), model, data_dir, str(IMAGES), str(EPOCHS), precision)


def train(model: str, data_dir: str, precision: str) -> None:
    """The zoo's own side: what its worker does between loading the data and scoring, with fewer images."""
    from zoo.data.load import load
    from zoo.train.api import make_job
    from zoo.train.distribute import Devices
    from zoo.train.fit import fit
    from zoo.train.frameworks import make_deterministic
    from zoo.train.learner import make_learner
    from zoo.train.parts import InMemory

    make_deterministic("tensorflow")
    job = make_job(model, "cifar10", data_dir=data_dir, changes={"epochs": EPOCHS, "precision": precision})
    devices = Devices(contextlib.nullcontext())
    whole = load(job.dataset, "train")
    part = InMemory(whole.images[:IMAGES], whole.labels[:IMAGES], None)

    def end_epoch(line: dict[str, float]) -> None:
        print(line["images_per_second"], flush=True)

    fit(make_learner(job, part, devices), job, devices, 0, lambda *_, **__: None, end_epoch)


def main(data_dir: str, model: str = "toy_resnet", rounds: str = "5", precision: str = "float32") -> None:
    """Measure both in random order, round by round, and print the table."""
    pairs = []
    for _ in range(int(rounds)):
        ways = [by_the_zoo, by_hand]
        random.shuffle(ways)
        figures = {way: way(model, data_dir, precision) for way in ways}
        pairs.append((figures[by_the_zoo], figures[by_hand]))
        print(f"zoo {pairs[-1][0]:,.0f}, plain {pairs[-1][1]:,.0f}", file=sys.stderr)
    ratios = [a / b for a, b in pairs]
    row = [
        model,
        precision,
        f"{statistics.median(a for a, _ in pairs):,.0f}",
        f"{statistics.median(b for _, b in pairs):,.0f}",
        f"{statistics.median(ratios):.3f}",
        f"{min(ratios):.3f}–{max(ratios):.3f}",
    ]
    headers = ["model", "precision", "zoo train, images/s", "plain fit, images/s", "ratio, median", "min–max"]
    print(tabulate([row], headers, tablefmt="github", disable_numparse=True, stralign="right"))


if __name__ == "__main__":
    if sys.argv[1] == "--zoo":
        train(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
