"""The public functions, for notebooks and other programs. A command is a thin face of one of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import registry as _registry
from zoo.errors import UsageError, ZooError
from zoo.specs import DatasetSpec, ModelSpec

if TYPE_CHECKING:
    import keras

    from zoo.bench.plan import Options, Step
    from zoo.results.compare import Comparison, Floor
    from zoo.results.schema import Result
    from zoo.results.store import Store

OnStep = Callable[[int, "Step"], Callable[[str], None]]


def models(*patterns: str) -> list[ModelSpec]:
    """The models of the installed plugins, or those that match names or shell globs.

    :raises UsageError: if a pattern matches nothing.
    """
    return [entry.spec for entry in _registry.load().select(patterns)]


def datasets() -> list[DatasetSpec]:
    """The datasets that need no download."""
    return [entry.spec for entry in _registry.load().datasets.values()]


def describe(name: str, *, registry: _registry.Registry | None = None) -> dict[str, Any]:
    """What a model is made of and costs, as `zoo show NAME --json` prints it. Builds it in a process of its own.

    :raises UsageError: if there is no such model.
    :raises ZooError: if it can't be built.
    """
    from zoo.executors.local import Task, call

    entry = (registry or _registry.load()).model(name)
    built = call(Task("zoo.models.describe:describe", {"model": entry.spec.to_json()}, label=f"show-{name}"))
    return {
        "name": name,
        "plugin": entry.plugin.distribution,
        "plugin_version": entry.plugin.version,
        "summary": entry.spec.summary,
        "input_shape": list(entry.spec.input_shape),
        "classes": entry.spec.classes,
        **built,
        "weights": [_weights_record(spec) for spec in entry.spec.weights],
        "recipes": [recipe.to_json() for recipe in entry.spec.recipes],
        "paper": entry.spec.paper,
        "licence": entry.spec.licence,
    }


def _weights_record(spec: Any) -> dict[str, Any]:
    """Weights as declared, with what their file says of itself, or why it can't be read."""
    from zoo.errors import WeightsError
    from zoo.models.weights import locate, provenance

    record = spec.to_json()
    try:
        return {**record, "provenance": provenance(locate(spec)), "error": None}
    except WeightsError as error:
        return {**record, "provenance": None, "error": str(error)}


def build(name: str, *, weights: str | Path | None = None, seed: int = 0) -> keras.Model:
    """Build a model in this process, under the Keras backend in use.

    :param weights: a dataset whose shipped weights to load, or a file; None leaves fresh ones.
    :param seed: of the fresh weights.
    :raises UsageError: if there is no such model or no such weights.
    :raises WeightsError: if the weights don't fit.
    """
    from zoo.models import weights as files
    from zoo.models.build import build as build_model

    spec = _registry.load().model(name).spec
    model = build_model(spec, seed=seed)
    if weights is None:
        return model
    if shipped := spec.weights_for(str(weights)):
        files.load(model, files.locate(shipped), sha256=shipped.sha256)
    elif Path(weights).is_file():
        files.load(model, Path(weights))
    else:
        names = ", ".join(w.dataset for w in spec.weights) or "none"
        raise UsageError(f"{name} has no weights '{weights}' (shipped: {names}), and no such file is there")
    return model


def bench(
    *patterns: str,
    options: Options | None = None,
    store: Store | None = None,
    resume: bool = False,
    skip_existing: bool = False,
    on_step: OnStep | None = None,
    registry: _registry.Registry | None = None,
    **settings: Any,
) -> list[Result]:
    """Measure models, each scenario in a fresh process.

    :param patterns: names or shell globs.
    :param options: how to measure; or give the fields of `zoo.bench.plan.Options` as keyword arguments.
    :param store: where each Result is recorded as soon as it is there; by default they are not.
    :param resume: continue the newest interrupted run of the same scenarios in the store.
    :param skip_existing: take what this environment has measured before from the store.
    :param on_step: called as each scenario begins; returns what is told its phases.
    :return: a Result for each scenario, also for those that failed: see `outcome`.
    :raises UsageError: for what is unknown or impossible here.
    """
    from zoo.bench.plan import Options, plan
    from zoo.bench.runner import measure_plan

    steps = plan(registry or _registry.load(), patterns, options or Options(**settings))
    if store is None:
        if resume or skip_existing:
            raise UsageError("what was measured before is in a store; name one")
        return list(measure_plan(steps, on_step))

    from zoo.bench.environment import collect
    from zoo.results import runs

    run = runs.resume(store, steps) if resume else runs.begin(store, steps)
    if skip_existing:
        run.measured = {**runs.existing(store, steps, collect()["fingerprint"]), **run.measured}
    todo = [step for step in steps if step.scenario not in run.measured]
    try:
        for result in measure_plan(todo, on_step, run_id=run.id):
            store.add(result)
            run.measured[result.get_scenario()] = result
    except UsageError:
        if not run.measured:  # impossible from the start: there is nothing to resume
            run.finish()
        raise
    run.finish()
    return [run.measured[step.scenario] for step in steps]


def bench_against(
    name: str,
    reference: str,
    *,
    options: Options | None = None,
    store: Store | None = None,
    on_step: OnStep | None = None,
    registry: _registry.Registry | None = None,
    **settings: Any,
) -> tuple[list[Result], list[Result]]:
    """Measure a model and a reference now, process by process in turn, in random order.

    :param reference: a model, or with a store an id or a label: its model is then measured anew.
    :return: the Results of the reference and of the model, scenario by scenario: A and B of `compare`.
    :raises UsageError: for what is unknown or impossible here.
    """
    from zoo.bench.plan import Options, plan
    from zoo.bench.runner import measure_pairs

    registry = registry or _registry.load()
    options = options or Options(**settings)
    registry.model(name)
    if reference not in registry.models and store is not None:
        try:
            reference = _referenced(reference, store)[0].scenario["model"]
        except UsageError:
            registry.model(reference)  # says which model was probably meant
            raise
    sides = [plan(registry, [model], options) for model in (reference, name)]
    results: tuple[list[Result], list[Result]] = ([], [])
    for pair in measure_pairs(list(zip(*sides, strict=True)), on_step):
        for side, result in zip(results, pair, strict=True):
            side.append(result)
            if store is not None:
                store.add(result)
    return results


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
    :raises UsageError: if there is nothing of that name, nothing that both sides measured, or Results of different
        environments and that was not allowed.
    """
    from zoo.results.compare import compare_matching
    from zoo.results.floor import load_floor
    from zoo.results.store import Store, default_store

    store = store or Store(default_store())
    sides = [_referenced(reference, store) for reference in (a, b)]
    floor = load_floor(store, sides[0][0].environment["fingerprint"])
    return compare_matching(*sides, across=across_environments, floor=floor)


def calibrate(
    name: str = "toy_resnet",
    *,
    pairs: int = 10,
    batch_size: int = 32,
    store: Store | None = None,
    on_step: OnStep | None = None,
    registry: _registry.Registry | None = None,
) -> Floor:
    """Measure a model against itself and keep what that shows: the noise floor of this machine.

    :param pairs: pairs of processes, measured in turn; at least two.
    """
    from zoo.bench.plan import Options
    from zoo.results.floor import floor_of, save_floor
    from zoo.results.store import Store, default_store

    store = store or Store(default_store())
    options = Options(batch_sizes=(batch_size,), processes=pairs, score=False, labels=("calibration",))
    (a,), (b,) = bench_against(name, name, options=options, store=store, on_step=on_step, registry=registry)
    for side in (a, b):
        if side.outcome != "ok":
            raise ZooError(f"calibration failed: {side.reasons['latency_s']}")
    floor = floor_of(a, b)
    save_floor(store, floor)
    return floor


def reproduce(
    reference: str,
    *,
    store: Store | None = None,
    data_dir: str | None = None,
    across_environments: bool = False,
    on_step: OnStep | None = None,
    registry: _registry.Registry | None = None,
) -> tuple[Result, list[Comparison]]:
    """Measure a Result's scenario again, in as many processes, and compare.

    :param reference: its id, or a file that holds just that Result.
    :return: the new Result, and the comparison of the old one (A) with it (B).
    :raises UsageError: if this environment is another one, and that was not allowed.
    """
    from zoo.bench.environment import collect
    from zoo.bench.plan import Options
    from zoo.results.compare import compare as compare_sides
    from zoo.results.floor import load_floor
    from zoo.results.store import Store, default_store

    store = store or Store(default_store())
    old, *others = _referenced(reference, store)
    if others:
        raise UsageError(f"{reference} means {len(others) + 1} Results; name one by its id")
    here = collect()["fingerprint"]
    if here != old.environment["fingerprint"] and not across_environments:
        raise UsageError(
            f"{old.id} was measured in the environment {old.environment['fingerprint']}, and this is {here}; "
            "--across-environments measures and compares all the same"
        )
    scenario = old.get_scenario()
    options = Options(
        dataset=scenario.dataset,
        data_dir=data_dir,
        batch_sizes=(scenario.batch_size,),
        runtime=scenario.runtime,
        device=scenario.device,
        precision=scenario.precision,
        threads=scenario.threads,
        score=old.measures["accuracy"] is not None,
        processes=max(1, len(old.samples)),
        labels=("reproduction",),
    )
    (new,) = bench(scenario.model, options=options, store=store, on_step=on_step, registry=registry)
    floor = load_floor(store, here)
    return new, compare_sides([old], [new], across=across_environments, floor=floor)


def _referenced(reference: str, store: Store) -> list[Result]:
    from zoo.results.references import find

    return find(reference, store)
