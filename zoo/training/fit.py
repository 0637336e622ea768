"""Train a model by its recipe and leave the result in the run's folder. Runs in a worker."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.catalog import class_names
from zoo.errors import ModelError, UsageError
from zoo.files import write_atomic
from zoo.keras_backend import import_keras
from zoo.training.job import Job
from zoo.training.run import Run

if TYPE_CHECKING:
    from zoo.training.distribute import Devices
    from zoo.training.learner import Learner
    from zoo.training.score import Scorer
    from zoo.training.splits import Part

    Report = Callable[..., None]


def train(values: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Train by a `zoo.training.job.Job`. The scored part is scored once, after the last epoch. In tuning, a tenth of
    the training split is scored after each epoch too.

    :return: sha256 and provenance of the weights; or, of a process that only helped another, its number.
    """
    job = Job.from_json(values)
    report("phase", name="import")
    import_keras()
    from zoo.training.distribute import set_up
    from zoo.training.frameworks import make_deterministic

    if job.deterministic:
        make_deterministic(job.keras_backend)
    devices = set_up(job)

    report("phase", name="data")
    from zoo.training.splits import parts

    trained, scored = parts(job.dataset, tune=job.tune, stream=job.stream)
    report("phase", name="build")
    from zoo.training.learner import make_learner
    from zoo.training.start_from import hold, take

    learner = make_learner(job, trained, devices)
    if job.start is not None:
        take(learner.network, job.start, class_names(job.dataset))
        hold(learner, job.freeze)
    run = Run(Path(job.folder))
    if devices.process:  # the first process keeps the folder
        fit(learner, job, devices, _resume(job, run, learner), report)
        return {"process": devices.process}
    with run.locked():
        return _train(job, run, learner, (trained, scored), devices, report)


def _train(
    job: Job, run: Run, learner: Learner, parts: tuple[Part, Part], devices: Devices, report: Report
) -> dict[str, Any]:
    from zoo.modeling import weights as files
    from zoo.training import state
    from zoo.training.curves import draw
    from zoo.training.record import provenance
    from zoo.training.score import Scorer, sample

    trained, scored = parts
    scorer = Scorer(job, sample(learner.batches) if job.recipe.ema_momentum else None)
    done = _begin_or_resume(job, run, learner)

    def end_epoch(line: dict[str, Any]) -> None:
        if job.tune:
            scorer.hold(state.averaged(learner.network, learner.optimizer))
            found = scorer.score(scored)
            line |= {"tuning_loss": found["loss"], "tuning_accuracy": found["value"]}
            line |= {f"tuning_{name}": value for name, value in found.get("metrics", {}).items()}
        run.add_epoch(line)
        write_atomic(run.curves, draw(f"{job.model.name} on {job.dataset.name}", run.epochs()).encode())
        state.save(run.checkpoint, state.read(learner.network, learner.optimizer), line["epoch"])

    try:
        fit(learner, job, devices, done, report, end_epoch)
    except ModelError as error:
        raise ModelError(
            f"{error}; the checkpoint after epoch {state.load(run.checkpoint)[1]} is kept in {run.folder}; "
            "try a lower learning rate"
        ) from None

    report("phase", name="score")
    values = scorer.hold(state.averaged(learner.network, learner.optimizer))
    record = provenance(
        job,
        trained,
        scored,
        run.epochs(),
        _scores(job, scorer, scored),
        devices=devices,
        values_sha256=state.digest(values),
    )
    report("phase", name="save")
    sha256 = files.save_arrays(values, run.weights, record)
    result = {"sha256": sha256, "provenance": record}
    write_atomic(run.result, (json.dumps(result, indent=2, allow_nan=False) + "\n").encode())
    return result


def _begin_or_resume(job: Job, run: Run, learner: Learner) -> int:
    """Put back the last checkpoint, or write the first: what can't be written is known before the first epoch.

    :return: how many epochs are done.
    """
    from zoo.training import state

    if job.resume and run.checkpoint.exists():
        done = _resume(job, run, learner)
        run.keep_epochs(done)
        return done
    run.begin(job)
    state.save(run.checkpoint, state.read(learner.network, learner.optimizer), 0)
    return 0


def _resume(job: Job, run: Run, learner: Learner) -> int:
    """Put back what the checkpoint holds, if there is one to go on from.

    :return: how many epochs are done.
    """
    from zoo.training import state

    if not job.resume or not run.checkpoint.exists():
        return 0
    arrays, done = state.load(run.checkpoint)
    state.restore(learner.network, learner.optimizer, arrays)
    return done


def fit(
    learner: Learner,
    job: Job,
    devices: Devices,
    done: int,
    report: Report,
    end_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Train what is left of the epochs."""
    from zoo.training.callbacks import Watch
    from zoo.training.schedule import learning_rates

    if not devices.agree(done):
        raise UsageError(f"the processes don't see the same checkpoint in {job.folder}; put it on a shared disk")
    epochs, steps = job.recipe.epochs, len(learner.batches)
    report("phase", name="train", steps=epochs * steps, done=done * steps, epochs=epochs)
    if done < epochs:
        rates = learning_rates(job.recipe, steps)
        watch = Watch(job.model.name, learner.batches, rates, report, end_epoch)
        if job.keras_backend == "jax" and job.strategy is None and not job.stream and _lie_on_device(learner):
            from zoo.training.epochs import Epochs

            Epochs(learner, steps_per_call=1 if devices.name == "cpu" else None).fit(watch, done, epochs)
        else:
            learner.model.fit(
                learner.batches, initial_epoch=done, epochs=epochs, verbose=0, callbacks=[watch], shuffle=False
            )


def _lie_on_device(learner: Learner) -> bool:
    """Whether the images are few enough to be held on the device as a whole."""
    from zoo.training.batches import InMemoryBatches
    from zoo.training.splits import IN_MEMORY_BYTES

    return isinstance(learner.batches, InMemoryBatches) and learner.batches.images.nbytes <= IN_MEMORY_BYTES


def _scores(job: Job, scorer: Scorer, part: Part) -> dict[str, Any]:
    """The score as it stands in the record; with mirror images only beside the one without."""
    found = {
        **scorer.score(part),
        "split": "a tenth of train" if job.tune else "test",
        "chosen": "last epoch",
        "test_time_augmentation": None,
    }
    if job.flip_test:
        found["with_flip"] = {**scorer.score(part, flip=True), "test_time_augmentation": "flip"}
    return found
