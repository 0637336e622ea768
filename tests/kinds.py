"""Models of all kinds that people have, on 16×16 grey images: a plugin for `modeling/test_kinds.py`.

Each function builds one. Importing this imports no framework.
"""

from __future__ import annotations

from typing import Any

import zoo

SHAPE, CLASSES = (16, 16, 1), 4


def _model(x: Any, classes: int, name: str, inputs: Any, **options: Any) -> Any:
    """Features to logits."""
    import keras
    from keras import layers

    pooled = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits", **options)(pooled), name=name)


def _start(input_shape: Any, filters: int = 4) -> tuple[Any, Any]:
    """Images, and what a convolution makes of them."""
    import keras
    from keras import layers

    image = keras.Input(input_shape, name="image")
    return image, layers.Conv2D(filters, 3, padding="same", name="stem")(image)


def sequential(input_shape: Any, classes: int) -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input(input_shape, name="image"),
            layers.Conv2D(4, 3, use_bias=False, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.Flatten(name="flatten"),
            layers.Dense(classes, name="logits"),
        ],
        name="sequential",
    )


def sequential_unbuilt(input_shape: Any, classes: int) -> Any:
    import keras
    from keras import layers

    del input_shape
    return keras.Sequential(
        [layers.Conv2D(4, 3, name="conv"), layers.Flatten(name="flatten"), layers.Dense(classes, name="logits")],
        name="sequential_unbuilt",
    )


def subclassed(input_shape: Any, classes: int) -> Any:
    import keras
    from keras import layers

    class Subclassed(keras.Model):  # type: ignore[misc]  # Keras is untyped
        def __init__(self) -> None:
            super().__init__(name="subclassed")
            self.conv = layers.Conv2D(4, 3, name="conv")
            self.norm = layers.BatchNormalization(name="norm")
            self.pool = layers.GlobalAveragePooling2D(name="pool")
            self.logits = layers.Dense(classes, name="logits")

        def call(self, x: Any, training: bool | None = None) -> Any:
            return self.logits(self.pool(self.norm(self.conv(x), training=training)))

    return Subclassed()


def softmax(input_shape: Any, classes: int) -> Any:
    image, x = _start(input_shape)
    return _model(x, classes, "softmax", image, activation="softmax")


def softmax_layer(input_shape: Any, classes: int) -> Any:
    import keras
    from keras import layers

    image, x = _start(input_shape)
    logits = _model(x, classes, "before", image).output
    return keras.Model(image, layers.Softmax(name="softmax")(logits), name="softmax_layer")


def sigmoid_activation(input_shape: Any, classes: int) -> Any:
    import keras
    from keras import layers

    image, x = _start(input_shape)
    logits = _model(x, classes, "before", image).output
    return keras.Model(image, layers.Activation("sigmoid", name="sigmoid")(logits), name="sigmoid_activation")


def softmax_operation(input_shape: Any, classes: int) -> Any:
    import keras
    from keras import ops

    image, x = _start(input_shape)
    logits = _model(x, classes, "before", image).output
    return keras.Model(image, ops.softmax(logits), name="softmax_operation")


def softmax_nested(input_shape: Any, classes: int) -> Any:
    import keras

    inner = softmax(input_shape, classes)
    image = keras.Input(input_shape, name="outer_image")
    return keras.Model(image, inner(image), name="softmax_nested")


def softmax_twice(input_shape: Any, classes: int) -> Any:
    """A model that ends in a softmax, called on its own output."""
    import keras
    from keras import layers

    inside = keras.Input((classes,), name="inside")
    outside = layers.Dense(classes, activation="softmax", name="probabilities")(inside)
    inner = keras.Model(inside, outside, name="inner")
    image, x = _start(input_shape, classes)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, inner(inner(x)), name="softmax_twice")


def softmax_hidden(input_shape: Any, classes: int) -> Any:
    import keras
    from keras import layers

    class Head(layers.Layer):  # type: ignore[misc]  # Keras is untyped
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.dense = layers.Dense(classes, activation="softmax", name="dense")

        def build(self, shape: Any) -> None:
            self.dense.build(shape)

        def call(self, x: Any) -> Any:
            return self.dense(x)

        def compute_output_shape(self, shape: Any) -> Any:
            return (shape[0], classes)

    image, x = _start(input_shape)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, Head(name="head")(x), name="softmax_hidden")


def sigmoid_hidden(input_shape: Any, classes: int) -> Any:
    import keras
    from keras import layers, ops

    image, x = _start(input_shape)
    logits = _model(x, classes, "before", image).output
    return keras.Model(image, layers.Lambda(lambda t: ops.sigmoid(t), name="end")(logits), name="sigmoid_hidden")


def pooled_end(input_shape: Any, classes: int) -> Any:
    """No dense layer: a map of logits for each class, averaged."""
    import keras
    from keras import layers

    image, x = _start(input_shape)
    x = layers.Conv2D(classes, 1, name="maps")(x)
    return keras.Model(image, layers.GlobalAveragePooling2D(name="logits")(x), name="pooled_end")


def own_call(input_shape: Any, classes: int) -> Any:
    """Made of tensors, and computes something else."""
    import keras

    class Doubled(keras.Model):  # type: ignore[misc]
        def call(self, *arguments: Any, **options: Any) -> Any:
            return 2 * super().call(*arguments, **options)

    image, x = _start(input_shape)
    made = _model(x, classes, "before", image)
    return Doubled(made.input, made.output, name="own_call")


def whole_numbers_in(input_shape: Any, classes: int) -> Any:
    import keras
    from keras import layers

    image = keras.Input(input_shape, dtype="uint8", name="image")
    return _model(layers.Rescaling(1 / 255, name="scale")(image), classes, "whole_numbers_in", image)


def nested(input_shape: Any, classes: int) -> Any:
    import keras
    from keras import layers

    inside = keras.Input((None, None, input_shape[-1]), name="inside")
    x = layers.Conv2D(4, 3, use_bias=False, name="conv")(inside)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(x))
    backbone = keras.Model(inside, x, name="backbone")
    image = keras.Input(input_shape, name="image")
    return _model(backbone(image), classes, "nested", image)


def nested_same_names(input_shape: Any, classes: int) -> Any:
    import keras
    from keras import layers

    def inner(channels: int, name: str) -> Any:
        inside = keras.Input((None, None, channels), name="inside")
        return keras.Model(inside, layers.Conv2D(4, 3, name="conv")(inside), name=name)

    image = keras.Input(input_shape, name="image")
    x = inner(4, "second")(inner(input_shape[-1], "first")(image))
    return _model(x, classes, "nested_same_names", image)


def shared(input_shape: Any, classes: int) -> Any:
    """One convolution, its normalisation and one addition, each called twice."""
    from keras import layers

    image, x = _start(input_shape)
    conv = layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv")
    norm, add = layers.BatchNormalization(name="norm"), layers.Add(name="add")
    for _ in range(2):
        x = add([x, norm(conv(x))])
    return _model(x, classes, "shared", image)


def custom_block(input_shape: Any, classes: int) -> Any:
    """A layer that holds a convolution and its normalisation, and says nothing of how it is made."""
    from keras import layers, ops

    class Block(layers.Layer):  # type: ignore[misc]
        def __init__(self, conv: Any, **options: Any) -> None:
            super().__init__(**options)
            self.conv, self.norm = conv, layers.BatchNormalization(name="norm")

        def build(self, shape: Any) -> None:
            self.conv.build(shape)
            self.norm.build(self.conv.compute_output_shape(shape))

        def call(self, x: Any, training: bool | None = None) -> Any:
            return ops.relu(self.norm(self.conv(x), training=training))

        def compute_output_shape(self, shape: Any) -> Any:
            return self.conv.compute_output_shape(shape)

    image, x = _start(input_shape)
    x = Block(layers.Conv2D(4, 3, name="conv"), name="block")(x)
    return _model(x, classes, "custom_block", image)


def lambda_layer(input_shape: Any, classes: int) -> Any:
    from keras import layers

    image, x = _start(input_shape)
    return _model(layers.Lambda(lambda t: t * 2.0 - 1.0, name="scale")(x), classes, "lambda_layer", image)


def augmentation(input_shape: Any, classes: int) -> Any:
    import keras
    from keras import layers

    image = x = keras.Input(input_shape, name="image")
    for layer in (
        layers.RandomFlip("horizontal", name="flip"),
        layers.RandomRotation(0.1, name="rotate"),
        layers.RandomTranslation(0.1, 0.1, name="translate"),
        layers.RandomZoom(0.1, name="zoom"),
        layers.RandomContrast(0.1, name="contrast"),
        layers.RandomBrightness(0.1, value_range=(0, 1), name="brightness"),
        layers.GaussianNoise(0.1, name="noise"),
        layers.Dropout(0.1, name="dropout"),
    ):
        x = layer(x)
    x = layers.Conv2D(4, 3, name="conv")(x)
    return keras.Model(
        image, layers.Dense(classes, name="logits")(layers.Flatten(name="flatten")(x)), name="augmentation"
    )


def grouped(input_shape: Any, classes: int) -> Any:
    from keras import layers

    image, x = _start(input_shape, 8)
    x = layers.Conv2D(12, 3, groups=4, strides=2, padding="same", use_bias=False, name="grouped")(x)
    return _model(layers.BatchNormalization(name="norm")(x), classes, "grouped", image)


def convolutions(input_shape: Any, classes: int) -> Any:
    from keras import layers

    image, x = _start(input_shape)
    x = layers.Conv2D(6, 3, dilation_rate=2, name="dilated")(x)
    x = layers.Conv2DTranspose(5, 3, strides=2, padding="same", name="transposed")(x)
    x = layers.SeparableConv2D(7, 3, name="separable")(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")(x)
    return _model(x, classes, "convolutions", image)


def dictionary(input_shape: Any, classes: int) -> Any:
    import keras

    image, x = _start(input_shape)
    return keras.Model({"image": image}, {"logits": _model(x, classes, "before", image).output}, name="dictionary")


def two_outputs(input_shape: Any, classes: int) -> Any:
    import keras

    image, x = _start(input_shape)
    outputs = {"logits": _model(x, classes, "before", image).output, "features": x}
    return keras.Model(image, outputs, name="two_outputs")


def two_inputs(input_shape: Any, classes: int) -> Any:
    import keras
    from keras import layers

    image, x = _start(input_shape)
    other = keras.Input(input_shape, name="other")
    x = layers.Concatenate(name="both")([x, other])
    return _model(x, classes, "two_inputs", [image, other])


def train_step(input_shape: Any, classes: int) -> Any:
    import keras

    class Own(keras.Model):  # type: ignore[misc]
        def train_step(self, *arguments: Any) -> Any:
            raise NotImplementedError

    image, x = _start(input_shape)
    made = _model(x, classes, "before", image)
    return Own(made.input, made.output, name="train_step")


def integer_weights(input_shape: Any, classes: int) -> Any:
    from keras import layers, ops

    class Reordered(layers.Layer):  # type: ignore[misc]
        """Puts channels into an order that is kept among its weights."""

        def build(self, shape: Any) -> None:
            count = shape[-1]
            self.order = self.add_weight(
                shape=(count,),
                dtype="int32",
                trainable=False,
                name="order",
                initializer=lambda shape, dtype: ops.flip(ops.arange(count, dtype=dtype)),
            )

        def call(self, x: Any) -> Any:
            return ops.take(x, ops.convert_to_tensor(self.order), axis=-1)

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    image, x = _start(input_shape)
    return _model(Reordered(name="reordered")(x), classes, "integer_weights", image)


def vit(input_shape: Any, classes: int) -> Any:
    """Two blocks of a vision transformer, on 16 patches."""
    import keras
    from keras import layers

    image = keras.Input(input_shape, name="image")
    x = layers.Conv2D(8, 4, strides=4, name="patches")(image)
    x = layers.Reshape((16, 8), name="tokens")(x)
    for number in range(2):
        y = layers.LayerNormalization(epsilon=1e-6, name=f"norm{number}")(x)
        y = layers.MultiHeadAttention(2, 4, name=f"attention{number}")(y, y)
        x = layers.Add(name=f"attended{number}")([x, y])
        y = layers.LayerNormalization(epsilon=1e-6, name=f"norm{number}b")(x)
        y = layers.Dense(16, activation=keras.activations.gelu if number else None, name=f"widen{number}")(y)
        if not number:
            y = layers.Activation("gelu", name=f"gelu{number}")(y)
        x = layers.Add(name=f"added{number}")([x, layers.Dense(8, name=f"narrow{number}")(y)])
    x = layers.GlobalAveragePooling1D(name="pool")(x)
    return keras.Model(image, layers.Dense(classes, name="logits")(x), name="vit")


STEM, LOGITS = 9 * 4 + 4, 4 * CLASSES + CLASSES  # parameters
STEM_MACS, LOGITS_MACS = 16 * 16 * 9 * 4, 4 * CLASSES
PLAIN = (STEM + LOGITS, STEM_MACS + LOGITS_MACS, [])
FLAT = 14 * 14 * 4 * CLASSES
# Of a block of the vision transformer, on 16 tokens of 8: query, key, value and output; then the two dense layers.
ATTENTION, WIDTH = 4 * (8 * 8 + 8), (8 * 16 + 16) + (16 * 8 + 8)
BLOCK_MACS = 16 * 4 * 8 * 8 + 2 * 16 * 16 * 8 + 16 * 2 * 8 * 16

# Models that work: parameters and MACs counted by hand, and the layers whose MACs can't be seen.
WORK: dict[str, tuple[int, int, list[str]]] = {
    "sequential": (9 * 4 + 4 * 4 + FLAT + CLASSES, 14 * 14 * 9 * 4 + FLAT, []),
    "sequential_unbuilt": (STEM + FLAT + CLASSES, 14 * 14 * 9 * 4 + FLAT, []),
    "subclassed": (STEM + 4 * 4 + LOGITS, 0, ["subclassed"]),
    "softmax": PLAIN,
    "softmax_layer": PLAIN,
    "sigmoid_activation": PLAIN,
    "softmax_operation": PLAIN,
    "softmax_nested": PLAIN,
    "nested": (9 * 4 + 4 * 4 + LOGITS, 14 * 14 * 9 * 4 + LOGITS_MACS, []),
    "shared": (STEM + 9 * 4 * 4 + 4 * 4 + LOGITS, STEM_MACS + 2 * 16 * 16 * 9 * 4 * 4 + LOGITS_MACS, []),
    "custom_block": (STEM + (9 * 4 * 4 + 4) + 4 * 4 + LOGITS, STEM_MACS + LOGITS_MACS, ["block"]),
    "lambda_layer": (STEM + LOGITS, STEM_MACS + LOGITS_MACS, ["scale"]),
    "augmentation": (STEM + FLAT + CLASSES, 14 * 14 * 9 * 4 + FLAT, []),
    "grouped": (
        (9 * 8 + 8) + 9 * 2 * 12 + 4 * 12 + 12 * CLASSES + CLASSES,
        16 * 16 * 9 * 8 + 8 * 8 * 9 * 2 * 12 + 12 * CLASSES,
        [],
    ),
    "convolutions": (
        STEM + (9 * 4 * 6 + 6) + (9 * 6 * 5 + 5) + (9 * 5 + 5 * 7 + 7) + (9 * 7 * 2 + 14) + 14 * CLASSES + CLASSES,
        # dilated to 12×12, transposed to 24×24, separable to 22×22, depthwise to 20×20
        STEM_MACS
        + 12 * 12 * 9 * 4 * 6
        + 12 * 12 * 9 * 6 * 5
        + 22 * 22 * (9 * 5 + 5 * 7)
        + 20 * 20 * 9 * 7 * 2
        + 14 * CLASSES,
        [],
    ),
    "pooled_end": (STEM + 4 * CLASSES + CLASSES, STEM_MACS + 16 * 16 * 4 * CLASSES, []),
    "own_call": (STEM + LOGITS, 0, ["own_call"]),
    "dictionary": PLAIN,
    "train_step": PLAIN,
    "integer_weights": (STEM + 4 + LOGITS, STEM_MACS + LOGITS_MACS, ["reordered"]),
    "vit": (
        (16 * 8 + 8) + 2 * (2 * 2 * 8 + ATTENTION + WIDTH) + 8 * CLASSES + CLASSES,
        16 * 16 * 8 + 2 * BLOCK_MACS + 8 * CLASSES,
        [],
    ),
}
# Models that every command refuses, and so does the check.
REFUSED = {
    "softmax_hidden": "softmax_hidden gives probabilities, not logits; leave out the softmax or sigmoid at the end",
    "softmax_twice": "softmax_twice ends in softmax where the zoo can't take it off (probabilities); leave it out",
    "sigmoid_hidden": "sigmoid_hidden gives probabilities, not logits; leave out the softmax or sigmoid at the end",
    "whole_numbers_in": "whole_numbers_in takes images in uint8; the zoo gives float32, so leave out the dtype of "
    "keras.Input",
    "nested_same_names": "nested_same_names has two weights of the name conv/kernel; give its layers different names",
    "two_outputs": "two_outputs gives 2 tensors (logits, features); build a model that gives logits only",
    "two_inputs": "two_inputs takes 2 tensors (image, other); the zoo gives a model images, and nothing else",
}
# Models that work but for training.
UNTRAINED = {
    "train_step": "train_step has a train_step of its own, which 'zoo train' does not call; "
    "train it with your own code and give its spec no recipe",
}


@zoo.hookimpl
def zoo_models() -> list[zoo.ModelSpec]:
    return [
        zoo.ModelSpec(
            name=name,
            summary=name,
            build=f"kinds:{name}",
            input_shape=SHAPE,
            classes=CLASSES,
            parameters=WORK[name][0] if name in WORK else 1,
            recipes=[zoo.Recipe(dataset="*", epochs=1, batch_size=400)],
            paper="none",
            licence="MIT",
        )
        for name in (*WORK, *REFUSED)
    ]
