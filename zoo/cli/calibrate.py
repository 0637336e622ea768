"""`zoo calibrate`: how much does a scenario differ from itself on this machine?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from zoo.choices import PRECISIONS
from zoo.cli import App, names, warn
from zoo.cli.options import as_json, echo_json, store_option
from zoo.cli.progress import scenario_progress

if TYPE_CHECKING:
    from zoo.results.store import Store


@click.command("calibrate")
@click.argument("name", shell_complete=names.models, default="toy_resnet")
@click.option("--pairs", type=click.IntRange(min=2), default=10, show_default=True, help="Pairs of processes.")
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True)
@click.option("--runtime", metavar="NAME", default="tensorflow", show_default=True, help="One of 'zoo runtimes'.")
@click.option("--device", metavar="cpu|gpu|gpu:N", default="cpu", show_default=True)
@click.option("--precision", type=click.Choice(PRECISIONS), default="float32", show_default=True)
@click.option("--threads", type=click.IntRange(min=1), metavar="N", help="Threads of the computation.")
@store_option
@as_json
@click.pass_obj
def command(app: App, /, name: str, pairs: int, store: Store, as_json: bool, **scenario: Any) -> None:
    """Measure a scenario against itself and keep the noise floor that it shows.

    'zoo compare' and the gate then use it for Results of this scenario in this environment, whatever the dataset. For
    two models, both need a noise floor. No difference is called one that a model shows against itself.
    """
    from zoo.results.api import calibrate

    with scenario_progress(pairs) as on_step:
        floor = calibrate(
            name, pairs=pairs, store=store, on_step=on_step, on_warning=warn, registry=app.registry(), **scenario
        )
    if as_json:
        echo_json(floor.to_json())
        return
    measured = floor.scenario
    threads = "" if measured.threads is None else f", {measured.threads} threads"
    click.echo(
        f"{measured.model}, {measured.runtime}, {measured.device}, {measured.precision}, "
        f"batch {measured.batch_size}{threads}: {floor.pairs} pairs of processes, environment {floor.environment}"
    )
    click.echo(f"the median varies by {100 * floor.process_sd:.2f} % from process to process (standard deviation)")
    click.echo(f"two processes in turn differ by up to {100 * floor.ratio_p95:.2f} % (95th percentile)")
