"""Run by test_import.py under Keras: writes files as Keras saves them, compares logits, or tries many conversions."""

import hashlib
import json
import sys
from pathlib import Path

import h5py
import keras
import numpy as np

import zoo
from zoo.errors import ZooError
from zoo.weights.convert import convert as convert_file
from zoo.weights.foreign import format_of


def write(folder: Path) -> None:
    """Models with weights and statistics as if they had been trained, and their logits."""
    rng = np.random.default_rng(0)
    for name in ("kinds", "resnet20"):
        model = zoo.build(name)
        for variable in model.weights:
            low, high = (0.5, 1.5) if variable.path.endswith(("gamma", "moving_variance")) else (-0.2, 0.2)
            variable.assign(rng.uniform(low, high, variable.shape))
        images = rng.random((4, *model.input_shape[1:]), np.float32)
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
        model.optimizer.build(model.trainable_variables)
        model.save(folder / f"{name}.keras")
        model.save_weights(folder / f"{name}.weights.h5")
        np.save(folder / f"{name}_images.npy", images)
        np.save(folder / f"{name}_logits.npy", logits(model, images))

    # Networks that are not quite the zoo's.
    twins = zoo.build("twins")
    swapped = keras.Sequential(
        [keras.Input((8, 8, 3)), *(twins.get_layer(n) for n in ("pool", "second", "first", "logits"))]
    )
    swapped.save_weights(folder / "swapped.weights.h5")
    longer = keras.Sequential([keras.Input((8, 8, 3)), *twins.layers[1:], keras.layers.Dense(10)])
    longer.save_weights(folder / "longer.weights.h5")
    with_lambda = keras.Sequential([keras.Input((8, 8, 3)), *twins.layers[1:], keras.layers.Lambda(lambda x: x * 2)])
    with_lambda.save(folder / "lambda.keras")
    twins.save(folder / "older.h5")
    swapped.save(folder / "older_swapped.h5")
    longer.save(folder / "older_longer.h5")
    with_lambda.save(folder / "older_lambda.h5")
    whole = (folder / "lambda.keras").read_bytes()
    (folder / "truncated.keras").write_bytes(whole[: len(whole) // 2])
    for name in ("infinite", "double", "wide"):
        twins.save_weights(folder / f"{name}.weights.h5")
    with h5py.File(folder / "infinite.weights.h5", "a") as file:
        file["layers/dense_2/vars/1"][0] = np.inf
    for name, path, array in (("double", "dense", np.zeros((3, 3))), ("wide", "dense_2", np.zeros((3, 7), np.float32))):
        with h5py.File(folder / f"{name}.weights.h5", "a") as file:
            del file[f"layers/{path}/vars/0"]
            file[f"layers/{path}/vars/0"] = array
    # Others' names, and random states that are not in the zoo's model.
    other = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.RandomFlip(), keras.layers.GlobalAveragePooling2D()])
    for units in (3, 3, 10):
        other.add(keras.layers.Dropout(0.5))
        other.add(keras.layers.Dense(units))
    other.save(folder / "twins.keras")
    images = rng.random((4, 8, 8, 3), np.float32)
    np.save(folder / "twins_images.npy", images)
    np.save(folder / "twins_logits.npy", logits(other, images))
    print("{}")


def logits(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """What the model makes of images."""
    return keras.ops.convert_to_numpy(model(images, training=False))


def compare(folder: Path, *imported: str) -> None:
    """Print how far each model's logits are from those that were written beside its images, at most."""
    far = {}
    for file in map(Path, imported):
        name = file.parent.name
        model = zoo.build(name, weights=file)
        found = logits(model, np.load(folder / f"{name}_images.npy"))
        far[name] = float(np.abs(found - np.load(folder / f"{name}_logits.npy")).max())
    print(json.dumps(far))


def convert(jobs: Path) -> None:
    """Print what became of each conversion to weights of twins: the type of the error and its line, or None."""
    spec = zoo.models("twins")[0].to_json()
    said = []
    for job in json.loads(jobs.read_text()):
        path = Path(job["path"])
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        about = {"model": spec, "classes": 10, "format": format_of(path.read_bytes()), "sha256": sha256, "record": {}}
        error = None
        try:
            convert_file({**about, "epsilon": None, **job}, lambda *_, **__: None)
        except ZooError as raised:
            error = [type(raised).__name__, str(raised)]
        said.append(error)
    print(json.dumps({"said": said}))


{"write": write, "compare": compare, "convert": convert}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
