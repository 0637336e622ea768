"""`zoo weights`: which trained weights there are, whether they are sound, and taking them in and out."""

from __future__ import annotations

from typing import Any

import click

from zoo.cli import App, names, warn
from zoo.cli.options import ListsByDefault, as_json, data_dir, download_limits, echo_json, table_format
from zoo.errors import EXIT_FAILED, EXIT_OK


@click.group("weights", cls=ListsByDefault)
def command() -> None:
    """List, verify, fetch, import and export trained weights. Without a subcommand: list them.

    Weights come with plugins, are made by 'zoo train', or are fetched or imported. They are safetensors files, which
    run no code.
    """


dataset_option = click.option("--dataset", shell_complete=names.datasets, metavar="NAME", help="Only weights for it.")


@command.command("list")
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1, shell_complete=names.models)
@dataset_option
@table_format
@as_json
@click.pass_obj
def list_command(app: App, patterns: tuple[str, ...], dataset: str | None, fmt: str, as_json: bool) -> None:
    """List weights: of all models, or of those that match names or shell globs.

    The score is what the file records: top-1 accuracy on the test split, its 95 % interval, and the number of images.
    'here' are weights that 'zoo train' made, or that were fetched or imported. sha256 is what the plugin declares.
    """
    from zoo.weights.inventory import weights

    found = weights(*patterns, dataset=dataset, registry=app.registry())
    if as_json:
        echo_json(found)
    elif found:
        from zoo.report.weights import table

        click.echo(table(found, fmt))
    else:
        warn("no such weights; 'zoo train' makes some")


@command.command("verify")
@click.argument("names", metavar="[PATTERN|FILE.safetensors]...", nargs=-1, shell_complete=names.models)
@dataset_option
@click.option("--score", is_flag=True, help="Also score on the test split, and compare with the recorded score.")
@data_dir
@table_format
@as_json
@click.pass_obj
def verify_command(
    app: App, names: tuple[str, ...], dataset: str | None, score: bool, data_dir: str | None, fmt: str, as_json: bool
) -> int:
    """Check weights: the digest, what the file says it is of, every tensor against the model as built, no NaN.

    Models are built in a process of their own, under the Keras backend that KERAS_BACKEND names. A score may differ
    from the recorded one by one image in a thousand, and by one in any case: another processor adds in another order.
    The exit code is 3 if anything is wrong.
    """
    from zoo.cli.progress import progress
    from zoo.report.weights import verified
    from zoo.weights.verify import verify

    registry = app.registry()
    with progress() as display:
        bar = display.add_task("starting", total=None)

        def on_event(event: dict[str, Any]) -> None:
            if event["event"] == "phase":
                display.update(bar, description=event["name"])

        found = verify(*names, dataset=dataset, score=score, data_dir=data_dir, on_event=on_event, registry=registry)
    if as_json:
        echo_json(found)
    else:
        click.echo(verified(found, fmt))
    return EXIT_FAILED if any(record["error"] for record in found) else EXIT_OK


@command.command("fetch")
@click.argument("model", shell_complete=names.models)
@click.option(
    "--dataset", shell_complete=names.datasets, metavar="NAME", help="Which, where there are weights for several."
)
@download_limits
@click.option("--force", is_flag=True, help="Replace weights that are there.")
@as_json
@click.pass_obj
def fetch_command(
    app: App, model: str, dataset: str | None, timeout: float, idle: float, force: bool, as_json: bool
) -> None:
    """Download trained weights of MODEL, and put them where 'zoo bench' finds them.

    The model's plugin says where they are and which digest they have. They become safetensors with a record of where
    they are from. No code in them is run. They appear as a whole or not at all.
    """
    from zoo.cli.progress import download_bar, progress
    from zoo.weights.fetch import fetch

    registry = app.registry()
    with progress() as display:
        show = download_bar(display, model)
        options: dict[str, Any] = {"dataset": dataset, "force": force, "timeout_s": timeout, "idle_s": idle}
        done = fetch(model, on_event=show, registry=registry, **options)
    if as_json:
        echo_json(done)
    else:
        click.echo(f"{done['model']} for {done['dataset']}: {done['path']}\nsha256 {done['sha256']}")
    if not done["fresh"]:
        warn(f"these weights of {model} were there already")
    elif not done["declared"]:
        digest = done["provenance"]["fetched"]["sha256"]
        warn(f"the plugin declares no digest of what was downloaded; it is what the server sent (sha256 {digest})")


def _numbers(context: click.Context, parameter: click.Parameter, value: str | None) -> list[float] | None:
    try:
        return None if value is None else [float(part) for part in value.split(",")]
    except ValueError:
        raise click.BadParameter(f"'{value}' is not a number, or numbers separated by commas") from None


@command.command("import")
@click.argument("file", type=click.Path())
@click.argument("model", shell_complete=names.models)
@click.option(
    "--dataset",
    shell_complete=names.datasets,
    metavar="NAME",
    help="What it was trained on, where the file doesn't say.",
)
@click.option(
    "--map",
    "name_map",
    metavar="MAP.json",
    type=click.Path(),
    help="Which tensor of PyTorch's is which variable; 'zoo weights map' begins one.",
)
@click.option(
    "--epsilon",
    metavar="X",
    type=click.FloatRange(0, 1, min_open=True),
    help="Of the batch normalisations in PyTorch; variances make up for another one here.",
)
@click.option("--mean", metavar="X[,X…]", callback=_numbers, help="How images were normalised, where the file …")
@click.option("--std", metavar="X[,X…]", callback=_numbers, help="… doesn't say: per channel, in units of [0, 1].")
@click.option("--force", is_flag=True, help="Replace weights that are there.")
@data_dir
@as_json
@click.pass_obj
def import_command(app: App, /, file: str, model: str, as_json: bool, **options: Any) -> None:
    """Check a weights file against MODEL and put it where 'zoo bench' finds it.

    FILE is safetensors, or what Keras saves as .keras or .weights.h5. No code in it is run. Safetensors name their
    tensors by the paths of the model's variables. --map renames PyTorch's, and their layouts are changed to those of
    Keras. A file that 'zoo train' wrote says itself what it was trained on. Any other file needs --dataset.
    """
    from zoo.weights.api import import_file

    done = import_file(file, model, registry=app.registry(), **options)
    if as_json:
        echo_json(done)
    else:
        click.echo(f"{done['model']} for {done['dataset']}: {done['path']}\nsha256 {done['sha256']}")


@command.command("map")
@click.argument("file", type=click.Path())
@click.argument("model", shell_complete=names.models)
@click.option("-o", "--output", metavar="MAP.json", type=click.Path(), required=True, help="Where to.")
@click.option("--dataset", shell_complete=names.datasets, metavar="NAME", help="Whose classes MODEL is built for.")
@click.option("--force", is_flag=True, help="Replace a map that is there.")
@data_dir
@as_json
@click.pass_obj
def map_command(app: App, /, file: str, model: str, output: str, as_json: bool, **options: Any) -> None:
    """Begin a map from the tensors of PyTorch in FILE (safetensors) to the variables of MODEL, for 'import --map'.

    Modules and layers are matched by their kind and shapes, and those alike by their order. Check the map before you
    use it. Where no variable was found, the map has "": write the variable's path, or null to leave the tensor out.
    """
    from zoo.weights.api import draft_map

    done = draft_map(file, model, output, registry=app.registry(), **options)
    if as_json:
        echo_json(done)
        return
    unmatched = sum(not variable for variable in done["names"].values())
    click.echo(f"{done['path']}: {len(done['names'])} tensors")
    click.echo(f"{done['guessed']} matched by order alone, {unmatched} without a variable")
    if done["lacking"]:
        first = ", ".join(done["lacking"][:3])
        warn(f"no tensor was found for {len(done['lacking'])} variables of {model}, such as {first}")


@command.command("export")
@click.argument("model", shell_complete=names.models)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(),
    required=True,
    help="Where to; in a folder: MODEL-DATASET.safetensors.",
)
@click.option(
    "--dataset", shell_complete=names.datasets, metavar="NAME", help="Which, where the model has weights for several."
)
@as_json
@click.pass_obj
def export_command(app: App, model: str, output: str, dataset: str | None, as_json: bool) -> None:
    """Copy the weights of MODEL, those that 'zoo bench' takes, with the record of how they were made."""
    from zoo.weights.api import export_file

    done = export_file(model, output, dataset=dataset, registry=app.registry())
    if as_json:
        echo_json(done)
    else:
        click.echo(f"{done['model']} for {done['dataset']}: {done['path']}\nsha256 {done['sha256']}")
