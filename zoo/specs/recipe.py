"""How a model is trained."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.choices import RESIZES
from zoo.plain import Plain
from zoo.specs.checks import (
    ANY_DATASET,
    PATTERN,
    REFERENCE,
    as_tuple,
    check,
    check_dataset_name,
    check_match,
    check_name,
    check_text,
    is_count,
    is_finite,
    is_number,
)

# Keras' optimizers that take nothing but a learning rate, and its losses that take logits: their names in lower case.
OPTIMIZERS = (
    *("sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "adamax", "adafactor", "nadam", "ftrl", "lion"),
)
LOSSES = (
    *("categorical_crossentropy", "categorical_focal_crossentropy", "binary_crossentropy", "binary_focal_crossentropy"),
)
METRICS = ("top_k_categorical_accuracy",)
SCHEDULES = ("constant", "cosine", "one_cycle")
WEIGHT_DECAYS = ("decoupled", "l2")
FILLS = ("black", "reflect")
PRECISIONS = ("float32", "mixed_bfloat16")
RECIPE_CHOICES = {
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "loss": LOSSES,
    "metrics": METRICS,
    "weight_decay_form": WEIGHT_DECAYS,
    "shift_fill": FILLS,
    "precision": PRECISIONS,
    "resize": RESIZES,
}
REFERABLE = ("optimizer", "schedule", "loss", "metrics")  # may be `"package.module:function"` instead
LOGGED = ("epoch", "loss", "accuracy", "learning_rate", "images_per_second", "seconds")  # what else an epoch's line has


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe(Plain):
    """How a model is trained on a dataset.

    Images are scaled to [0, 1], resized to the model's input, then normalised by `mean` and `std` per channel. Every
    epoch sees the images in another order; those left over when batches are full are others each time.

    Optimizer, schedule, loss, metrics and augmentation may be functions of your own, as `"package.module:function"`.
    docs/training.md has their signatures.

    Attributes:
        model: the name of the model, or a shell glob such as `"resnet*"`, if the hook `zoo_recipes` returns it; not
            needed among a model's own `recipes`.
        dataset: the dataset's name, or `"*"` for any that has no recipe of its own.
        name: apart from the other recipes of that dataset; the first of them is what `zoo train` takes by default.
        summary: one line on what it is for.
        epochs: passes over the training split.
        batch_size: images a step, over all devices.
        optimizer: `"sgd"` (Nesterov, with `momentum`), another of Keras' by its name in lower case, such as `"adamw"`
            (Loshchilov & Hutter 2019), or a function.
        learning_rate: the peak of the schedule.
        momentum: of sgd; in [0, 1).
        schedule: `"constant"` or, after `warmup_epochs` of linear growth, `"cosine"` to zero (Loshchilov & Hutter 2017,
            section 3). `"one_cycle"` grows from a 25th of the peak over `warmup_epochs`, or three tenths of the steps
            where that is 0, and falls to zero, both linearly (Smith & Topin 2018; the momentum stays). Or a function,
            which does any warm-up by itself.
        warmup_epochs: how long the learning rate grows at first; may be a part of one.
        weight_decay: on kernels only, not on biases or batch-norm parameters.
        weight_decay_form: `"decoupled"` takes learning rate × `weight_decay` of each kernel off it; `"l2"` adds
            `weight_decay` × kernel to its gradient, so that momentum multiplies it by 1 / (1 - `momentum`) (sgd only).
        loss: one of Keras' by name, such as `"categorical_crossentropy"`, or a function.
        label_smoothing: share of the target spread over all classes (Szegedy et al. 2016, section 7); a loss of your
            own does it by itself.
        metrics: what is reported beside the accuracy: `"top_k_categorical_accuracy"` (of the five highest logits), or
            functions, whose names are those of the metrics.
        ema_momentum: of an exponential moving average of the weights over the steps, which is then what is scored and
            saved; 0 for none.
        shift_pixels: augmentation: shift by up to that many input pixels each way.
        shift_fill: what moves in: `"black"`, or the image's mirror image, `"reflect"`.
        flip: augmentation: mirror half of the images left to right.
        augmentation: a function for further augmentation, after shifts and flips.
        resize: how images of all sizes come to the model's input: `"crop"` scales them until they cover it and keeps
            the centre, `"squash"` scales height and width apart, `"pad"` scales them until they fit and puts black
            around them. Bilinear and antialiased. Datasets of one size are not affected.
        mean, std: per-channel normalisation in units of [0, 1]; one value serves all channels.
        precision: of the arithmetic, by Keras' name of the policy; weights are kept, scored and saved in float32.
        seed: of initialisation, order and augmentation.
    """

    dataset: str
    model: str | None = None
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
    loss: str = "categorical_crossentropy"
    label_smoothing: float = 0.0
    metrics: tuple[str, ...] = ()
    ema_momentum: float = 0.0
    shift_pixels: int = 0
    shift_fill: str = "black"
    flip: bool = False
    augmentation: str | None = None
    resize: str = "crop"
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.model is not None:
            check_match(PATTERN, self.model, "model", 'a name or a shell glob such as "resnet*"')
        if self.dataset != ANY_DATASET:
            check_dataset_name(self.dataset)
        check_name(self.name)
        if self.summary is not None:
            check_text(self.summary, "summary")
        for name in ("epochs", "batch_size"):
            check(is_count(getattr(self, name)), f"{name} must be a whole number of at least 1")
        for name in ("learning_rate", "weight_decay", "warmup_epochs"):
            check(is_number(getattr(self, name)), f"{name} must be a number of at least 0")
        for name in ("momentum", "label_smoothing", "ema_momentum"):
            check(is_number(getattr(self, name)) and getattr(self, name) < 1, f"{name} must lie in [0, 1)")
        check(isinstance(self.metrics, (tuple, list)), "metrics must be a tuple")
        object.__setattr__(self, "metrics", tuple(self.metrics))
        for name, choices in RECIPE_CHOICES.items():
            for value in self.metrics if name == "metrics" else (getattr(self, name),):
                wanted = f"{name} must be one of {', '.join(choices)}"
                if name in REFERABLE:
                    wanted += ' or have the form "package.module:function"'
                check(value in choices or (name in REFERABLE and is_reference(value)), wanted)
        check(
            self.augmentation is None or is_reference(self.augmentation),
            'augmentation must have the form "package.module:function"',
        )
        self._check_metric_names()
        check(
            type(self.shift_pixels) is int and self.shift_pixels >= 0,
            "shift_pixels must be a whole number of at least 0",
        )
        check(isinstance(self.flip, bool), "flip must be True or False")
        for name in ("mean", "std"):
            object.__setattr__(self, name, as_tuple(getattr(self, name), name))
        check(all(is_finite(m) for m in self.mean), "mean must be finite numbers")
        check(all(is_number(s) and s > 0 for s in self.std), "std must be positive numbers")
        check(type(self.seed) is int and 0 <= self.seed < 2**32, "seed must lie in [0, 2**32)")
        check(
            self.weight_decay_form == "decoupled" or self.optimizer == "sgd",
            "weight_decay_form l2 is for sgd: the adaptive steps of others would scale it away",
        )
        check(
            not (self.label_smoothing and is_reference(self.loss)),
            "label_smoothing is for the losses of Keras; a loss of your own does it by itself",
        )
        check(
            not (self.warmup_epochs and is_reference(self.schedule)),
            "warmup_epochs is for the zoo's schedules; a schedule of your own does it by itself",
        )

    def _check_metric_names(self) -> None:
        names = [*LOGGED, *self.metric_names]
        for name in self.metric_names:
            check(names.count(name) == 1, f"metrics has '{name}', which is the name of something else that is reported")

    @property
    def metric_names(self) -> tuple[str, ...]:
        """What the metrics are reported as: the names of their functions."""
        return tuple(metric.rpartition(":")[2] for metric in self.metrics)

    @property
    def references(self) -> dict[str, str]:
        """The fields that name code of others: `"package.module:function"` by field, of a metric by its name."""
        named = {name: getattr(self, name) for name in ("optimizer", "schedule", "loss", "augmentation")}
        named |= {f"metric {name}": metric for name, metric in zip(self.metric_names, self.metrics, strict=True)}
        return {name: value for name, value in named.items() if is_reference(value)}


def is_reference(value: object) -> bool:
    """Whether it names code, as `"package.module:function"`."""
    return isinstance(value, str) and REFERENCE.fullmatch(value) is not None
