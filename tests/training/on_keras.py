"""Run under each Keras backend by test_backends.py: trains a tiny model in several ways and prints what came out."""

import contextlib
import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
from keras import layers

from zoo.data.catalog import Dataset
from zoo.data.preprocess import adapt
from zoo.modeling import weights as files
from zoo.specs import ModelSpec, Recipe
from zoo.training import state
from zoo.training.distribute import Devices
from zoo.training.fit import fit
from zoo.training.frameworks import make_deterministic
from zoo.training.fused import fuse_normalisations
from zoo.training.job import Job
from zoo.training.learner import Learner, make_learner
from zoo.training.preprocessing import Prepare
from zoo.training.score import Scorer, sample
from zoo.training.splits import InMemory
from zoo.training.start_from import Parent, hold, take
from zoo.training.stream import StreamedBatches

BACKEND = keras.backend.backend()


def tiny(input_shape, classes):
    """Every kind of state: kernels, biases, batch-norm statistics, a generator."""
    inputs = keras.Input(input_shape, name="image")
    x = layers.BatchNormalization(name="norm")(inputs)
    x = layers.Conv2D(4, 3, name="conv")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(0.3, name="dropout")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name="tiny")


RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (50, 8, 8, 1), np.uint8)
LABELS = RANDOM.integers(0, 10, 50)
DEVICES = Devices(contextlib.nullcontext())
PART = InMemory(IMAGES, LABELS, "digest")
RECIPE = Recipe(
    dataset="digits",
    epochs=4,
    batch_size=16,
    optimizer="sgd",
    learning_rate=0.1,
    ema_momentum=0.8,
    shift_pixels=2,
    flip=True,
)
JOB = Job(
    model=ModelSpec(
        name="tiny", summary="tiny", build="on_keras:tiny", input_shape=(8, 8, 1), classes=10, parameters=94
    ),
    dataset=Dataset(
        name="digits",
        version="1.0.0",
        data_dir="",
        folder="",
        builder=None,
        classes=10,
        image_shape=(8, 8, 1),
        splits={"train": 50},
    ),
    recipe=RECIPE,
    keras_backend=BACKEND,
)


def prepared() -> dict:
    """What the head makes of given draws, and of images that are to be resized."""
    images = RANDOM.integers(0, 256, (6, 5, 7, 3), np.uint8)
    shift = RANDOM.integers(-3, 4, (6, 2), np.int32)
    flip = np.array([[0], [1]] * 3, np.int32)
    found = {"images": images.tolist(), "shift": shift.tolist(), "flip": flip.tolist()}
    for fill in ("black", "reflect"):
        head = Prepare((5, 7, 3), (0.5, 0.4, 0.3), (0.25,), fill)
        found[fill] = keras.ops.convert_to_numpy(head(images, shift, flip)).tolist()
    still = np.zeros((50, 2), np.int32), np.zeros((50, 1), np.int32)
    head = Prepare((12, 12, 3), (0.5,), (0.25,), "black")
    difference = keras.ops.convert_to_numpy(head(IMAGES, *still)) - adapt(IMAGES, (12, 12, 3), (0.5,), (0.25,))
    return {**found, "difference_from_adapt": float(abs(difference).max())}


def stepped(**changes: object) -> list[list[float]]:
    """A kernel and a bias after each of three steps with gradients of 1."""
    job = dataclasses.replace(JOB, recipe=dataclasses.replace(RECIPE, ema_momentum=0.5, **changes))
    learner = make_learner(job, PART, DEVICES)
    found = []
    *_, kernel, bias = learner.network.trainable_variables
    kernel.assign(np.ones(kernel.shape))
    bias.assign(np.ones(bias.shape))
    for _ in range(3):
        ones = [keras.ops.ones(v.shape) for v in learner.network.trainable_variables]
        learner.optimizer.apply(ones, learner.network.trainable_variables)
        averages = state.averaged(learner.network, learner.optimizer)
        arrays = [
            keras.ops.convert_to_numpy(kernel.value),
            keras.ops.convert_to_numpy(bias.value),
            averages[kernel.path],
        ]
        found.append([float(array.ravel()[0]) for array in arrays])
    return found


def learn(job: Job, path: str, stop_after: int | None = None) -> tuple[Learner, list[dict]]:
    """Train, from the checkpoint if the job says so, as far as `stop_after` epochs."""
    learner = make_learner(job, PART, DEVICES)
    done, lines = 0, []
    if job.resume:
        arrays, done = state.load(path)
        state.restore(learner.network, learner.optimizer, arrays)

    def end_epoch(line: dict) -> None:
        lines.append(line)
        state.save(path, state.read(learner.network, learner.optimizer), line["epoch"])
        learner.model.stop_training = line["epoch"] == stop_after

    fit(learner, job, DEVICES, done, lambda *_, **__: None, end_epoch)
    return learner, lines


def frozen_epochs(**changes: object) -> list[list[str]]:
    """Which trainable variables each of three epochs changed, where only the classifier learns in the first two."""
    job = dataclasses.replace(JOB, recipe=dataclasses.replace(RECIPE, epochs=3, **changes))
    learner = make_learner(job, PART, DEVICES)
    hold(learner, 2)
    before = {v.path: keras.ops.convert_to_numpy(v.value) for v in learner.network.trainable_variables}
    found = []

    def end_epoch(_: dict) -> None:
        after = {v.path: keras.ops.convert_to_numpy(v.value) for v in learner.network.trainable_variables}
        found.append([path for path in after if not np.array_equal(before[path], after[path])])
        before.update(after)

    fit(learner, job, DEVICES, 0, lambda *_, **__: None, end_epoch)
    return found


def started(folder: str) -> dict:
    """What stays new of a network that takes weights of other and of the same classes, and what it then holds."""
    learner = make_learner(JOB, PART, DEVICES)
    path = Path(folder) / "parent.safetensors"
    digest = files.save(learner.network, path, {"model": "tiny"})
    found = {}
    for name, trained in (("others", ("a", "b")), ("same", ("x", "y")), ("unknown", None)):
        child = make_learner(dataclasses.replace(JOB, recipe=dataclasses.replace(RECIPE, seed=1)), PART, DEVICES)
        parent = Parent(path=str(path), sha256=digest, class_names=trained)
        new = take(child.network, parent, ("x", "y"))
        pairs = zip(learner.network.weights, child.network.weights, strict=True)
        found[name] = {
            "new": new,
            "equal": [b.path for a, b in pairs if np.array_equal(*map(keras.ops.convert_to_numpy, (a.value, b.value)))],
        }
    return found


def normalised(fuse: bool, policy: str) -> tuple[list[str], dict[str, np.ndarray]]:
    """The kinds of the normalisations, and every variable after two steps without and one with them frozen."""
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    inputs = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(16, 3, name="conv")(inputs)
    x = layers.BatchNormalization(name="fused")(x)
    x = layers.Conv2D(16, 3, activation="relu", name="conv2")(x)
    x = layers.BatchNormalization(name="another", momentum=0.5, epsilon=0.1)(x)
    x = layers.BatchNormalization(axis=1, name="over_rows")(x)
    x = layers.BatchNormalization(scale=False, name="without_scale")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.BatchNormalization(name="flat")(x)
    network = keras.Model(inputs, layers.Dense(10, dtype="float32", name="logits")(x))
    keras.config.set_dtype_policy("float32")
    if fuse:
        fuse_normalisations(network, BACKEND)
    images, labels = np.random.default_rng(0).normal(size=(32, 8, 8, 3)), np.arange(32) % 10
    for frozen in (False, True):
        network.get_layer("another").trainable = not frozen
        network.compile(
            keras.optimizers.SGD(0.1),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            jit_compile=False,
        )
        network.fit(images, labels, batch_size=32, epochs=1 if frozen else 2, verbose=0, shuffle=False)
    norms = [type(x).__name__ for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    values = {v.path: np.array(v.value) for v in network.weights}
    return norms, values | {"logits": network.predict(images, verbose=0)}


def fused() -> dict[str, dict]:
    """How far what is trained with the zoo's normalisation is from what is trained with Keras'."""
    found = {}
    for policy in ("float32", "mixed_bfloat16"):
        _, expected = normalised(False, policy)
        norms, values = normalised(True, policy)
        again = normalised(True, policy)[1]
        found[policy] = {
            "norms": norms,
            "difference": max(float(abs(values[path] - expected[path]).max()) for path in expected),
            "repeatable": all((values[path] == again[path]).all() for path in values),
        }
    return found


def in_one_loop() -> dict[str, float]:
    """How far the variables and losses of two epochs by Keras' `fit` are from those of epochs that are one compiled
    loop, of epochs with a call for each step, and of epochs whose calls make two steps and one."""
    from zoo.training.callbacks import Watch
    from zoo.training.epochs import Epochs
    from zoo.training.schedule import learning_rates

    def trained(steps_per_call: int | None, by_fit: bool = False) -> tuple[list[np.ndarray], list[float]]:
        learner, losses, states = make_learner(JOB, PART, DEVICES), [], []

        def end_epoch(line: dict) -> None:
            losses.append(line["loss"])
            states.append(state.read(learner.network, learner.optimizer))

        rates = learning_rates(JOB.recipe, len(learner.batches))
        watch = Watch("tiny", learner.batches, rates, lambda *_, **__: None, end_epoch)
        if by_fit:
            learner.model.fit(learner.batches, epochs=2, verbose=0, callbacks=[watch], shuffle=False)
        else:
            Epochs(learner, steps_per_call).fit(watch, 0, 2)
        return list(states[-1].values()), losses

    expected, losses = trained(1, by_fit=True)
    found = {}
    for name, steps in (("whole", None), ("steps", 1), ("twos", 2)):
        values, their_losses = trained(steps)
        pairs = zip(values, expected, strict=True)
        found[name] = max(float(abs(a.astype(float) - b.astype(float)).max()) for a, b in pairs)
        found[f"{name} loss"] = max(abs(a - b) for a, b in zip(their_losses, losses, strict=True))
    return found


class Rows:
    """A split that is read one batch after the other, shuffled by the seed."""

    count = 50

    def read(self, batch_size: int, *, seed: tuple[int, int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """What tf.data does for `zoo.training.stream.Streamed`."""
        order = np.random.default_rng(seed).permutation(50)
        for first in range(0, 50, batch_size):
            yield IMAGES[order[first : first + batch_size]], LABELS[order[first : first + batch_size]]


def streamed() -> list[bool]:
    """Whether batches that are asked for out of turn are those that come in turn."""
    batches = StreamedBatches(Rows(), RECIPE, classes=10, share=(0, 1))
    halves = [StreamedBatches(Rows(), RECIPE, classes=10, share=(i, 2)) for i in (0, 1)]
    found = []
    for epoch in (1, 0, 1):
        for each in (batches, *halves):
            each.begin(epoch)
        in_turn = [batches[step][0]["image"] for step in range(3)]
        found += [np.array_equal(batches[step][0]["image"], in_turn[step]) for step in (0, 2, 1, 2, 0)]
        for step in range(3):
            even, odd = (half[step][0]["image"] for half in halves)
            found += [np.array_equal(in_turn[step][::2], even), np.array_equal(in_turn[step][1::2], odd)]
    return found


def main(folder: str) -> None:
    """Print everything as JSON."""
    make_deterministic(BACKEND)
    whole, lines = learn(JOB, Path(folder) / "whole.safetensors")
    learn(JOB, Path(folder) / "parts.safetensors", stop_after=2)
    resumed, _ = learn(dataclasses.replace(JOB, resume=True), Path(folder) / "parts.safetensors")
    averages = [state.averaged(learner.network, learner.optimizer) for learner in (whole, resumed)]
    scorer = Scorer(JOB, sample(whole.batches))
    held = scorer.hold(averages[0])
    head = Prepare((8, 8, 1), (0.0,), (1.0,), "black")
    seen = [keras.ops.convert_to_numpy(head(**inputs)) for inputs in sample(whole.batches)]
    record = {
        "prepared": prepared(),
        "streamed": streamed(),
        "fused": fused() if BACKEND in ("tensorflow", "jax") else None,
        "in_one_loop": in_one_loop() if BACKEND == "jax" else None,
        "decoupled": stepped(weight_decay=0.5),
        "l2": stepped(weight_decay=0.5, weight_decay_form="l2"),
        "adamw": stepped(optimizer="adamw", weight_decay=0.5),
        "held": {
            "adamw": frozen_epochs(optimizer="adamw", weight_decay=0.5),
            "l2": frozen_epochs(weight_decay=0.5, weight_decay_form="l2"),
            "decoupled": frozen_epochs(weight_decay=0.5),
        },
        "started": started(folder),
        "lines": lines,
        "digests": [state.digest(a) for a in averages],
        "states": [state.digest(state.load(Path(folder) / f"{n}.safetensors")[0]) for n in ("whole", "parts")],
        "statistics": [held["norm/moving_mean"].tolist(), held["norm/moving_variance"].tolist()],
        "expected_statistics": [[float(np.mean([x.mean() for x in seen]))], [float(np.mean([x.var() for x in seen]))]],
        "score": scorer.score(PART),
        "score_with_flip": scorer.score(PART, flip=True),
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main(sys.argv[1])
