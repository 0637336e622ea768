"""Functions that recipes name in tests: right ones, and each kind of wrong one."""

import keras
import numpy as np
from keras import ops

RANDOM = np.random.default_rng()


def noise(images, seed):
    """Brighter or darker by up to a half, each image by its own amount, then noise."""
    count, height, width, channels = ops.shape(images)
    amount = keras.random.uniform((count, 1, 1, 1), -0.5, 0.5, seed=seed)
    return images + amount + keras.random.normal((count, height, width, channels), stddev=0.1, seed=seed)


def squared(labels, logits):
    """The Brier score, of each example."""
    return ops.sum(ops.square(labels - ops.softmax(logits)), axis=-1)


def crossentropy(labels, logits):
    """What Keras' loss gives."""
    return -ops.sum(labels * ops.log_softmax(logits), axis=-1)


def top3(labels, logits):
    """Whether the label is among the three highest logits."""
    wanted = ops.sum(labels * logits, axis=-1, keepdims=True)
    return ops.cast(ops.sum(ops.cast(logits > wanted, "int32"), axis=-1) < 3, "float32")


def nesterov(learning_rate):
    """The optimizer of a recipe with `optimizer="sgd"`."""
    return keras.optimizers.SGD(learning_rate, momentum=0.9, nesterov=True)


def halving(steps, steps_per_epoch, peak):
    """Half as much in each epoch."""
    return [peak * 0.5 ** (step // steps_per_epoch) for step in range(steps)]


# and the wrong ones
def fails(*_):
    """Raises, over several lines."""
    raise ValueError("out of\norder")


def nothing(*_):
    """Gives None."""


def mean(labels, logits):
    """One number for all."""
    return ops.mean(squared(labels, logits))


def every_class(labels, logits):
    """A number for each class."""
    return labels * logits


def whole(labels, logits):
    """Whole numbers."""
    return ops.argmax(logits, axis=-1)


def infinite(labels, logits):
    """Not finite."""
    return squared(labels, logits) / 0.0


def cropped(images, seed):
    """Smaller images."""
    return images[:, 1:]


def dark(images, seed):
    """Not finite."""
    return ops.log(images * 0)


def unseeded(images, seed):
    """Draws by NumPy, which a compiled step would do once and for all."""
    return images + float(RANDOM.random())


def by_layer(learning_rate):
    """No optimizer."""
    return keras.layers.Dense(3)


def own_rate(learning_rate):
    """Another learning rate than it is given."""
    return keras.optimizers.Adam(0.1)


def averaging(learning_rate):
    """Sets what the recipe has a field for."""
    return keras.optimizers.Adam(learning_rate, use_ema=True)


def short(steps, steps_per_epoch, peak):
    """Too few."""
    return [peak] * (steps - 1)


def negative(steps, steps_per_epoch, peak):
    """Below zero."""
    return [-peak] * steps


word = "no function"
