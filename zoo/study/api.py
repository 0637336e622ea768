"""The public function behind `zoo study residual`. Each model trains in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo import keras_backend as backends
from zoo import registry as _registry
from zoo.errors import UsageError
from zoo.executors.local import OnEvent
from zoo.files import write_atomic
from zoo.specs import Recipe
from zoo.training.job import Job

PAIRS = (("plain_cnn", "toy_resnet"), ("plain56", "resnet56"))
STEPS = 400
SCHEMA = "zoo.study.residual/1"


def study_residual(
    output: str | Path,
    *,
    pairs: Sequence[tuple[str, str]] = PAIRS,
    dataset: str = "cifar10",
    data_dir: str | None = None,
    steps: int = STEPS,
    batch_size: int = 128,
    learning_rate: float = 0.02,
    seed: int = 0,
    keras_backend: str | None = None,
    on_event: OnEvent | None = None,
    registry: _registry.Registry | None = None,
) -> dict[str, Any]:
    """Train twins with and without skip connections for so many steps, and draw their losses and gradients.

    All get one recipe, that of He et al. 2015 (section 4.2) but for the rate, which is constant and lower, for the sake
    of models without batch normalisation: Nesterov SGD, L2 decay of 1e-4, shifts by 4 pixels and flips.

    :param output: a folder for `study.json` and `residual.svg`; models that it holds the same training of are not
        trained again.
    :param pairs: each the plain model and the residual one.
    :param keras_backend: by default the first that is installed: tensorflow, jax or torch.
    :param on_event: told of each model's phases and steps, with `model` in each event.
    :return: what `study.json` holds.
    :raises UsageError: for what is unknown, or a folder that can't be written.
    """
    from zoo.data.catalog import find
    from zoo.paths import writable_folder
    from zoo.study.picture import draw

    backend = backends.choose(keras_backend)
    registry = registry or _registry.load()
    specs = [[registry.model(name).spec for name in pair] for pair in pairs]
    found = find(dataset, registry.datasets, data_dir)
    if steps < 2:
        raise UsageError("a study takes at least 2 steps")
    images = found.splits.get("train", 0) * 9 // 10
    if not images:
        raise UsageError(f"{found.name} has too few training images: a study trains on nine tenths of them")
    folder = writable_folder(Path(output).absolute())
    recipe = Recipe(
        dataset=found.name,
        epochs=max(1, -(-steps * batch_size // images)),
        batch_size=batch_size,
        optimizer="sgd",
        learning_rate=learning_rate,
        schedule="constant",
        weight_decay=1e-4,
        weight_decay_form="l2",
        shift_pixels=4,
        flip=True,
        mean=(0.5,),
        std=(0.25,),
        seed=seed,
    )
    trained = []
    for pair in specs:
        jobs = [
            Job(
                model=spec,
                dataset=found.fitted(spec.input_shape, recipe.resize),
                recipe=recipe,
                tune=True,
                keras_backend=backend,
                folder=str(folder),
            )
            for spec in pair
        ]
        plain, residual = (_train(job, steps, folder, on_event) for job in jobs)
        trained.append({"plain": plain, "residual": residual})
    study = {
        "schema": SCHEMA,
        "dataset": {"name": found.name, "version": found.version},
        "recipe": recipe.to_json(),
        "steps": steps,
        "pairs": trained,
    }
    write_atomic(folder / "study.json", (json.dumps(study, indent=1, allow_nan=False) + "\n").encode())
    write_atomic(folder / "residual.svg", draw(study).encode())
    return study


def _train(job: Job, steps: int, folder: Path, on_event: OnEvent | None) -> dict[str, Any]:
    """Train one model, or take from the folder what was trained before."""
    from zoo.executors.local import Task, call

    file = folder / f"{job.model.name}.json"
    identity = json.loads(json.dumps({**job.identity(), "steps": steps}))
    if (kept := _read(file)) is not None and kept["identity"] == identity:
        return dict(kept["trained"])

    def tell(event: dict[str, Any]) -> None:
        if on_event is not None:
            on_event({**event, "model": job.model.name})

    task = Task(
        function="zoo.study.residual:train_one",
        job={"job": job.to_json(), "steps": steps},
        environment={"KERAS_BACKEND": job.keras_backend},
        timeout_s=None,
        label=f"study-{job.model.name}",
    )
    trained: dict[str, Any] = call(task, tell)
    write_atomic(file, json.dumps({"identity": identity, "trained": trained}, allow_nan=False).encode())
    return trained


def _read(file: Path) -> dict[str, Any] | None:
    try:
        kept: dict[str, Any] = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) and {"identity", "trained"} <= kept.keys() else None
