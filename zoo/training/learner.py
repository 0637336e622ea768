"""The network, its optimizer and its batches, ready for `fit`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras

from zoo.errors import UsageError
from zoo.modeling.build import build
from zoo.specs import Recipe
from zoo.training import augmentation
from zoo.training.batches import Batches
from zoo.training.distribute import Devices
from zoo.training.fused import fuse_normalisations
from zoo.training.job import Job
from zoo.training.losses import loss
from zoo.training.metrics import Metric, metrics
from zoo.training.optimizers import optimizer
from zoo.training.preprocessing import with_head
from zoo.training.splits import Part

MakeOptimizer = Callable[[Recipe, keras.Model, int], keras.optimizers.Optimizer]

STEPS_PER_CALL = 16  # of an accelerator, which would wait for Python after each


@dataclass(frozen=True, slots=True)
class Learner:
    """What is trained.

    Attributes:
        network: images to logits.
        model: the network behind its preprocessing, compiled.
    """

    network: keras.Model
    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    batches: Batches
    metrics: tuple[Metric, ...]


def make_learner(job: Job, part: Part, devices: Devices, make_optimizer: MakeOptimizer = optimizer) -> Learner:
    """Build and compile what the job describes.

    :param make_optimizer: from the recipe, the network and the steps of an epoch.
    :raises UsageError: for a batch that can't be divided among the devices.
    :raises ModelError: if the model can't be built, or as `check_functions`.
    """
    recipe, classes = job.recipe, job.dataset.classes
    batches = part.batches(recipe, classes=classes, share=(devices.process, devices.processes))
    if batches.batch_size % devices.number:
        raise UsageError(f"a batch of {batches.batch_size} can't be divided among {devices.number} devices")

    measured, lost = metrics(recipe, classes), loss(recipe, classes)
    if recipe.augmentation is not None:
        augmentation.check(recipe.augmentation, job.model.input_shape)
    accelerated = devices.name != "cpu"
    with devices.scope:
        keras.config.set_dtype_policy(recipe.precision)
        network = build(job.model, classes=classes, seed=recipe.seed, training=True)
        keras.config.set_dtype_policy("float32")
        fuse_normalisations(network, job.keras_backend)
        model = with_head(network, part.image_shape, recipe)
        made = make_optimizer(recipe, network, len(batches))
        model.compile(
            optimizer=made,
            loss=lost,
            metrics=["accuracy", *(keras.metrics.MeanMetricWrapper(one.function, one.name) for one in measured)],
            jit_compile="auto" if accelerated or job.keras_backend != "tensorflow" else False,  # XLA is slower there
            steps_per_execution=STEPS_PER_CALL if accelerated else 1,
        )
    return Learner(network, model, made, batches, measured)


def check_functions(recipe: Recipe, network: keras.Model, steps_per_epoch: int = 2) -> None:
    """Try the functions that a recipe names, as a run of the network would call them.

    :raises ModelError: if one can't be imported, fails, or gives something else than it should.
    """
    classes = network.output_shape[-1]
    metrics(recipe, classes)
    loss(recipe, classes)
    if recipe.augmentation is not None:
        augmentation.check(recipe.augmentation, network.input_shape[1:])
    optimizer(recipe, network, steps_per_epoch)
