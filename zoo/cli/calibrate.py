"""`zoo calibrate`: how much does a model differ from itself on this machine?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from zoo.cli import App, names
from zoo.cli.options import as_json, echo_json, store_option
from zoo.cli.progress import scenario_progress

if TYPE_CHECKING:
    from zoo.results.store import Store


@click.command("calibrate")
@click.argument("name", shell_complete=names.models, default="toy_resnet")
@click.option("--pairs", type=click.IntRange(min=2), default=10, show_default=True, help="Pairs of processes.")
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True)
@store_option
@as_json
@click.pass_obj
def command(app: App, name: str, pairs: int, batch_size: int, store: Store, as_json: bool) -> None:
    """Measure a model against itself and keep the noise floor that it shows.

    'zoo compare' and the gate then use it for Results of this environment: no difference is called one that the same
    model shows from process to process.
    """
    from zoo.results.api import calibrate

    with scenario_progress(pairs) as on_step:
        floor = calibrate(
            name, pairs=pairs, batch_size=batch_size, store=store, on_step=on_step, registry=app.registry()
        )
    if as_json:
        echo_json(floor.to_json())
        return
    click.echo(f"environment {floor.environment}, {floor.pairs} pairs of processes of {name}, batch {batch_size}")
    click.echo(f"the median varies by {100 * floor.process_sd:.2f} % from process to process (standard deviation)")
    click.echo(f"two processes in turn differ by up to {100 * floor.ratio_p95:.2f} % (95th percentile)")
