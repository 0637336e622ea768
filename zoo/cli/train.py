"""`zoo train`: train a model by a recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from zoo.choices import RESIZES
from zoo.cli import App, names, warn
from zoo.cli.options import as_json, data_dir, echo_json, skip_damaged
from zoo.keras_backend import BACKENDS

OnEvent = Callable[[dict[str, Any]], None]


@click.command("train")
@click.argument("name", shell_complete=names.models)
@click.option(
    "--dataset",
    shell_complete=names.datasets,
    metavar="NAME",
    default="digits",
    show_default=True,
    help="What to train on.",
)
@data_dir
@skip_damaged
@click.option(
    "--from",
    "start_from",
    metavar="FILE|DATASET",
    help="Start from weights: a file, or those that the model has for another dataset. The classifier is new where the "
    "classes are others.",
)
@click.option(
    "--freeze",
    type=click.IntRange(min=0),
    metavar="N",
    default=0,
    help="With --from: only the classifier learns in the first N epochs.",
)
@click.option("--recipe", metavar="NAME", help="Which of the model's recipes for it; by default the first.")
@click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="Instead of the recipe's.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), metavar="N", help="Instead of the recipe's.")
@click.option(
    "--set", "settings", metavar="KEY=VALUE", multiple=True, help="Change a field of the recipe; may be repeated."
)
@click.option(
    "--resize",
    type=click.Choice(RESIZES),
    help="How images of all sizes come to the model's input, instead of the recipe's way: cover it and keep the "
    "centre, scale height and width apart, or fit into it with black around.",
)
@click.option("--seeds", type=click.IntRange(min=1), metavar="N", help="Train with N seeds and give mean ± deviation.")
@click.option(
    "--tune",
    is_flag=True,
    help="For choosing settings: train on nine tenths of the training split, score the rest after each epoch; the test "
    "split is not read.",
)
@click.option("--flip-test", is_flag=True, help="Also score with each image and its mirror image averaged.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint of the same run, if there is one.")
@click.option("--run-dir", metavar="FOLDER", type=click.Path(), help="Where history, checkpoint and result are kept.")
@click.option(
    "--data",
    type=click.Choice(["auto", "memory", "stream"]),
    default="auto",
    show_default=True,
    help="Hold the images in memory, or read them again each epoch, by TensorFlow (trusted input only: TFDS then "
    "imports the code that a dataset's features.json names).",
)
@click.option(
    "--keras-backend",
    type=click.Choice(BACKENDS),
    help="What Keras computes with; by default the first that is installed.",
)
@click.option(
    "--device",
    metavar="DEVICE",
    help="cpu, gpu or gpu:N; by default a GPU where the framework sees one, else the processor.",
)
@click.option(
    "--strategy",
    metavar="NAME",
    help="For several devices: mirrored (TensorFlow, GPUs of one host) or data-parallel (JAX, also across hosts).",
)
@click.option(
    "--deterministic/--no-deterministic",
    default=True,
    show_default=True,
    help="Add in a fixed order, so that a seed always gives the same weights.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(),
    help="Where to write the weights; by default where 'zoo bench' finds them.",
)
@as_json
@click.pass_obj
def command(
    app: App,
    /,
    name: str,
    dataset: str,
    epochs: int | None,
    seed: int | None,
    resize: str | None,
    settings: tuple[str, ...],
    seeds: int | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a model by a recipe that its plugin gives for the dataset, and write its weights.

    The weights are safetensors; how they were made and what they score stands in the file. The test split is
    scored once, after the last epoch.
    """
    from zoo.training.api import train, train_seeds
    from zoo.training.overrides import parse

    changes = parse(settings)
    given = {"epochs": epochs, "seed": seed, "resize": resize}
    changes |= {key: value for key, value in given.items() if value is not None}
    options |= {"changes": changes, "registry": app.registry()}
    with _progress(name, seeds or 1) as on_event:
        if seeds is None:
            done = train(name, dataset, on_event=on_event, **options)
        else:
            done = train_seeds(name, dataset, seeds=seeds, on_event=on_event, **options)
    if as_json:
        echo_json(done)
        return
    for run in done.get("runs", [done]):
        _print(name, dataset, run)
    if score := done.get("score"):
        deviation = "" if score["deviation"] is None else f" ± {100 * score['deviation']:.2f}"
        click.echo(f"{name} on {dataset}: {100 * score['mean']:.2f}{deviation} %, mean and deviation of {seeds} seeds")


@contextmanager
def _progress(name: str, runs: int) -> Iterator[OnEvent]:
    """A bar over the steps of each run; says how to go on when it is interrupted."""
    from zoo.cli.progress import progress

    epoch = run = 0
    told: set[str] = set()
    with progress() as display:
        bar = display.add_task("starting", total=None)
        label = name

        def on_event(event: dict[str, Any]) -> None:
            nonlocal epoch, run, label
            if event["event"] == "note":
                if event["line"] not in told:
                    warn(event["line"])
                    told.add(event["line"])
                return
            if event["event"] == "phase":
                if event["name"] == "import":
                    run, epoch = run + 1, 0
                    label = f"{name}, {run} of {runs}" if runs > 1 else name
                    display.reset(bar, total=None)
                display.update(bar, description=f"{label}: {event['name']}")
                if "steps" in event:
                    display.reset(bar, total=event["steps"], completed=event["done"])
                return
            if event["event"] == "epoch":
                epoch = event["epoch"]
            display.update(bar, description=f"{label}: {_line(event)}", completed=_steps(event))

        try:
            yield on_event
        except KeyboardInterrupt:
            display.stop()
            if epoch:
                warn(f"{epoch} epochs are kept; the same command with --resume goes on from there")
            raise


def _steps(event: dict[str, Any]) -> int:
    """How many steps of the run are done."""
    steps: int = (event["epoch"] - 1) * event["steps"] + event["step"]
    return steps


def _line(event: dict[str, Any]) -> str:
    shown = [
        f"epoch {event['epoch']}",
        f"loss {event['loss']:.3f}",
        f"accuracy {100 * event['accuracy']:.1f} %",
        f"{event['images_per_second']:,.0f} images/s",
    ]
    if "tuning_accuracy" in event:
        shown.append(f"tuning {100 * event['tuning_accuracy']:.1f} %")
    return ", ".join(shown)


def _print(name: str, dataset: str, done: dict[str, Any]) -> None:
    from zoo.report.tables import accuracy

    if "process" in done:
        click.echo(f"process {done['process']} is done; the first has the weights")
        return
    record = done["provenance"]
    score = record["score"]
    kind = "test" if score["split"] == "test" else "tuning"
    click.echo(
        f"{name} on {dataset}: {accuracy(score)} of {score['images']:,} {kind} images, "
        f"seed {record['recipe']['seed']}, after {record['train_s']:g} s"
    )
    for metric, value in score.get("metrics", {}).items():
        click.echo(f"{metric} {value:.4g}")
    if "with_flip" in score:
        click.echo(f"with flip test-time augmentation: {accuracy(score['with_flip'])}")
    click.echo(f"weights {done['path']}")
    click.echo(f"sha256  {done['sha256']}")
    click.echo(f"run     {done['run']}")
    if done["used_by"]:
        click.echo(done["used_by"])
