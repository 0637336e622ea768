"""`zoo bench`: measure models on this machine."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from zoo.choices import LOCAL, PRECISIONS
from zoo.cli import App, names, warn
from zoo.cli.compare import fail_if, print_comparisons
from zoo.cli.options import (
    as_json,
    comma_list,
    data_dir,
    devices,
    echo_json,
    size_in_bytes,
    skip_damaged,
    store_option,
    table_format,
    weights_option,
)
from zoo.cli.progress import scenario_progress
from zoo.errors import EXIT_FAILED, EXIT_OK, UsageError
from zoo.text import printable

if TYPE_CHECKING:
    from zoo.benchmarking.plan import Options
    from zoo.registry import Registry
    from zoo.results.store import Store

CAREFUL_PROCESSES = 5


def _batch_sizes(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int | str, ...]:
    try:
        sizes = tuple("max" if part.strip() == "max" else int(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(f"'{value}' is not a list of whole numbers such as 1,32, or max") from None
    if any(isinstance(size, int) and size < 1 for size in sizes):
        raise click.BadParameter(f"{min(size for size in sizes if size != 'max')} is not a batch size; the least is 1")
    return sizes


def _threads(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int | None, ...]:
    if value is None:
        return (None,)
    try:
        threads = tuple(int(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(f"'{value}' is not a list of whole numbers such as 1,2") from None
    if min(threads) < 1:
        raise click.BadParameter(f"{min(threads)} is not a number of threads; the least is 1")
    return threads


def _precision(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """Numeric types, or how narrow the interval is to be: the two are told apart by the per cent sign."""
    types, width = [], None
    for value in (part.strip() for listed in values for part in listed.split(",")):
        if value.endswith("%"):
            width = _share(value)
        elif value in PRECISIONS:
            types.append(value)
        else:
            raise click.BadParameter(f"'{value}' is neither one of {', '.join(PRECISIONS)} nor a width such as 1%")
    return {"precisions": tuple(types) or ("float32",), "target_width": width}


def _share(value: str) -> float:
    try:
        share = float(value[:-1]) / 100
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise click.BadParameter(f"'{value}' is not a width such as 1%")
    return share


@click.command("bench")
@click.argument("patterns", metavar="NAME...", nargs=-1, shell_complete=names.models)
@click.option(
    "--dataset",
    shell_complete=names.datasets,
    metavar="NAME",
    default="digits",
    show_default=True,
    help="Whose test split is scored: one of 'zoo data list', or folder:PATH.",
)
@data_dir
@skip_damaged
@click.option(
    "--batch-size",
    "batch_sizes",
    metavar="N[,N]...",
    default="1,32,256",
    show_default=True,
    callback=_batch_sizes,
    help="Batch sizes; max is the largest that fits, up to 65,536, by doubling.",
)
@click.option(
    "--runtime",
    "runtimes",
    shell_complete=names.runtimes,
    metavar="NAME[,NAME]...",
    default="tensorflow",
    show_default=True,
    callback=comma_list,
    help="What runs the model: some of 'zoo runtimes', or all that are installed.",
)
@devices
@click.option("--threads", metavar="N[,N]...", callback=_threads, help="Threads of the computation.")
@weights_option
@click.option("--no-accuracy", is_flag=True, help="Leave out the accuracy.")
@click.option("--careful", is_flag=True, help=f"{CAREFUL_PROCESSES} processes for each scenario.")
@click.option(
    "--processes", type=click.IntRange(min=1), metavar="N", help="That many processes for each scenario, or pairs."
)
@click.option(
    "--precision",
    "precisions",
    metavar="TYPE[,TYPE]...|N%",
    multiple=True,
    callback=_precision,
    help="With a per cent sign: go on until the interval is that narrow, in at least four processes. Else numeric "
    f"types, by default float32: some of {', '.join(PRECISIONS)}.",
)
@click.option(
    "--max-time",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="For each scenario, in all; the accuracy comes on top.",
)
@click.option(
    "--on",
    metavar="NAME",
    shell_complete=names.executors,
    default=LOCAL,
    show_default=True,
    help="Where to measure: on this machine, or by an executor of a plugin.",
)
@click.option(
    "--against",
    metavar="MODEL",
    shell_complete=names.models,
    help="Measure this model too, in turn, in 5 pairs of processes or --processes N, and compare.",
)
@click.option(
    "--against-python",
    metavar="FILE",
    type=click.Path(),
    help="Measure the same model (or that of --against) in turn as another environment has it, such as one with the "
    "base branch, and compare. FILE is that environment's Python.",
)
@fail_if
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    default=1800.0,
    show_default=True,
    help="End a process after that long.",
)
@click.option(
    "--memory-limit", metavar="SIZE", callback=size_in_bytes, help="End a process that grows larger, such as 2GiB."
)
@click.option("--label", "labels", metavar="TEXT", multiple=True, help="A name for the Results.")
@click.option("--dry-run", is_flag=True, help="Print the plan and the time that it will take, and measure nothing.")
@click.option("--resume", is_flag=True, help="Continue the newest interrupted run of the same scenarios.")
@click.option("--skip-existing", is_flag=True, help="Take from the store what this environment has measured before.")
@store_option
@table_format
@as_json
@click.pass_obj
def command(
    app: App,
    /,
    patterns: tuple[str, ...],
    store: Store,
    on: str,
    against: str | None,
    against_python: str | None,
    limits: tuple[str, ...],
    dry_run: bool,
    resume: bool,
    skip_existing: bool,
    fmt: str,
    as_json: bool,
    **settings: Any,
) -> int:
    """Measure models, each scenario in fresh processes: cost, latency, throughput, memory, accuracy.

    NAME is a model or a shell glob. Models, runtimes, devices, precisions, threads and batch sizes multiply to a
    matrix.
    Latency is the median for one batch; images/s is all images over all time. The logits are first held to those of
    float32 Keras: a runtime that is wrong is not timed. With '--runtime all' what this machine can do at most
    is measured first, if 'zoo peak' hasn't yet. A process that fails is reported and the others go on; the
    exit code is then 3. Every Result is kept in the store.
    """
    from zoo.benchmarking.plan import left_out
    from zoo.paths import logs
    from zoo.report import tables
    from zoo.results.bench import bench

    if not patterns:
        raise UsageError("name at least one model, such as 'zoo bench toy_resnet'; 'zoo list' names them")
    options = _options(**settings)
    registry = app.registry()
    if against is not None or against_python is not None:
        if dry_run:
            raise UsageError("--against has no plan to print; leave out --dry-run")
        if resume or skip_existing:
            raise UsageError("--against measures both sides now; leave out --resume and --skip-existing")
        return _against(patterns, against, against_python, options, store, registry, on, limits, fmt, as_json)
    if limits:
        raise UsageError("--fail-if limits a comparison; name what to compare with by --against or --against-python")
    for line in left_out(registry, options):
        warn(line)
    if dry_run:
        if on != LOCAL:
            registry.executor(on)
        return _dry_run(patterns, options, store, registry, fmt, as_json)
    with scenario_progress(options.least_processes()) as on_step:
        results = bench(
            *patterns,
            options=options,
            store=store,
            resume=resume,
            skip_existing=skip_existing,
            on=on,
            on_step=on_step,
            on_warning=warn,
            registry=registry,
        )
    if as_json:
        echo_json([result.to_json() for result in results])
    else:
        click.echo(tables.bench(results, fmt, logs(), options.data_dir))
    return EXIT_OK if all(result.outcome in ("ok", "unavailable") for result in results) else EXIT_FAILED


def _dry_run(
    patterns: tuple[str, ...], options: Options, store: Store, registry: Registry, fmt: str, as_json: bool
) -> int:
    """Print what would be measured."""
    from zoo.benchmarking.environment import collect
    from zoo.benchmarking.plan import plan
    from zoo.report import tables
    from zoo.results.forecast import forecast

    found = forecast(plan(registry, patterns, options), store, collect())
    if as_json:
        echo_json([item.to_json() for item in found])
    else:
        click.echo(tables.plan(found, fmt))
    return EXIT_OK


def _options(
    *,
    no_accuracy: bool,
    careful: bool,
    processes: int | None,
    precisions: dict[str, Any],
    max_time: float | None,
    timeout: float,
    memory_limit: int | None,
    **same: Any,
) -> Options:
    from zoo.benchmarking.plan import Options

    return Options(
        score=not no_accuracy,
        processes=processes or (CAREFUL_PROCESSES if careful else None),
        max_time_s=max_time,
        timeout_s=timeout,
        memory_limit_bytes=memory_limit,
        **precisions,
        **same,
    )


def _against(
    patterns: tuple[str, ...],
    reference: str | None,
    python: str | None,
    options: Options,
    store: Store,
    registry: Registry,
    on: str,
    limits: tuple[str, ...],
    fmt: str,
    as_json: bool,
) -> int:
    """Measure one model and a reference in turn, and compare."""
    from zoo.results import gate
    from zoo.results.bench import bench_against
    from zoo.results.compare import compare_matching, name_sides
    from zoo.results.noise_floor import load_noise_floor

    if len(patterns) > 1:
        raise UsageError("--against compares one model; name just that one")
    parsed = [gate.parse(limit) for limit in limits]
    settings: dict[str, Any] = {"options": options, "store": store, "registry": registry, "on": on, "on_warning": warn}
    with scenario_progress(options.least_processes(sides=2)) as on_step:  # pairs
        a, b = bench_against(patterns[0], reference, python=python, on_step=on_step, **settings)
    names = (printable(python), "this environment") if python else name_sides(a, b)
    failed = [(name, one) for name, side in zip(names, (a, b), strict=True) for one in side if one.failure]
    for name, result in failed:
        click.echo(f"! {name}: {result.reasons['latency_s']}", err=True)
    if failed:
        return EXIT_FAILED
    comparisons = compare_matching(
        a, b, across=python is not None, floors=partial(load_noise_floor, store), names=names
    )
    if python is not None and comparisons[0].sides[0].same_code(comparisons[0].sides[1]):
        warn("both sides run the same code by the same packages: whatever differs is noise")
    return print_comparisons(comparisons, parsed, fmt, as_json, results=[*a, *b])
