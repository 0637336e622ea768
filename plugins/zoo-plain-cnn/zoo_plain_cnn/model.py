"""plain_cnn, the twin of toy_resnet without skip connections."""

import keras
from keras import layers


def plain_cnn(input_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """The layers of toy_resnet, names and parameters included, less the two additions.

    :param input_shape: (height, width, channels) of one image.
    :param classes: number of logits.
    :return: a functional model from images (batch, height, width, channels) to logits (batch, classes).
    """
    inputs = keras.Input(input_shape, name="img")

    x = conv(inputs, 32, name="conv2d")
    x = conv(x, 64, name="conv2d_1")
    x = layers.MaxPooling2D(3, name="max_pooling2d")(x)

    for name in ("conv2d_2", "conv2d_3", "conv2d_4", "conv2d_5"):
        x = conv(x, 64, padding="same", name=name)

    x = conv(x, 64, name="conv2d_6")
    x = layers.GlobalAveragePooling2D(name="global_average_pooling2d")(x)
    x = layers.Dense(256, activation="relu", name="dense")(x)
    x = layers.Dropout(0.5, name="dropout")(x)
    outputs = layers.Dense(classes, name="dense_1")(x)
    return keras.Model(inputs, outputs, name="plain_cnn")


def conv(x: keras.KerasTensor, filters: int, *, name: str, padding: str = "valid") -> keras.KerasTensor:
    """A 3×3 convolution and its ReLU."""
    return layers.Conv2D(filters, 3, activation="relu", padding=padding, name=name)(x)
