"""What plugins declare: frozen dataclasses of plain data.

A spec names code as `"package.module:function"` and never imports it, so that listing a zoo of a thousand
models imports no framework. Specs travel to the worker process as JSON (`to_json`, `from_json`).
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

from zoo.errors import SpecError

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
PACKAGE_FILE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[\w][\w.-]*(/[\w][\w.-]*)*")
DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
SHA256 = re.compile(r"[0-9a-f]{64}")
MAX_TEXT = 300
ANY_DATASET = "*"
IMAGE_FOLDER = "folder:"  # and its path: a dataset that is a folder of images

OPTIMIZERS = ("sgd", "adamw")
SCHEDULES = ("constant", "cosine", "one_cycle")
WEIGHT_DECAYS = ("decoupled", "l2")
FILLS = ("black", "reflect")
PRECISIONS = ("float32", "mixed_bfloat16")
RECIPE_CHOICES = {
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "weight_decay_form": WEIGHT_DECAYS,
    "shift_fill": FILLS,
    "precision": PRECISIONS,
}
RUNTIME_CHOICES = {
    "devices": ("cpu", "gpu"),
    "precisions": ("float32", "bfloat16", "float16", "int8"),
}


class Plain:
    """JSON in and out, for dataclasses whose fields are JSON values, tuples, or other specs."""

    def to_json(self) -> dict[str, Any]:
        """This spec as JSON values: tuples become lists, nested specs become objects."""
        return {
            f.name: _to_json(getattr(self, f.name))
            for f in dataclasses.fields(self)  # type: ignore[arg-type]
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The spec that `to_json` wrote. Unknown keys are an error: they would be lost in silence."""
        try:
            return cls(**values)
        except TypeError as error:
            raise SpecError(f"{cls.__name__}: {str(error).partition(') ')[2] or error}") from None


def _to_json(value: Any) -> Any:
    if isinstance(value, Plain):
        return value.to_json()
    if isinstance(value, Mapping):
        return {key: _to_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_to_json(item) for item in value]
    return value


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe(Plain):
    """How a model is trained on a dataset.

    Images are scaled to [0, 1], resized to the model's input, then normalised by `mean` and `std` per channel. Every
    epoch sees the images in another order; those left over when batches are full are others each time.

    Attributes:
        dataset: the dataset's name, or `"*"` for any that has no recipe of its own.
        name: apart from the other recipes of that dataset; the first of them is what `zoo train` takes by default.
        summary: one line on what it is for.
        epochs: passes over the training split.
        batch_size: images a step, over all devices.
        optimizer: `"sgd"` (Nesterov, with `momentum`) or `"adamw"` (Loshchilov & Hutter 2019).
        learning_rate: the peak of the schedule.
        momentum: of sgd; in [0, 1).
        schedule: `"constant"` or, after `warmup_epochs` of linear growth, `"cosine"` to zero (Loshchilov & Hutter 2017,
            section 3). `"one_cycle"` grows from a 25th of the peak over `warmup_epochs`, or three tenths of the steps
            where that is 0, and falls to zero, both linearly (Smith & Topin 2018; the momentum stays).
        warmup_epochs: how long the learning rate grows at first; may be a part of one.
        weight_decay: on kernels only, not on biases or batch-norm parameters.
        weight_decay_form: `"decoupled"` takes learning rate × `weight_decay` of each kernel off it; `"l2"` adds
            `weight_decay` × kernel to its gradient, so that momentum multiplies it by 1 / (1 - `momentum`) (sgd only).
        label_smoothing: share of the target spread over all classes (Szegedy et al. 2016, section 7).
        ema_momentum: of an exponential moving average of the weights over the steps, which is then what is scored and
            saved; 0 for none.
        shift_pixels: augmentation: shift by up to that many input pixels each way.
        shift_fill: what moves in: `"black"`, or the image's mirror image, `"reflect"`.
        flip: augmentation: mirror half of the images left to right.
        mean, std: per-channel normalisation in units of [0, 1]; one value serves all channels.
        precision: of the arithmetic, by Keras' name of the policy; weights are kept, scored and saved in float32.
        seed: of initialisation, order and augmentation.
    """

    dataset: str
    name: str = "default"
    summary: str | None = None
    epochs: int
    batch_size: int = 64
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    momentum: float = 0.9
    schedule: str = "cosine"
    warmup_epochs: float = 0.0
    weight_decay: float = 0.0
    weight_decay_form: str = "decoupled"
    label_smoothing: float = 0.0
    ema_momentum: float = 0.0
    shift_pixels: int = 0
    shift_fill: str = "black"
    flip: bool = False
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.dataset != ANY_DATASET:
            _check_dataset_name(self.dataset)
        check_name(self.name)
        if self.summary is not None:
            _check_text(self.summary, "summary")
        for name in ("epochs", "batch_size"):
            _check(_is_count(getattr(self, name)), f"{name} must be a whole number of at least 1")
        for name in ("learning_rate", "weight_decay", "warmup_epochs"):
            _check(_is_number(getattr(self, name)), f"{name} must be a number of at least 0")
        for name in ("momentum", "label_smoothing", "ema_momentum"):
            _check(_is_number(getattr(self, name)) and getattr(self, name) < 1, f"{name} must lie in [0, 1)")
        for name, choices in RECIPE_CHOICES.items():
            _check(getattr(self, name) in choices, f"{name} must be one of {', '.join(choices)}")
        _check(
            type(self.shift_pixels) is int and self.shift_pixels >= 0,
            "shift_pixels must be a whole number of at least 0",
        )
        _check(isinstance(self.flip, bool), "flip must be True or False")
        for name in ("mean", "std"):
            object.__setattr__(self, name, _tuple(getattr(self, name), name))
        _check(all(_is_finite(m) for m in self.mean), "mean must be finite numbers")
        _check(all(_is_number(s) and s > 0 for s in self.std), "std must be positive numbers")
        _check(type(self.seed) is int and 0 <= self.seed < 2**32, "seed must lie in [0, 2**32)")
        _check(
            self.weight_decay_form == "decoupled" or self.optimizer == "sgd",
            "weight_decay_form l2 is for sgd: the adaptive steps of adamw would scale it away",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightsSpec(Plain):
    """Trained weights that a plugin ships.

    Attributes:
        dataset: the dataset they were trained on.
        file: `"package:path/in/it.safetensors"`.
        sha256: digest of the file, checked before it is read.
    """

    dataset: str
    file: str
    sha256: str

    def __post_init__(self) -> None:
        _check_dataset_name(self.dataset)
        _check_match(PACKAGE_FILE, self.file, "file", '"package:path/in/it.safetensors"')
        _check_match(SHA256, self.sha256, "sha256", "64 hexadecimal digits")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSpec(Plain):
    """A model that a plugin brings.

    Attributes:
        name: unique in the zoo, `^[a-z0-9][a-z0-9_.-]{0,63}$`.
        summary: one line for `zoo list`.
        build: `"package.module:function"`, imported only where the model is built, and called as
            `function(input_shape=…, classes=…, **arguments) -> keras.Model`. The model gives logits.
        arguments: further keyword arguments of `build`, JSON values.
        input_shape: (height, width, channels) of one image.
        classes: number of logits, unless a dataset asks for another.
        parameters: how many it has at that input and those classes, trainable or not; checked when it is built.
        weights: trained weights that come with the plugin, at most one for a dataset.
        recipes: how it is trained; those of one dataset have different names.
        paper: title and where to find it.
        licence: SPDX expression of the code and the weights.
    """

    name: str
    summary: str
    build: str
    input_shape: tuple[int, int, int]
    classes: int
    parameters: int
    arguments: Mapping[str, Any] = field(default_factory=dict)
    weights: tuple[WeightsSpec, ...] = ()
    recipes: tuple[Recipe, ...] = ()
    paper: str | None = None
    licence: str | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        _check_text(self.summary, "summary")
        _check_match(REFERENCE, self.build, "build", '"package.module:function"')
        shape = _tuple(self.input_shape, "input_shape")
        _check(
            len(shape) == 3 and all(_is_count(size) for size in shape),
            "input_shape must be (height, width, channels)",
        )
        object.__setattr__(self, "input_shape", shape)
        for name in ("classes", "parameters"):
            _check(_is_count(getattr(self, name)), f"{name} must be a whole number of at least 1")
        object.__setattr__(self, "arguments", _frozen_json(self.arguments, "arguments"))
        object.__setattr__(self, "weights", _specs(self.weights, WeightsSpec, "weights"))
        object.__setattr__(self, "recipes", _specs(self.recipes, Recipe, "recipes"))
        for name in ("paper", "licence"):
            if getattr(self, name) is not None:
                _check_text(getattr(self, name), name)

    def weights_for(self, dataset: str) -> WeightsSpec | None:
        """The weights shipped for a dataset, if there are any."""
        return next((w for w in self.weights if w.dataset == dataset), None)

    def recipe_for(self, dataset: str, name: str | None = None) -> Recipe | None:
        """The recipe of that name for a dataset, or the first; None if there is none."""
        recipes = self.recipes_for(dataset)
        return recipes.get(name) if name else next(iter(recipes.values()), None)

    def recipes_for(self, dataset: str) -> dict[str, Recipe]:
        """The recipes for a dataset by name: its own, then those for any dataset."""
        named: dict[str, Recipe] = {}
        for wanted in (dataset, ANY_DATASET):
            named.update({r.name: r for r in self.recipes if r.dataset == wanted and r.name not in named})
        return named


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetSpec(Plain):
    """A dataset that a plugin brings.

    Attributes:
        name: unique in the zoo.
        summary: one line.
        builder: `"package.module:Class"`, a `tfds.core.DatasetBuilder`.
        version: of the builder, as it stands in the prepared folder's path.
        classes: number of labels.
        image_shape: (height, width, channels).
        splits: number of images by split; `"train"` and `"test"` are what the zoo uses.
        download: whether the builder downloads. If so, `zoo data fetch` prepares the dataset; else its first use does.
        digests: sha256 by split, as `zoo data verify` prints it and then checks it; a split may be left out.
        licence: SPDX expression.
        source: where the data come from.
    """

    name: str
    summary: str
    builder: str
    version: str
    classes: int
    image_shape: tuple[int, int, int]
    splits: Mapping[str, int]
    download: bool = False
    digests: Mapping[str, str] = field(default_factory=dict)
    licence: str | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        _check_text(self.summary, "summary")
        _check_match(REFERENCE, self.builder, "builder", '"package.module:Class"')
        _check_match(re.compile(r"\d+\.\d+\.\d+"), self.version, "version", '"1.0.0"')
        _check(_is_count(self.classes), "classes must be a whole number of at least 1")
        shape = _tuple(self.image_shape, "image_shape")
        _check(
            len(shape) == 3 and all(_is_count(size) for size in shape),
            "image_shape must be (height, width, channels)",
        )
        object.__setattr__(self, "image_shape", shape)
        splits = self.splits
        _check(
            isinstance(splits, Mapping)
            and len(splits) > 0
            and all(isinstance(name, str) and _is_count(count) for name, count in splits.items()),
            "splits must be a mapping from names to numbers of images",
        )
        object.__setattr__(self, "splits", MappingProxyType(dict(splits)))
        _check(isinstance(self.download, bool), "download must be True or False")
        _check(
            isinstance(self.digests, Mapping) and set(self.digests) <= set(splits),
            "digests must be a mapping from names of splits to sha256",
        )
        for digest in self.digests.values():
            _check_match(SHA256, digest, "digests", "64 hexadecimal digits")
        object.__setattr__(self, "digests", MappingProxyType(dict(self.digests)))
        for name in ("licence", "source"):
            if getattr(self, name) is not None:
                _check_text(getattr(self, name), name)


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeSpec(Plain):
    """What executes a built model.

    Attributes:
        name: unique in the zoo.
        summary: one line.
        runtime: `"package.module:Class"` of a `zoo.runtimes.Runtime`, imported only in the worker.
        keras_backend: the Keras backend the worker sets before Keras is imported.
        devices: kinds of device that it can run on: `"cpu"`, `"gpu"`.
        precisions: that it can be asked for; whether this machine has them, its `start` says.
        requires: distributions that it needs, by the names of the package index; it is unavailable while one is not
            installed. Their versions stand in the environment of every Result. scikit-learn and JAX can be imported
            by `start` only if they are among them or are `keras_backend`: otherwise they are kept out until Keras has
            been imported, so that what is measured doesn't depend on what else is installed.
        install: the command that installs them, shown where one is missing.
        exports: whether its sessions save the model as a file that runs without the zoo (`zoo export`).
    """

    name: str
    summary: str
    runtime: str
    keras_backend: str
    devices: tuple[str, ...] = ("cpu",)
    precisions: tuple[str, ...] = ("float32",)
    requires: tuple[str, ...] = ()
    install: str | None = None
    exports: bool = False

    def __post_init__(self) -> None:
        check_name(self.name)
        _check_text(self.summary, "summary")
        _check_match(REFERENCE, self.runtime, "runtime", '"package.module:Class"')
        _check(
            self.keras_backend in ("tensorflow", "jax", "torch"),
            "keras_backend must be tensorflow, jax or torch",
        )
        for name, choices in RUNTIME_CHOICES.items():
            values = _tuple(getattr(self, name), name)
            _check(set(values) <= set(choices), f"{name} must be some of {', '.join(choices)}")
            object.__setattr__(self, name, values)
        requires = tuple(self.requires) if isinstance(self.requires, (tuple, list)) else ("",)
        for distribution in requires:
            _check_match(DISTRIBUTION, distribution, "requires", "the name of a distribution")
        object.__setattr__(self, "requires", requires)
        if self.install is not None:
            _check_text(self.install, "install")
        _check(isinstance(self.exports, bool), "exports must be True or False")


def check_name(name: object) -> str:
    """The name itself, or SpecError if it can't be one."""
    _check_match(NAME, name, "name", f"^{NAME.pattern}$", "invalid-name")
    return str(name)


def _check_dataset_name(name: object) -> None:
    if isinstance(name, str) and name.startswith(IMAGE_FOLDER):
        _check(name.isprintable() and name != IMAGE_FOLDER, f"dataset {_short(name)} must name a folder")
        return
    parts = name.split("/") if isinstance(name, str) else [name]
    _check(len(parts) <= 2, f"dataset {_short(name)} must be a name or name/config")
    for part in parts:
        check_name(part)


def _check(condition: bool, message: str, code: str = "invalid-spec") -> None:
    if not condition:
        raise SpecError(message, code)


def _check_match(pattern: re.Pattern[str], value: object, name: str, form: str, code: str = "invalid-spec") -> None:
    matches = isinstance(value, str) and pattern.fullmatch(value)
    _check(bool(matches), f"{name} {_short(value)} must have the form {form}", code)


def _check_text(value: object, name: str) -> None:
    message = f"{name} must be one line of 1 to {MAX_TEXT} printable characters"
    _check(isinstance(value, str) and value != "", message)
    _check(len(str(value)) <= MAX_TEXT, message, "too-large")
    _check(str(value).isprintable(), message, "unprintable-text")


def _short(value: object) -> str:
    text = ascii(value[:80] if isinstance(value, str) else value)  # no terminal escape code of a plugin's gets through
    return text if len(text) <= 80 else f"{text[:77]}…"


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e12


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _frozen_json(value: Any, name: str) -> Mapping[str, Any]:
    """A read-only copy of a mapping of JSON values, as JSON would bring it back."""
    message = f"{name} must be a mapping from names to JSON values"
    _check(isinstance(value, Mapping), message)
    try:
        plain = _to_json(value)
        copy = json.loads(json.dumps(plain, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        raise SpecError(message) from None
    _check(copy == plain, message)  # keys that were not text would be text now
    return MappingProxyType(copy)


def _tuple(value: object, name: str) -> tuple[Any, ...]:
    _check(isinstance(value, (tuple, list)) and len(value) > 0, f"{name} must be a tuple")
    return tuple(value)  # type: ignore[arg-type]


def _specs(values: Any, kind: type[Any], name: str) -> tuple[Any, ...]:
    _check(isinstance(values, (tuple, list)), f"{name} must be a tuple of {kind.__name__}")
    specs = tuple(kind.from_json(v) if isinstance(v, Mapping) else v for v in values)
    _check(all(isinstance(s, kind) for s in specs), f"{name} must be a tuple of {kind.__name__}")
    keys = [(s.dataset, getattr(s, "name", None)) for s in specs]
    _check(len(set(keys)) == len(keys), f"{name} has two entries of one name for one dataset")
    return specs
