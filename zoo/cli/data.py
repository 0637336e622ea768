"""`zoo data`: which datasets there are, fetching more, and what is in them."""

from __future__ import annotations

from typing import Any

import click

from zoo.cli import App, names, warn
from zoo.cli.options import (
    ListsByDefault,
    as_json,
    data_dir,
    download_limits,
    echo_json,
    skip_damaged,
    table_format,
)
from zoo.errors import EXIT_FAILED, EXIT_OK

MENTIONED = 10


@click.group("data", cls=ListsByDefault)
def command() -> None:
    """List, fetch, verify and show datasets. Without a subcommand: list them.

    A dataset is NAME or NAME/CONFIG of TensorFlow Datasets or of a plugin, or folder:PATH, a folder of images:
    PATH/train/CLASS/*.png (or .jpg, …) and PATH/test/CLASS/… (or val), or PATH/CLASS/*.png.
    """


@command.command("list")
@data_dir
@table_format
@as_json
@click.pass_obj
def list_command(app: App, data_dir: str | None, fmt: str, as_json: bool) -> None:
    """List the datasets of the plugins, and those that TFDS has prepared here."""
    from zoo.data.api import datasets

    listing = datasets(data_dir=data_dir, registry=app.registry())
    for line in _some(listing.damaged):
        warn(line)
    if as_json:
        echo_json(listing.datasets)
    elif listing.datasets:
        from zoo.report.datasets import table

        click.echo(table(listing.datasets, fmt))
    if listing.others:
        warn(f"prepared too, and not of images with labels: {', '.join(_some(listing.others))}")


@command.command("fetch")
@click.argument("name", shell_complete=names.datasets)
@click.option(
    "--data-dir",
    metavar="FOLDER",
    type=click.Path(),
    help="Where to, made if need be; by default the zoo's own. Also: ZOO_DATA_DIR.",
)
@download_limits
@as_json
@click.pass_obj
def fetch_command(app: App, name: str, data_dir: str | None, timeout: float, idle: float, as_json: bool) -> None:
    """Download and prepare a dataset of TFDS or of a plugin.

    It must be of images with labels, such as cifar10, mnist or svhn_cropped. NAME may have a configuration:
    emnist/letters. What is downloaded is checked against TFDS's checksums; files found in FOLDER/downloads/manual are
    not downloaded. The dataset appears as a whole or not at all.
    """
    from zoo.cli.progress import download_bar, progress
    from zoo.data.api import fetch

    registry = app.registry()
    with progress() as display:
        show = download_bar(display, name)
        done = fetch(name, data_dir=data_dir, timeout_s=timeout, idle_s=idle, on_event=show, registry=registry)
    if as_json:
        echo_json(done)
        return
    from zoo.report.datasets import facts

    click.echo(facts(done))
    if not done["fresh"]:
        warn(f"{name} was there already")


@command.command("verify")
@click.argument("name", shell_complete=names.datasets)
@data_dir
@skip_damaged
@table_format
@as_json
@click.pass_obj
def verify_command(app: App, name: str, data_dir: str | None, skip_damaged: bool, fmt: str, as_json: bool) -> int:
    """Read every image and say what is there.

    Counts, classes, channel means and deviations, and digests of the decoded pixels. The exit code is 3 if the files
    are damaged, or a digest is not the one that the plugin declares.
    """
    from zoo.cli.progress import progress
    from zoo.data.api import verify

    registry = app.registry()
    with progress() as display:
        bar = display.add_task(f"{name}: starting", total=None)

        def on_event(event: dict[str, Any]) -> None:
            if event["event"] == "step":
                display.update(bar, description=f"{name}: reading", completed=event["done"], total=event["total"])

        found = verify(name, data_dir=data_dir, skip_damaged=skip_damaged, on_event=on_event, registry=registry)
    if as_json:
        echo_json(found)
    else:
        from zoo.report.datasets import verified

        click.echo(verified(found, fmt))
    for line in _some([file for seen in found["splits"].values() for file in seen["damaged"]]):
        warn(f"left out as damaged: {line}")
    for split, seen in found["splits"].items():
        if seen["declared_sha256"] not in (None, seen["sha256"]):
            warn(f"'{split}' of {name} is not what {found['plugin']} declares: sha256 {seen['declared_sha256']}")
    return EXIT_OK if found["matches"] else EXIT_FAILED


@command.command("show")
@click.argument("name", shell_complete=names.datasets)
@click.option(
    "--images",
    metavar="FILE.png",
    type=click.Path(),
    help="Draw some images of every class, with its name, into a PNG file.",
)
@click.option("--split", metavar="NAME", default="train", show_default=True, help="Whose images to draw.")
@data_dir
@skip_damaged
@as_json
@click.pass_obj
def show_command(
    app: App, name: str, images: str | None, split: str, data_dir: str | None, skip_damaged: bool, as_json: bool
) -> None:
    """Show what a dataset says of itself, or draw it."""
    from zoo.data.api import describe, draw
    from zoo.report.datasets import facts

    registry = app.registry()
    where: dict[str, Any] = {"data_dir": data_dir, "skip_damaged": skip_damaged, "registry": registry}
    found = describe(name, **where)
    if images is not None:
        found["drawn"] = draw(name, images, split=split, **where)
    if as_json:
        echo_json(found)
    else:
        click.echo(facts(found))
        if images is not None:
            click.echo(f"{'drawn':<9}{images}")


def _some(lines: list[str]) -> list[str]:
    more = len(lines) - MENTIONED
    return [*lines[:MENTIONED], f"and {more:,} more"] if more > 0 else lines
