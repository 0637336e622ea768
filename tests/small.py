"""A plugin with a model that is built, compiled and trained in a moment. Tests install it through PYTHONPATH."""

import dataclasses

import zoo

DIGITS = zoo.Recipe(dataset="digits", epochs=30, learning_rate=5e-3, weight_decay=0.02, shift_pixels=1)
HIDDEN = 32


@zoo.hookimpl
def zoo_models() -> list[zoo.ModelSpec]:
    return [
        zoo.ModelSpec(
            name="small",
            summary="two dense layers on 8×8 images",
            build="small:build",
            input_shape=(8, 8, 1),
            classes=10,
            parameters=(64 + 1 + 4) * HIDDEN + (HIDDEN + 1) * 10,
            recipes=[DIGITS, dataclasses.replace(DIGITS, dataset="*")],
        )
    ]


def brier(labels: object, logits: object) -> object:
    """A loss, and a metric, of each example."""
    from keras import ops

    return ops.sum(ops.square(labels - ops.softmax(logits)), axis=-1)


def darker(images: object, seed: object) -> object:
    """Images, each darker by its own amount."""
    import keras

    return images * keras.random.uniform((keras.ops.shape(images)[0], 1, 1, 1), 0.5, 1, seed=seed)


def build(input_shape: tuple[int, int, int], classes: int) -> object:
    """A kernel and a bias, what batch normalisation keeps, and dropout: everything that training has to resume."""
    import keras
    from keras import layers

    inputs = keras.Input(input_shape, name="image")
    x = layers.Flatten(name="flatten")(inputs)
    x = layers.Dense(HIDDEN, name="hidden")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.Dropout(0.1, name="dropout")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name="small")
