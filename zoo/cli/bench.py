"""`zoo bench`: measure models on this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from zoo.cli import App
from zoo.cli.options import as_json, data_dir, echo_json, table_format
from zoo.errors import EXIT_FAILED, EXIT_OK, UsageError

if TYPE_CHECKING:
    from zoo.bench.plan import Step


def _batch_sizes(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(f"'{value}' is not a list of whole numbers such as 1,32") from None
    if any(size < 1 for size in sizes):
        raise click.BadParameter(f"{min(sizes)} is not a batch size; the least is 1")
    return sizes


@click.command("bench")
@click.argument("patterns", metavar="NAME...", nargs=-1)
@click.option("--dataset", metavar="NAME", default="digits", show_default=True, help="Whose test split is scored.")
@data_dir
@click.option(
    "--batch-size",
    "batch_sizes",
    metavar="N[,N]...",
    default="1,32,256",
    show_default=True,
    callback=_batch_sizes,
    help="Batch sizes; each is a scenario.",
)
@click.option("--runtime", metavar="NAME", default="tensorflow", show_default=True, help="What runs the model.")
@click.option("--device", type=click.Choice(["cpu", "gpu"]), default="cpu", show_default=True)
@click.option("--threads", type=click.IntRange(min=1), metavar="N", help="Threads of the computation.")
@click.option("--weights", metavar="FILE", help="Weights to score, instead of the plugin's own or those trained here.")
@click.option("--no-accuracy", is_flag=True, help="Leave out the accuracy.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    default=1800.0,
    show_default=True,
    help="End a scenario's process after that long.",
)
@table_format
@as_json
@click.pass_obj
def command(
    app: App,
    patterns: tuple[str, ...],
    dataset: str,
    data_dir: str | None,
    batch_sizes: tuple[int, ...],
    runtime: str,
    device: str,
    threads: int | None,
    weights: str | None,
    no_accuracy: bool,
    timeout: float,
    fmt: str,
    as_json: bool,
) -> int:
    """Measure models, each scenario in a fresh process: cost, latency, throughput, memory, accuracy.

    NAME is a model or a shell glob. Latency is the median for one batch; images/s is all images over all time. A
    process that fails is reported and the others go on; the exit code is then 3.
    """
    from zoo.api import bench
    from zoo.bench.plan import Options
    from zoo.cli.progress import progress
    from zoo.report import tables

    if not patterns:
        raise UsageError("name at least one model, such as 'zoo bench toy_resnet'; 'zoo list' names them")
    options = Options(
        dataset=dataset,
        data_dir=data_dir,
        batch_sizes=batch_sizes,
        runtime=runtime,
        device=device,
        threads=threads,
        weights=weights,
        score=not no_accuracy,
        timeout_s=timeout,
    )
    registry = app.registry()
    scenarios = len(registry.select(patterns)) * len(set(batch_sizes))
    with progress() as display:
        bar = display.add_task("starting", total=scenarios)

        def on_step(index: int, step: Step) -> Callable[[str], None]:
            name = f"{step.scenario.model}, batch {step.scenario.batch_size}"
            display.update(bar, completed=index, description=name)
            return lambda phase: display.update(bar, description=f"{name}: {phase}")

        results = bench(*patterns, options=options, on_step=on_step, registry=registry)
    if as_json:
        echo_json([result.to_json() for result in results])
    else:
        click.echo(tables.bench(results, fmt))
    return EXIT_OK if all(result.outcome == "ok" for result in results) else EXIT_FAILED
