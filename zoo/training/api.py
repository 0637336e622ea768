"""The public functions behind `zoo train`. They start no framework: what trains is a process of its own."""

from __future__ import annotations

import dataclasses
import hashlib
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo import keras_backend as backends
from zoo import registry as _registry
from zoo.errors import UsageError
from zoo.executors.local import OnEvent
from zoo.record.scenario import check_device
from zoo.specs import ModelSpec, Recipe
from zoo.training import distribute, sizing
from zoo.training import overrides as _overrides
from zoo.training.code import code_of
from zoo.training.job import Job, check
from zoo.training.run import Run
from zoo.training.start_from import find_parent

DATA = ("auto", "memory", "stream")


def train(
    name: str,
    dataset: str = "digits",
    *,
    recipe: str | None = None,
    changes: Mapping[str, Any] | None = None,
    start_from: str | None = None,
    freeze: int = 0,
    tune: bool = False,
    data_dir: str | None = None,
    data: str = "auto",
    skip_damaged: bool = False,
    output: str | Path | None = None,
    run_dir: str | Path | None = None,
    resume: bool = False,
    keras_backend: str | None = None,
    device: str | None = None,
    strategy: str | None = None,
    deterministic: bool = True,
    flip_test: bool = False,
    on_event: OnEvent | None = None,
    registry: _registry.Registry | None = None,
) -> dict[str, Any]:
    """Train a model by a recipe and write its weights.

    :param recipe: the name of one of the model's recipes for the dataset; by default the first.
    :param changes: fields of the recipe to change, such as `{"epochs": 3}`.
    :param start_from: weights to start from: a file, or a dataset for which the model has weights. Every layer that
        fits is taken; the classifier is new where the classes are others.
    :param freeze: for so many epochs only the classifier learns; with `start_from`.
    :param tune: train on nine tenths of the training split and score the rest. The test split is not read.
    :param data: `"memory"` holds the images, `"stream"` reads them again each epoch, `"auto"` goes by their size.
    :param skip_damaged: leave out files of an image folder that can't be decoded.
    :param output: the file to write; by default the one where `bench` finds it, or none in tuning.
    :param run_dir: where the history, the checkpoint and the result are kept; by default in the zoo's own folder.
    :param resume: go on from the last checkpoint of the same run, if there is one.
    :param keras_backend: by default the first that is installed: tensorflow, jax or torch.
    :param device: `"cpu"`, `"gpu"` or `"gpu:N"`; by default a GPU where the framework sees one, else the processor.
    :param strategy: `"mirrored"` (TensorFlow) or `"data-parallel"` (JAX) for several devices.
    :param deterministic: have the framework add in a fixed order, so that the same seed gives the same weights.
    :param flip_test: also score with the logits of each image and its mirror image averaged.
    :param on_event: told of what there is to say of the data (`note`), each phase, some steps and each epoch.
    :return: `path`, `sha256` and `provenance` of the weights, the folder `run`, and `used_by`: a line that says what
        takes the weights from now on (None in tuning).
    :raises UsageError: for what is unknown or impossible, or a file that can't be written.
    :raises DataError: if the data can't be read or don't fit the model.
    :raises ModelError: if the model can't be built, or the loss stops being finite.
    """
    job = make_job(
        name,
        dataset,
        recipe=recipe,
        changes=changes or {},
        start_from=start_from,
        freeze=freeze,
        tune=tune,
        data_dir=data_dir,
        data=data,
        skip_damaged=skip_damaged,
        keras_backend=keras_backend,
        device=device,
        strategy=strategy,
        deterministic=deterministic,
        flip_test=flip_test,
        resume=resume,
        registry=registry,
    )
    return run_job(job, output=output, run_dir=run_dir, on_event=on_event)


def train_seeds(
    name: str,
    dataset: str = "digits",
    *,
    seeds: int,
    output: str | Path | None = None,
    run_dir: str | Path | None = None,
    on_event: OnEvent | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Train with several seeds, one after the other, from the recipe's upwards.

    The weights of the first are written to `output`; which seed scores best decides nothing.

    :param seeds: how many.
    :param run_dir: a folder for the folders of the runs.
    :param settings: see `train`.
    :return: `runs`, as `train` returns them, and `score`: mean and standard deviation over the seeds (None in a process
        that only helped another). It stands in the record of the first's weights too, as `over_seeds`.
    """
    first = make_job(name, dataset, **settings)
    runs: list[dict[str, Any]] = []
    for seed in range(first.recipe.seed, first.recipe.seed + seeds):
        job = dataclasses.replace(
            first,
            recipe=_overrides.apply(first.recipe, {"seed": seed}),
            changes={**first.changes, "seed": seed} if seed != first.recipe.seed else first.changes,
        )
        folder = Path(run_dir) / f"seed{seed}" if run_dir else None
        kept = output if not runs else Run(folder or job.default_folder()).weights
        runs.append(run_job(job, output=kept, run_dir=folder, on_event=on_event))
    values = [run["provenance"]["score"]["value"] for run in runs if "provenance" in run]
    if not values:
        return {"runs": runs, "score": None}
    score = spread(values)
    if not first.tune:
        runs[0] = _recorded(runs[0], {**score, "values": values})
    return {"runs": runs, "score": score}


def spread(values: list[float]) -> dict[str, float | int | None]:
    """Mean and sample standard deviation (None of a single value)."""
    return {
        "mean": statistics.fmean(values),
        "deviation": statistics.stdev(values) if len(values) > 1 else None,
        "seeds": len(values),
    }


def _recorded(run: dict[str, Any], over_seeds: Mapping[str, Any]) -> dict[str, Any]:
    """The run, with what it and its sisters score in the record of its weights."""
    from zoo.files import write_atomic
    from zoo.modeling.weights import with_provenance

    path, record = Path(run["path"]).absolute(), {**run["provenance"], "over_seeds": dict(over_seeds)}
    content = with_provenance(path.read_bytes(), record)
    write_atomic(path, content)
    return {**run, "sha256": hashlib.sha256(content).hexdigest(), "provenance": record}


def make_job(
    name: str,
    dataset: str = "digits",
    *,
    recipe: str | None = None,
    changes: Mapping[str, Any] | None = None,
    start_from: str | None = None,
    freeze: int = 0,
    data_dir: str | None = None,
    data: str = "auto",
    skip_damaged: bool = False,
    device: str | None = None,
    strategy: str | None = None,
    keras_backend: str | None = None,
    registry: _registry.Registry | None = None,
    **settings: Any,
) -> Job:
    """What `train` is asked for, checked as far as it can be without a framework."""
    from zoo.data.catalog import find
    from zoo.training.splits import is_streamed

    for value, known in ((data, DATA), (keras_backend, (None, *backends.BACKENDS))):
        if value not in known:
            raise UsageError(f"'{value}' is not one of {', '.join(filter(None, known))}")
    if device is not None:
        check_device(device)
    keras_backend = backends.choose(keras_backend)
    distribute.check(strategy, keras_backend, device=device)
    registry = registry or _registry.load()
    spec = registry.model(name).spec
    found = find(dataset, registry.datasets, data_dir, skip_damaged=skip_damaged)
    base = _recipe(spec, found.name, recipe)
    images = found.splits.get("train", 0)
    sized = sizing.fitted(base, images) if images else base
    chosen = _overrides.apply(sized, changes or {})
    found = found.fitted(spec.input_shape, chosen.resize)
    check(spec, found, chosen, tune=settings.get("tune", False))
    if freeze and start_from is None:
        raise UsageError("--freeze holds layers that know something: give weights to start from with --from")
    if freeze and strategy is not None:
        raise UsageError("layers can be frozen on one device only; leave out --freeze or --strategy")
    if not 0 <= freeze <= chosen.epochs:
        raise UsageError(f"--freeze takes at most the {chosen.epochs} epochs of the recipe")
    return Job(
        model=spec,
        dataset=found,
        recipe=chosen,
        code=code_of(chosen, found),
        changes=changes or {},
        start=None if start_from is None else find_parent(spec, start_from),
        freeze=freeze,
        sized={name: value for name, value in sizing.differences(base, sized).items() if name not in (changes or {})},
        stream=is_streamed(found, data),
        device=device,
        strategy=strategy,
        keras_backend=keras_backend,
        **settings,
    )


def run_job(
    job: Job, *, output: str | Path | None, run_dir: str | Path | None, on_event: OnEvent | None
) -> dict[str, Any]:
    """Run a job in a worker and put its weights in place."""
    from zoo.executors.local import Task, call
    from zoo.files import write_atomic
    from zoo.modeling.choice import now_used
    from zoo.paths import trained_weights, writable_folder

    run = Run(Path(run_dir).absolute() if run_dir else job.default_folder())
    run.check(job)
    if output is None:
        output = run.weights if job.tune else trained_weights(job.model.name, job.dataset.name)
    path = Path(output)
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file to write")
    writable_folder(path.absolute().parent)

    if on_event is not None:
        for note in job.dataset.notes:
            on_event({"event": "note", "line": f"{job.dataset.name}: {note}"})
        if job.sized:
            on_event({"event": "note", "line": sizing.line(job.dataset.splits["train"], job.sized)})
    done = run.finished()
    if not job.resume and done is None and (epochs := len(run.epochs())):
        raise UsageError(
            f"{run.folder} holds {epochs} epochs of this very run; go on from there with --resume, or remove the folder"
        )
    if not job.resume:
        done = None
    if done is None or (job.flip_test and "with_flip" not in done["provenance"]["score"]):
        task = Task(
            function="zoo.training.fit:train",
            job=dataclasses.replace(job, folder=str(run.folder)).to_json(),
            environment={"KERAS_BACKEND": job.keras_backend},
            timeout_s=None,
            label=f"train-{job.model.name}",
        )
        done = call(task, on_event)
    if "process" in done:  # of several; the first has the result
        return {"path": None, "run": str(run.folder), **done}
    if path.absolute() != run.weights:
        write_atomic(path.absolute(), run.weights.read_bytes())
    used = None if job.tune else now_used(job.model, job.dataset.name, str(path))
    return {"path": str(path), "run": str(run.folder), "used_by": used, **done}


def _recipe(spec: ModelSpec, dataset: str, name: str | None) -> Recipe:
    recipe = spec.recipe_for(dataset, name)
    if recipe is not None:
        return recipe
    if name and (names := list(spec.recipes_for(dataset))):
        raise _registry.unknown("recipe", name, names, f"zoo show {spec.name}")
    there = ", ".join(dict.fromkeys(r.dataset for r in spec.recipes)) or "none"
    raise UsageError(f"{spec.name} has no recipe for {dataset}; it has recipes for: {there}")
