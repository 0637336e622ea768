"""The public function behind `zoo predict`. It starts no framework: what computes is a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo import keras_backend as backends
from zoo import registry as _registry
from zoo.errors import UsageError
from zoo.executors.local import OnEvent, Task, call
from zoo.modeling.choice import PLUGIN, TRAINED, choose_weights
from zoo.paths import home
from zoo.plain import Plain
from zoo.specs import IMAGE_FOLDER, ModelSpec

MOST_IMAGES = 1_000_000
STANDARD_INPUT = "-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Guess(Plain):
    """A class, and the probability that the model gives it: the softmax of its logits."""

    name: str
    probability: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction(Plain):
    """What a model says of one image.

    Attributes:
        image: its file, as it was named.
        guesses: the best classes, the most probable first; none where there is an error.
        error: why the file can't be used, in one line.
    """

    image: str
    guesses: tuple[Guess, ...]
    error: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Predicted(Plain):
    """What a model says of some images.

    Attributes:
        model: its name.
        dataset: on which the weights were trained, if that is known.
        weights_sha256: digest of the file of weights.
        weights_source: "plugin", "trained here" or "file".
        resize: how each image came to the size of the model's input.
        predictions: in the order of the images.
    """

    model: str
    dataset: str | None
    weights_sha256: str
    weights_source: str
    resize: str
    predictions: tuple[Prediction, ...]


def predict(
    name: str,
    images: Sequence[str | Path],
    *,
    dataset: str | None = None,
    weights: str | None = None,
    top: int = 3,
    keras_backend: str | None = None,
    on_event: OnEvent | None = None,
    registry: _registry.Registry | None = None,
) -> Predicted:
    """Ask a trained model which classes images show.

    Each image is decoded and resized as the images were that the weights were trained on. A file that can't be
    decoded has an `error`, and the others are predicted.

    :param images: files and folders; of a folder, all images in it. "-" reads one image from standard input.
    :param dataset: whose weights to take; by default the only one that the model has weights for.
    :param weights: "trained", "plugin" or a file; by default those trained here, else the plugin's own.
    :param top: how many classes to name for each image.
    :param keras_backend: by default the first that is installed: tensorflow, jax or torch.
    :raises UsageError: if there is no such model, image or weights, or the choice of weights is not clear.
    :raises WeightsError: if the weights don't fit the model.
    """
    from zoo.executors import folders

    spec = (registry or _registry.load()).model(name).spec
    chosen = _weights(spec, dataset, weights)
    found = list(_files(images))
    if not found:
        raise UsageError("there are no images to predict")
    with folders.make(folders.RUN) as owned:
        paths = [_from_standard_input(owned.path) if file == STANDARD_INPUT else file for file in found]
        job = {
            "model": spec.to_json(),
            "weights": chosen,
            "dataset": dataset,
            "images": paths,
            "top": top,
        }
        environment = {"KERAS_BACKEND": backends.choose(keras_backend)}
        done = call(Task("zoo.predicting.worker:predict", job, environment, None, label=f"predict-{name}"), on_event)
    predictions = tuple(
        Prediction(image=file, guesses=tuple(Guess(**guess) for guess in one["guesses"]), error=one["error"])
        for file, one in zip(found, done.pop("predictions"), strict=True)
    )
    return Predicted(model=name, predictions=predictions, **done)


def _weights(spec: ModelSpec, dataset: str | None, given: str | None) -> dict[str, Any]:
    """Which weights to load, as `choose_weights` says it, with the dataset that they are declared for.

    :raises UsageError: if there are none, or nothing says which.
    """
    if given not in (None, TRAINED, PLUGIN):
        found = choose_weights(spec, dataset or "", given)
        assert found is not None  # noqa: S101 - a file that isn't there was refused
        return {**found, "dataset": dataset}
    if dataset is None:
        shipped = {weights.dataset for weights in spec.weights}
        folder = home() / "weights" / spec.name
        trained = {file.stem.replace("@", "/") for file in folder.glob("*.safetensors")} if folder.is_dir() else set()
        there = sorted({name for name in shipped | trained if not name.startswith("folder-")})
        if any(name.startswith("folder-") for name in trained) or len(there) > 1:
            names = ", ".join([*there, *(["folder:PATH"] if len(there) < len(shipped | trained) else [])])
            raise UsageError(f"{spec.name} has weights for several datasets; choose one by --dataset: {names}")
        if not there:
            raise UsageError(f"{spec.name} has no weights; 'zoo train {spec.name}' makes some, or give --weights FILE")
        dataset = there[0]
    if dataset.startswith(IMAGE_FOLDER):
        dataset = _folder_name(dataset.removeprefix(IMAGE_FOLDER))
    chosen = choose_weights(spec, dataset, given)
    if chosen is None:
        raise UsageError(
            f"{spec.name} has no weights for {dataset}; 'zoo train {spec.name} --dataset {dataset}' makes them"
        )
    return {**chosen, "dataset": dataset}


def _folder_name(path: str) -> str:
    """What an image folder is called where weights say what they were trained on. It may be gone by now."""
    from zoo.data.folder_names import place_of, recorded_name

    if not os.path.isdir(os.path.expanduser(path)) and place_of(path) is not None:
        return f"{IMAGE_FOLDER}{path}"
    return recorded_name(Path(path).expanduser().absolute())


def _files(images: Sequence[str | Path]) -> Iterator[str]:
    """The files that are named, and those in the folders that are.

    :raises UsageError: for one that isn't there, or a folder without images.
    """
    from zoo.data.decode import SUFFIXES

    count = 0
    for image in map(str, images):
        if image == STANDARD_INPUT or not os.path.isdir(image):
            if image != STANDARD_INPUT and not os.path.lexists(image):
                raise UsageError(f"there is no file {image}")
            inside = [image]
        else:
            inside = []
            for folder, names, files in os.walk(image):
                names[:] = sorted(name for name in names if not name.startswith("."))
                inside += [
                    os.path.join(folder, file)
                    for file in sorted(files)
                    if file.lower().endswith(SUFFIXES) and not file.startswith(".")
                ]
            if not inside:
                raise UsageError(f"there are no images in {image}; they end in {', '.join(SUFFIXES)}")
        count += len(inside)
        if count > MOST_IMAGES:
            raise UsageError(f"these are more than {MOST_IMAGES:,} images; predict them in parts")
        yield from inside


def _from_standard_input(folder: Path) -> str:
    from zoo.data.decode import MOST_BYTES

    content = sys.stdin.buffer.read(MOST_BYTES + 1)
    if not content:
        raise UsageError("standard input is empty; give an image, such as 'zoo predict NAME - < photo.jpg'")
    file = folder / "standard-input"
    file.write_bytes(content)
    return str(file)
