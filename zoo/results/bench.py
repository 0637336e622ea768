"""The public functions that measure. A command is a thin face of one of them."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from zoo import registry as _registry
from zoo.choices import LOCAL
from zoo.errors import DataError, UsageError

if TYPE_CHECKING:
    from zoo.benchmarking.plan import Options, Step
    from zoo.record.result import Result
    from zoo.results.listeners import OnWarning
    from zoo.results.store import Store

OnStep = Callable[[int, int, "Step"], Callable[[str], None]]


def bench(
    *patterns: str,
    options: Options | None = None,
    store: Store | None = None,
    resume: bool = False,
    skip_existing: bool = False,
    on: str = LOCAL,
    on_step: OnStep | None = None,
    on_warning: OnWarning | None = None,
    registry: _registry.Registry | None = None,
    **settings: Any,
) -> list[Result]:
    """Measure models, each scenario in a fresh process.

    What this machine can do at most is measured first where all runtimes are to be compared and it isn't known yet.

    :param patterns: names or shell globs.
    :param options: how to measure; or give the fields of `zoo.benchmarking.plan.Options` as keyword arguments.
    :param store: where each Result is recorded as soon as it is there; by default they are not.
    :param resume: continue the newest interrupted run of the same scenarios in the store.
    :param skip_existing: take what this environment has measured before from the store.
    :param on: where: "local" is this machine; else an executor by its name.
    :param on_step: called as each scenario begins, with its number, how many there are, and its step; returns what is
        told its phases.
    :param on_warning: told in a line where a plugin fails that is told of a recorded Result, or an executor reports
        what doesn't count; by default it is a warning of Python's.
    :return: a Result for each scenario, also for those that failed: see `outcome`.
    :raises UsageError: for what is unknown or impossible here.
    """
    from zoo.benchmarking.environment import collect
    from zoo.benchmarking.plan import ALL, Options, plan
    from zoo.results import runs
    from zoo.results.place import Place

    options = options or Options(**settings)
    registry = registry or _registry.load()
    place = Place(on, options, registry, store, on_step, on_warning)
    steps = plan(registry, patterns, options)
    if ALL in options.runtimes and place.is_here:
        _measure_peaks(steps, on_step)
    if any(step.seeks_batch_size for step in steps):
        steps = list(_sized(steps, on_step))
    if store is None:
        if resume or skip_existing:
            raise UsageError("what was measured before is in a store; name one")
        rows = [(step,) for step in steps]
        return [result for (result,) in place.ordered(rows, list(place.measure(rows)))]

    here = collect()
    run = runs.resume(store, steps, here, anywhere=not place.is_here) if resume else runs.begin(store, steps, here)
    if skip_existing:
        run.measured = {**runs.existing(store, steps, here), **run.measured}
    todo = [(step,) for step in steps if step.scenario not in run.measured]
    try:
        for (result,) in place.measure(todo, run.id):
            store.add(result)
            run.measured[result.scenario] = result
            place.listeners.tell(result)  # the next scenario begins when this returns
    except UsageError:
        if not run.measured:  # impossible from the start: there is nothing to resume
            run.finish()
        raise
    finally:
        run.leave()
    run.finish()
    place.listeners.tell_held()
    return [run.measured[step.scenario] for step in steps]


def _measure_peaks(steps: Sequence[Step], on_step: OnStep | None) -> None:
    """See that the peaks of each device are known; where they can't be had, the Results will say so."""
    from zoo.benchmarking.peak import peak

    tell = on_step(0, len(steps), steps[0]) if on_step else lambda _: None
    for device in {step.scenario.device_kind for step in steps if not step.unavailable}:
        with contextlib.suppress(DataError):
            peak(device=device, on_event=lambda what: tell(f"first this machine's peak, {what}"))


def _sized(steps: Sequence[Step], on_step: OnStep | None) -> Iterator[Step]:
    """The steps, each with a batch size."""
    from zoo.benchmarking.batch_size import with_largest_batch

    for index, step in enumerate(steps):
        if not step.seeks_batch_size or step.unavailable:
            yield step
        else:
            yield with_largest_batch(step, on_step(index, len(steps), step) if on_step else lambda _: None)


def bench_against(
    name: str,
    reference: str | None = None,
    *,
    python: str | None = None,
    options: Options | None = None,
    store: Store | None = None,
    on: str = LOCAL,
    on_step: OnStep | None = None,
    on_warning: OnWarning | None = None,
    registry: _registry.Registry | None = None,
    **settings: Any,
) -> tuple[list[Result], list[Result]]:
    """Measure a model and a reference now, in pairs of processes that take turns in random order.

    A batch size of "max" is the largest that fits both while they are in memory together.

    :param reference: a model; with `python` it may be left out, and is then the same model.
    :param python: the interpreter of another environment, by whose zoo, plugins and packages the reference is measured.
    :param store: where the Results are recorded, but for those of another environment: what is looked up there later is
        to be of the code that is installed here.
    :param on, on_warning: as `bench` takes them.
    :return: the Results of the reference and of the model, scenario by scenario: A and B of `compare`.
    :raises UsageError: for what is unknown or impossible here, or there.
    """
    from zoo.benchmarking.plan import Options, plan
    from zoo.results.place import Place

    registry = registry or _registry.load()
    options = options or Options(**settings)
    place = Place(on, options, registry, store, on_step, on_warning)
    if python is not None and not place.is_here:
        raise UsageError(f"another environment's side is measured on this machine; leave out --on {on}")
    if options.max_time_s is not None:  # two processes warm up and sample in that time
        options = dataclasses.replace(options, policy=options.policy.within(options.max_time_s / 2))
    steps = plan(registry, [name], options)
    if python is not None:
        from zoo.benchmarking.elsewhere import plan_elsewhere

        references = plan_elsewhere(python, [reference or name], options)
    else:
        if reference is None:
            raise UsageError("name a model to measure in turn, or the Python of another environment")
        _refuse_stored(reference, name, registry, store)
        references = plan(registry, [reference], options)
    rows = _paired(references, steps)
    pairs = []
    for pair in place.measure(rows):
        pairs.append(pair)
        stored = [result for result, step in zip(pair, rows[0], strict=True) if not step.elsewhere]
        if store is not None:
            for result in stored:
                store.add(result)
            for result in stored:
                place.listeners.tell(result)
    place.listeners.tell_held()
    ordered = place.ordered(rows, pairs)
    return [pair[0] for pair in ordered], [pair[1] for pair in ordered]


def _refuse_stored(reference: str, name: str, registry: _registry.Registry, store: Store | None) -> None:
    """:raises UsageError: if it is no model. What was measured before is not measured again by the code of today."""
    from zoo.results.references import find

    if reference in registry.models:
        return
    try:
        stored = store is not None and bool(find(reference, store))
    except UsageError:
        stored = False
    if stored:
        raise UsageError(
            f"--against measures a model now, and {reference} was measured before: 'zoo compare {reference} {name}' "
            "compares with it as it is stored, '--against-python' measures other code in turn"
        )
    registry.model(reference)  # says which model was probably meant


def _paired(references: Sequence[Step], steps: Sequence[Step]) -> list[tuple[Step, Step]]:
    """The scenarios that both sides have, whatever their models; each side's order is that of the second.

    :raises UsageError: if there are none.
    """

    def key(step: Step) -> object:
        return dataclasses.replace(step.scenario, model="-"), step.seeks_batch_size

    known = {key(step): step for step in references}
    pairs = [(known[key(step)], step) for step in steps if key(step) in known]
    if not pairs:
        raise UsageError("the two environments have no runtime in common that can be measured; name one by --runtime")
    return pairs
