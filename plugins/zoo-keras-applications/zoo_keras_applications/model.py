"""From keras.applications' network to the zoo's: logits, normalised images in, names that are always the same."""

import math
import re
from typing import Any

import keras
from keras import layers

PREPROCESSING = (layers.Rescaling, layers.Normalization)  # is what a recipe's mean and std are for


def application(input_shape: tuple[int, int, int], classes: int, *, name: str, function: str) -> keras.Model:
    """A network of keras.applications, with fresh weights.

    :param input_shape: (height, width, channels) of one image.
    :param classes: number of logits.
    :param name: the model's name.
    :param function: the network's name in keras.applications.
    :return: a functional model from images (batch, height, width, channels) to logits (batch, classes).
    """
    build = getattr(keras.applications, function)
    made = build(weights=None, input_shape=input_shape, classes=classes, classifier_activation=None)
    names = own_names(made)

    def copy(operation: Any) -> Any:
        config = {**operation.get_config(), "name": names[operation.name]}
        return type(operation).from_config({**config, **initialisation(operation)})

    def call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        return args[0] if is_left_out(operation) else operation(*args, **kwargs)

    image = keras.Input(input_shape, name="image")
    copied = keras.models.clone_model(made, input_tensors=image, clone_function=copy, call_function=call)
    return keras.Model(image, copied.output, name=name)


def is_left_out(operation: Any) -> bool:
    """Whether it is what the zoo does before the network, or what is left of the softmax after it."""
    if isinstance(operation, layers.Activation):
        return bool(operation.activation is keras.activations.linear)
    return isinstance(operation, PREPROCESSING)


def initialisation(operation: Any) -> dict[str, keras.initializers.Initializer]:
    """What initialises a convolution's kernel: He et al.'s, arXiv:1502.01852, which keeps the signal's size.

    Keras' own takes a depthwise kernel for one over all channels, and its values are so small that hardly anything
    comes through a network that has not been trained.
    """
    if isinstance(operation, layers.DepthwiseConv2D):
        deviation = math.sqrt(2 / math.prod(operation.kernel_size))
        return {"depthwise_initializer": keras.initializers.RandomNormal(stddev=deviation)}
    return {"kernel_initializer": keras.initializers.HeNormal()} if isinstance(operation, layers.Conv2D) else {}


def own_names(model: keras.Model) -> dict[str, str]:
    """The names that the layers would have if nothing had been built before, by those that they have.

    keras.applications leaves many layers to Keras to name: `re_lu`, `re_lu_1` and so on, counted through the process.
    """
    unnamed: dict[str, list[tuple[int, str]]] = {}
    names = {}
    for operation in model.operations:
        names[operation.name] = operation.name
        kind = snake_case(type(operation).__name__)
        if match := re.fullmatch(rf"{kind}(?:_(\d+))?", operation.name):
            unnamed.setdefault(kind, []).append((int(match[1] or 0), operation.name))
    for kind, found in unnamed.items():
        for count, (_, name) in enumerate(sorted(found)):
            names[name] = f"{kind}_{count}" if count else kind
    return names


def snake_case(name: str) -> str:
    """`ReLU` as `re_lu`, as Keras names layers."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
