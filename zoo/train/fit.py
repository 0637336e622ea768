"""Train a model by its recipe and write its weights. Runs in a worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.catalog import Dataset
from zoo.errors import ModelError
from zoo.specs import ModelSpec, Recipe

if TYPE_CHECKING:
    import keras
    import numpy as np

EVALUATION_BATCH = 256


def train(job: Mapping[str, Any], report: Callable[..., None]) -> dict[str, Any]:
    """Train `job["model"]` on `job["dataset"]` by `job["recipe"]`, and write `job["output"]`.

    The test split is evaluated once, after the last epoch.

    :return: sha256 of the file and the provenance that stands in it.
    """
    report("phase", name="import")
    import keras

    from zoo.models import weights
    from zoo.models.build import build

    _make_deterministic()
    spec = ModelSpec.from_json(job["model"])
    dataset = Dataset.from_json(job["dataset"])
    recipe = Recipe.from_json(job["recipe"])

    report("phase", name="data")
    data = _load(spec, dataset, recipe)

    model = build(spec, classes=dataset.classes, seed=recipe.seed)
    started = time.perf_counter()
    history = _fit(model, data, recipe, report)
    seconds = time.perf_counter() - started

    report("phase", name="evaluate")
    score = _evaluate(model, data)
    record = {
        "model": spec.name,
        "dataset": {
            "name": dataset.name,
            "version": dataset.version,
            "train_sha256": data["train_digest"],
            "test_sha256": data["test_digest"],
        },
        "recipe": recipe.to_json(),
        "score": {**score, "split": "test", "chosen": "last epoch"},
        "final_loss": history[-1],
        "train_s": round(seconds, 1),
        "train_images": len(data["train_x"]),
        "versions": _versions(),
        "processor": _processor(),
    }
    report("phase", name="save")
    sha256 = weights.save(model, Path(job["output"]), record)
    keras.backend.clear_session()
    return {"sha256": sha256, "provenance": record}


def _make_deterministic() -> None:
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def _load(spec: ModelSpec, dataset: Dataset, recipe: Recipe) -> dict[str, Any]:
    import numpy as np

    from zoo.data.load import load
    from zoo.data.preprocess import adapt

    train, test = load(dataset, "train"), load(dataset, "test")
    return {
        "train_x": adapt(train.images, spec.input_shape, recipe.mean, recipe.std),
        "train_y": np.eye(dataset.classes, dtype=np.float32)[train.labels],
        "test_x": adapt(test.images, spec.input_shape, recipe.mean, recipe.std),
        "test_labels": test.labels,
        "train_digest": train.digest,
        "test_digest": test.digest,
    }


def _fit(model: keras.Model, data: Mapping[str, Any], recipe: Recipe, report: Callable[..., None]) -> list[float]:
    """Fit, reporting each epoch; the loss of each epoch.

    :raises ModelError: as soon as a loss is not finite.
    """
    import keras
    import numpy as np

    from zoo.train.batches import Batches

    black = -np.asarray(recipe.mean, np.float32) / np.asarray(recipe.std, np.float32)
    batches = Batches(
        data["train_x"],
        data["train_y"],
        batch_size=recipe.batch_size,
        shift_pixels=recipe.shift_pixels,
        flip=recipe.flip,
        fill=black,
        seed=recipe.seed,
    )
    losses: list[float] = []
    report("phase", name="train", steps=recipe.epochs * len(batches))

    def epoch_end(epoch: int, logs: dict[str, float]) -> None:
        losses.append(float(logs["loss"]))
        report("epoch", epoch=epoch + 1, **{name: float(value) for name, value in logs.items()})

    def batch_end(batch: int, logs: dict[str, float]) -> None:
        if not np.isfinite(logs["loss"]):
            raise ModelError(
                f"the loss of {model.name} was {logs['loss']} at step {batch} of epoch "
                f"{len(losses) + 1}; no weights were written; try a lower learning rate"
            )
        report("step", epoch=len(losses) + 1, step=batch + 1, steps=len(batches))

    model.compile(
        optimizer=_optimizer(recipe, steps_per_epoch=len(batches)),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
        jit_compile=False,
    )
    callback = keras.callbacks.LambdaCallback(on_epoch_end=epoch_end, on_train_batch_end=batch_end)
    model.fit(batches, epochs=recipe.epochs, verbose=0, callbacks=[callback])
    return losses


def _optimizer(recipe: Recipe, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    import keras

    rate: Any = recipe.learning_rate
    if recipe.schedule == "cosine":
        warmup = round(recipe.warmup_epochs * steps_per_epoch)
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0 if warmup else recipe.learning_rate,
            decay_steps=max(1, recipe.epochs * steps_per_epoch - warmup),
            warmup_target=recipe.learning_rate if warmup else None,
            warmup_steps=warmup,
        )
    decay = recipe.weight_decay or None
    optimizer: keras.optimizers.Optimizer = (
        keras.optimizers.SGD(rate, momentum=recipe.momentum, nesterov=True, weight_decay=decay)
        if recipe.optimizer == "sgd"
        else keras.optimizers.AdamW(rate, weight_decay=decay)
    )
    if decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _evaluate(model: keras.Model, data: Mapping[str, Any]) -> dict[str, Any]:

    from zoo.bench.accuracy import accuracy

    logits = model.predict(data["test_x"], batch_size=EVALUATION_BATCH, verbose=0)
    labels: np.ndarray[Any, Any] = data["test_labels"]
    return accuracy(int((logits.argmax(axis=1) == labels).sum()), len(labels))


def _versions() -> dict[str, str]:
    import importlib.metadata

    import keras

    import zoo

    backend = keras.backend.backend()
    return {
        "zoobench": zoo.__version__,
        "keras": keras.__version__,
        "keras_backend": backend,
        backend: importlib.metadata.version(backend),
        "numpy": importlib.metadata.version("numpy"),
    }


def _processor() -> str:
    from zoo.bench.environment import processor_model

    return processor_model()
