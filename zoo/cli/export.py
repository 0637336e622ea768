"""`zoo export`: a trained model as the file that a runtime runs."""

from __future__ import annotations

from typing import Any

import click

from zoo.choices import PRECISIONS
from zoo.cli import App, names, warn
from zoo.cli.options import as_json, data_dir, echo_json, skip_damaged, weights_option


@click.command("export")
@click.argument("model", metavar="NAME", shell_complete=names.models)
@click.option(
    "--runtime",
    shell_complete=names.runtimes,
    metavar="NAME",
    required=True,
    help="Which file: that of onnxruntime, openvino, litert, …",
)
@click.option(
    "--dataset",
    shell_complete=names.datasets,
    metavar="NAME",
    default="digits",
    show_default=True,
    help="Whose weights, and whose test images.",
)
@data_dir
@skip_damaged
@click.option("--precision", type=click.Choice(PRECISIONS), default="float32", show_default=True)
@click.option("--batch-size", type=click.IntRange(min=1), metavar="N", default=1, show_default=True)
@weights_option
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    type=click.Path(),
    required=True,
    help="Where to; it must not be there, or be empty.",
)
@as_json
@click.pass_obj
def command(app: App, /, model: str, output: str, as_json: bool, **settings: Any) -> None:
    """Write a trained model as a file that runs without the zoo, and prove that it is the same model.

    The folder holds the file, a README.md that runs it in ten lines, example.npz with real test images, and
    parity.json: how far the file's logits are from those of Keras in float32, with versions and digests.
    """
    from zoo.cli.progress import progress
    from zoo.exporting.api import export

    with progress() as display:
        bar = display.add_task("starting", total=None)

        def on_event(event: dict[str, Any]) -> None:
            if event["event"] == "note":
                warn(event["line"])
            if event["event"] == "phase":
                display.update(bar, description=event["name"])

        record = export(model, output, on_event=on_event, registry=app.registry(), **settings)
    if as_json:
        echo_json(record)
        return
    parity = record["parity"]
    click.echo(
        f"{record['path']}: {', '.join([*record['files'], 'parity.json', 'README.md'])}\n"
        f"logits over {parity['images']:,} test images, against Keras in float32, in their standard deviations: "
        f"differ by at most {parity['max_difference']:.2g}, on average {parity['mean_difference']:.2g}; "
        f"same class for {parity['equal_top1']:.2%}"
    )
