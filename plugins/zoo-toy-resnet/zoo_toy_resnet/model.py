"""toy_resnet, a residual network small enough to read in one sitting."""

import keras
from keras import layers


def toy_resnet(input_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """The toy ResNet of Keras' functional API guide, with logits out.

    Every layer is named, so that the names don't depend on what was built before in the process.

    :param input_shape: (height, width, channels) of one image.
    :param classes: number of logits.
    :return: a functional model from images (batch, height, width, channels) to logits (batch, classes).
    """
    inputs = keras.Input(input_shape, name="img")

    x = conv(inputs, 32, name="conv2d")
    x = conv(x, 64, name="conv2d_1")
    x = layers.MaxPooling2D(3, name="max_pooling2d")(x)

    x = residual_block(x, names=("conv2d_2", "conv2d_3", "add"))
    x = residual_block(x, names=("conv2d_4", "conv2d_5", "add_1"))

    x = conv(x, 64, name="conv2d_6")
    x = layers.GlobalAveragePooling2D(name="global_average_pooling2d")(x)
    x = layers.Dense(256, activation="relu", name="dense")(x)
    x = layers.Dropout(0.5, name="dropout")(x)
    outputs = layers.Dense(classes, name="dense_1")(x)
    return keras.Model(inputs, outputs, name="toy_resnet")


def conv(x: keras.KerasTensor, filters: int, *, name: str, padding: str = "valid") -> keras.KerasTensor:
    """A 3×3 convolution and its ReLU."""
    return layers.Conv2D(filters, 3, activation="relu", padding=padding, name=name)(x)


def residual_block(x: keras.KerasTensor, *, names: tuple[str, str, str]) -> keras.KerasTensor:
    """Two convolutions, and what came in added to what comes out."""
    first, second, add = names
    shortcut = x
    x = conv(x, 64, padding="same", name=first)
    x = conv(x, 64, padding="same", name=second)
    return layers.Add(name=add)([x, shortcut])
