"""The public functions that compare what was measured and choose among it. A command is a thin face of one of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from zoo import registry as _registry
from zoo.benchmarking.computing import holds, in_words, scoped
from zoo.benchmarking.environment import collect
from zoo.benchmarking.identity import same_weights
from zoo.errors import UsageError, ZooError
from zoo.results.bench import OnStep, bench, bench_against
from zoo.results.references import find, of_this_environment
from zoo.results.store import Filter, Store, default_store

if TYPE_CHECKING:
    from zoo.record.result import Result
    from zoo.results.listeners import OnWarning
    from zoo.results.recommend import Recommendation
    from zoo.results.verdicts import Comparison, NoiseFloor


def compare(
    a: str,
    b: str,
    *,
    store: Store | None = None,
    across_environments: bool = False,
) -> list[Comparison]:
    """Compare what was measured before, scenario by scenario.

    :param a, b: each a model (its newest Results of this environment), the id of a Result, a label, or a file of
        Results as `zoo bench --json` and `zoo results export` write it.
    :param store: where to look; by default the one that `zoo bench` records to.
    :raises UsageError: if there is nothing of that name, nothing that both sides measured, the same Results on both, or
        Results of different environments and that was not allowed.
    """
    from zoo.results.compare import compare_matching
    from zoo.results.noise_floor import load_noise_floor

    store = store or Store(default_store())
    sides = [find(reference, store) for reference in (a, b)]
    if {result.id for result in sides[0]} == {result.id for result in sides[1]}:
        raise UsageError(
            f"{a} and {b} are the same measurement, which differs from itself in nothing; "
            "'zoo bench NAME --against NAME' measures a model twice, in turn"
        )
    return compare_matching(*sides, across=across_environments, floors=partial(load_noise_floor, store))


def calibrate(
    name: str = "toy_resnet",
    *,
    pairs: int = 10,
    batch_size: int = 32,
    runtime: str = "tensorflow",
    device: str = "cpu",
    precision: str = "float32",
    threads: int | None = None,
    store: Store | None = None,
    on_step: OnStep | None = None,
    on_warning: OnWarning | None = None,
    registry: _registry.Registry | None = None,
) -> NoiseFloor:
    """Measure a scenario against itself and keep what that shows: its noise floor on this machine.

    :param pairs: pairs of processes, measured in turn; at least two.
    :raises UsageError: for what is unknown or impossible here.
    :raises ZooError: if a process failed.
    """
    from zoo.benchmarking.plan import ALL, Options
    from zoo.results.noise_floor import noise_floor_of, save_noise_floor

    if ALL in (runtime, device):
        raise UsageError("a noise floor is of one scenario; name one runtime and one device")
    store = store or Store(default_store())
    options = Options(
        batch_sizes=(batch_size,),
        runtimes=(runtime,),
        devices=(device,),
        precisions=(precision,),
        threads=(threads,),
        processes=pairs,
        score=False,
        labels=("calibration",),
    )
    (a,), (b,) = bench_against(
        name, name, options=options, store=store, on_step=on_step, on_warning=on_warning, registry=registry
    )
    for side in (a, b):
        if side.outcome != "ok":
            raise ZooError(f"calibration failed: {side.reasons['latency_s']}")
    floor = noise_floor_of(a, b)
    save_noise_floor(store, floor)
    return floor


def reproduce(
    reference: str,
    *,
    store: Store | None = None,
    data_dir: str | None = None,
    across_environments: bool = False,
    on_step: OnStep | None = None,
    on_warning: OnWarning | None = None,
    registry: _registry.Registry | None = None,
) -> tuple[Result, list[Comparison]]:
    """Measure a Result's scenario again, in as many processes, and compare.

    :param reference: its id, or a file that holds just that Result.
    :return: the new Result, and the comparison of the old one (A) with it (B).
    :raises UsageError: if this environment is another one, and that was not allowed.
    """
    from zoo.benchmarking.plan import Options
    from zoo.results.compare import compare as compare_sides
    from zoo.results.noise_floor import load_noise_floor

    store, registry = store or Store(default_store()), registry or _registry.load()
    old, *others = find(reference, store)
    if others:
        raise UsageError(f"{reference} means {len(others) + 1} Results; name one by its id")
    environment = collect()
    if not holds(old.environment, environment) and not across_environments:
        here = scoped(environment, old.environment.packages)
        raise UsageError(
            f"{old.id} was measured in another environment than this ({in_words(old.environment, here)}); "
            "--across-environments measures and compares all the same"
        )
    scenario = old.scenario
    options = Options(
        dataset=scenario.dataset,
        data_dir=data_dir,
        skip_damaged=old.images is not None and old.images.damaged > 0,
        batch_sizes=(scenario.batch_size,),
        runtimes=(scenario.runtime,),
        devices=(scenario.device,),
        precisions=(scenario.precision,),
        threads=(scenario.threads,),
        weights=same_weights(registry.model(scenario.model).spec, old),
        score=old.measures.accuracy is not None,
        processes=max(1, len(old.samples)),
        labels=("reproduction",),
    )
    (new,) = bench(
        scenario.model, options=options, store=store, on_step=on_step, on_warning=on_warning, registry=registry
    )
    floor = load_noise_floor(store, old, new)
    return new, compare_sides([old], [new], across=across_environments, floor=floor)


def recommend(
    *patterns: str,
    max_latency_s: float | None = None,
    min_accuracy: float | None = None,
    max_memory_bytes: int | None = None,
    batch_size: int = 1,
    dataset: str = "digits",
    data_dir: str | None = None,
    device: str | None = None,
    best: str = "latency",
    measure: bool = False,
    store: Store | None = None,
    on_step: OnStep | None = None,
    on_warning: OnWarning | None = None,
    registry: _registry.Registry | None = None,
) -> Recommendation:
    """Which model to use here, run by what: of what this environment has measured, the best that keeps within limits.

    :param patterns: models, names or shell globs; by default all.
    :param max_latency_s: for one batch, the median.
    :param min_accuracy: top-1 on the test split of the dataset, as a share.
    :param max_memory_bytes: of the process, or of the device where that is a GPU.
    :param device: only that; by default all that were measured.
    :param best: what decides among those within the limits: "latency", "accuracy" or "memory".
    :param measure: first measure what is missing: every model by every runtime in every precision that is to be had.
    :param store: where to look, and what is measured goes; by default the one that `bench` records to.
    :raises UsageError: for a model or dataset that isn't there.
    """
    from zoo.data.catalog import find as find_dataset
    from zoo.results import recommend as chosen

    if best not in chosen.MEASURES:
        raise UsageError(f"'{best}' is not one of {', '.join(chosen.MEASURES)}")
    store, registry = store or Store(default_store()), registry or _registry.load()
    models = {entry.spec.name for entry in registry.select(patterns or ["*"])}
    measured = store.select(Filter(dataset=dataset), limit=1)  # then it need not be here any more
    name = dataset if measured and not measure else find_dataset(dataset, registry.datasets, data_dir).name
    if measure:
        from zoo.benchmarking.plan import Options
        from zoo.specs import RUNTIME_CHOICES

        options = Options(
            dataset=dataset,
            data_dir=data_dir,
            batch_sizes=(batch_size,),
            runtimes=("all",),
            devices=(device or "cpu",),
            precisions=RUNTIME_CHOICES["precisions"],
        )
        bench(
            *sorted(models),
            options=options,
            store=store,
            skip_existing=True,
            on_step=on_step,
            on_warning=on_warning,
            registry=registry,
        )
    found = store.select(Filter(dataset=name, batch_size=batch_size, device=device))
    rows = of_this_environment(store, [row for row in found if row.model in models and row.mode == "infer"])
    limits = chosen.Limits(latency_s=max_latency_s, accuracy=min_accuracy, memory_bytes=max_memory_bytes)
    return chosen.recommend(chosen.newest(store.load(rows, lambda _: None)), limits, best)
