"""Run by test_keras_applications.py: what Keras downloads, and whether the zoo computes what Keras does with it.

    python imagenet.py write FOLDER MODEL...     # on stdout: what Keras asks for, by model; its logits to FOLDER
    python imagenet.py compare FOLDER FILE...    # how far the zoo's logits are from those

There is no download: weights are drawn at random and laid out as in Keras' own files, which Keras then loads.
"""

import contextlib
import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from keras.src import applications
from keras.src.applications import imagenet_utils
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group
from zoo_keras_applications.networks import NETWORKS

import zoo

MODULES = {
    "MobileNet": "mobilenet",
    "MobileNetV2": "mobilenet_v2",
    "MobileNetV3Small": "mobilenet_v3",
    "MobileNetV3Large": "mobilenet_v3",
    "EfficientNetB0": "efficientnet",
    "EfficientNetV2B0": "efficientnet_v2",
    "DenseNet121": "densenet",
}
# The statistics in efficientnetb0.h5, by what Keras says of them where it loads them.
STATISTICS = {"mean": [0.485, 0.456, 0.406], "variance": [0.229, 0.224, 0.225], "count": 0}


def draw(network: keras.Model, rng: np.random.Generator) -> None:
    """Give a network weights through which signals come neither too small nor too large."""
    for layer in network.layers:
        for variable in layer.weights:
            shape, name = tuple(variable.shape), variable.name
            if isinstance(layer, keras.layers.Normalization):
                value = np.broadcast_to(STATISTICS[name], shape)
            elif name == "kernel":
                fan_in = np.prod(shape[:2] if "Depthwise" in type(layer).__name__ else shape[:-1])
                value = rng.normal(0, np.sqrt(2 / fan_in), shape)
            elif name in ("gamma", "moving_variance"):
                value = rng.uniform(0.8, 1.2, shape)
            else:
                value = rng.normal(0, 0.1, shape)
            variable.assign(value)


class AskedError(Exception):
    """Instead of a download."""


def write(folder: Path, *names: str) -> None:
    """Write the networks' weights as Keras' files have them, and the logits of what Keras makes of that."""
    rng = np.random.default_rng(0)
    asked = {}
    for name, function in ((f"{name}_224", network.function) for name, network in NETWORKS.items()):
        module = getattr(applications, MODULES[function])
        build = getattr(module, function)
        path = folder / f"{name}.h5"

        found: list[list[str | None]] = []

        def get_file(
            _: str, origin: str, file_hash: str | None = None, path: Path = path, found: list[Any] = found, **__: object
        ) -> str:
            found.append([origin, file_hash])
            if not path.exists():
                raise AskedError
            return str(path)

        module.file_utils.get_file = get_file
        if name in names:
            fresh = build(weights=None)
            draw(fresh, rng)
            with h5py.File(path, "w") as file:
                save_weights_to_hdf5_group(file, fresh)
                del file["top_level_model_weights"]  # of which older versions knew nothing
            network = build(weights="imagenet", classifier_activation=None)
            images = rng.integers(0, 256, (2, 224, 224, 3)).astype(np.float32)
            np.save(folder / f"{name}_images.npy", images)
            ready = module.preprocess_input(images.copy())
            np.save(folder / f"{name}_logits.npy", keras.ops.convert_to_numpy(network(ready, training=False)))
        else:
            with contextlib.suppress(AskedError):
                build(weights="imagenet")
        (asked[name],) = found
    source = inspect.getsource(imagenet_utils.decode_predictions)
    index = [imagenet_utils.CLASS_INDEX_PATH, re.findall(r'file_hash="(\w+)"', source)[0]]
    print(json.dumps({"asked": asked, "index": index}))


def compare(folder: Path, *files: str) -> None:
    """Print, by model, how far logits are from each other at most, in standard deviations of Keras'."""
    far = {}
    for file in map(Path, files):
        name = file.parent.name
        (spec,) = zoo.models(name)
        images = np.load(folder / f"{name}_images.npy") / 255
        images = (images - np.float32(spec.fetch[0].mean)) / np.float32(spec.fetch[0].std)
        found = keras.ops.convert_to_numpy(zoo.build(name, weights=file)(images, training=False))
        wanted = np.load(folder / f"{name}_logits.npy")
        far[name] = float(np.abs(found - wanted).max() / wanted.std())
    print(json.dumps(far))


{"write": write, "compare": compare}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
