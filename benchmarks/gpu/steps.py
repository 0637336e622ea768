"""What is measured and trained in a window on a GPU, most valuable first, and the same at toy size for a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["results", "record", "weights"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One command and what is kept of it.

    Attributes:
        name: unique; a later window knows by it what is done.
        command: `zoo …`, or a script of this folder and its arguments.
        seconds: what it is expected to take on an H100; the queue starts nothing that no longer fits.
        kind: what it leaves: "results" in a store, a "record" (one JSON value on standard output), or "weights".
    """

    name: str
    command: tuple[str, ...]
    seconds: float
    kind: Kind


def bench(name: str, models: str, runtimes: str, precisions: str, batch_sizes: str, seconds: float) -> Step:
    """A matrix of scenarios on the GPU, with the accuracy on CIFAR-10."""
    command = (
        *("zoo", "bench", *models.split(), "--dataset", "cifar10", "--device", "gpu", "--max-time", "2"),
        *("--runtime", runtimes, "--precision", precisions, "--batch-size", batch_sizes),
    )
    return Step(name=name, command=command, seconds=seconds, kind="results")


def train(model: str, recipe: str, seconds: float) -> Step:
    """Train on JAX, in bfloat16, with batches that fill the GPU; the rate grows with the square root of the batch."""
    command = (
        *("zoo", "train", model, "--dataset", "cifar10", "--recipe", recipe, "--device", "gpu"),
        *("--keras-backend", "jax", "--no-deterministic", "--set", "precision=mixed_bfloat16"),
        *("--set", "batch_size=512", "--set", "learning_rate=0.2"),
    )
    return Step(name=f"train-{model}", command=command, seconds=seconds, kind="weights")


def speed(model: str, precision: str, seconds: float, *more: str) -> Step:
    """`zoo train` against a hand-written JAX loop."""
    name = "-".join(("speed", model, precision, *(word.strip("-") for word in more)))
    command = (
        *("training.py", "--device", "gpu", "--model", model, "--batch-size", "512", "--precision", precision),
        *("--pairs", "1", "--turns", "8", "--json", *more),
    )
    return Step(name=name, command=command, seconds=seconds, kind="record")


GRAPH, ALL = "torch-cuda-graph", "jax,torch,torch-compile,torch-cuda-graph"

QUEUE: tuple[Step, ...] = (
    bench("first", "resnet20", GRAPH, "bfloat16", "1", 25),
    Step(name="peak", command=("zoo", "peak", "--device", "gpu", "--json"), seconds=45, kind="record"),
    bench("graph-bfloat16", "resnet20", GRAPH, "bfloat16", "32,256,1024", 35),
    speed("resnet20", "mixed_bfloat16", 75),
    Step(name="replay", command=("replay.py", "--json"), seconds=30, kind="record"),
    bench("jax-bfloat16", "resnet20", "jax", "bfloat16", "1,32,256,1024", 50),
    bench("torch-bfloat16", "resnet20", "torch", "bfloat16", "1,32,256,1024", 45),
    train("resnet56", "long", 400),
    train("resnet20", "long", 190),
    bench("graph-exact", "resnet20", GRAPH, "float32,tf32,float16", "1,32,256,1024", 110),
    bench("jax-exact", "resnet20", "jax", "float32,tf32,float16", "1,32,256,1024", 130),
    bench("compiled", "resnet20", "torch-compile", "bfloat16", "1,1024", 120),
    bench("toy", "toy_resnet plain_cnn resnet8", "jax,torch-cuda-graph", "bfloat16", "1,256", 120),
    train("resnet32", "long", 270),
    bench("largest", "resnet20", "jax,torch-cuda-graph", "bfloat16", "max", 90),
    bench("torch-exact", "resnet20", "torch", "float32,tf32,float16", "1,32,256,1024", 120),
    bench("compiled-exact", "resnet20", "torch-compile", "float32,tf32,bfloat16,float16", "32,256", 240),
    speed("resnet20", "float32", 90),
    speed("resnet20", "mixed_bfloat16", 90, "--deterministic"),
    train("resnet44", "long", 330),
    train("plain56", "long", 390),
    train("resnet110", "long", 800),
    bench("largest-all", "resnet20 toy_resnet", ALL, "bfloat16,float32", "max", 400),
)

TOY_SECONDS = 20.0
ON_A_CPU = {
    "--device": "cpu",
    "--dataset": "digits",
    "--batch-size": "1,4",
    "--precision": "float32",
    "--runtime": "torch",
    "--max-time": "1",
    "--recipe": "default",
    "--turns": "1",
}


def toy(step: Step) -> Step:
    """The same step at toy size on a CPU: the same commands, other values of their options."""
    word, *rest = step.command
    changed = list(rest)
    for place, option in enumerate(rest[:-1]):
        if option in ON_A_CPU:
            changed[place + 1] = ON_A_CPU[option]
    if word == "training.py":
        changed[changed.index("--batch-size") + 1] = "8"
        changed += ["--images", "16"]
    elif word == "replay.py":
        changed += ["--rehearse"]
    elif "peak" in rest:
        changed += ["--seconds", "1"]
    elif "train" in rest:
        changed = [changed[0], "resnet8", *changed[2:], "--epochs", "1"]
    elif "bench" in rest:
        changed = [changed[0], "resnet8", *_options(changed)]
    return Step(name=step.name, command=(word, *changed), seconds=TOY_SECONDS, kind=step.kind)


def _options(words: Sequence[str]) -> Sequence[str]:
    """From the first option on."""
    first = next(place for place, word in enumerate(words) if word.startswith("--"))
    return words[first:]


def short(steps: Sequence[Step]) -> tuple[Step, ...]:
    """One step of each kind, for a test: the first of each."""
    found: dict[str, Step] = {}
    for step in steps:
        found.setdefault(step.kind if step.kind != "record" else step.command[0], step)
    return tuple(found.values())
