"""Run by test_fold.py under a Keras backend: folds models and prints how far their logits then are off."""

import json
import sys

import keras
import numpy as np
from keras import layers, ops

from zoo.errors import ModelError
from zoo.modeling import weights
from zoo.modeling.build import build
from zoo.modeling.fold import fold, foldable
from zoo.registry import load


class ConvNorm(layers.Layer):
    """A custom layer that makes layers and says nothing of their type."""

    def __init__(self, **options: str) -> None:
        super().__init__(**options)
        self.conv, self.norm = layers.Conv2D(4, 3), layers.BatchNormalization()

    def call(self, x: object, training: bool | None = None) -> object:
        return self.norm(self.conv(x), training=training)


class Stubborn(layers.Layer):
    """A custom layer that holds on to a type."""

    def __init__(self, **options: str) -> None:
        super().__init__(**options)
        self.conv = layers.Conv2D(4, 3, dtype="float32", name="stubborn_conv")

    def call(self, x: object) -> object:
        return self.conv(x)


class Holder(layers.Layer):
    """A custom layer that is made of another, and does not say so."""

    def __init__(self, conv: keras.Layer) -> None:
        super().__init__(name="holder")
        self.conv = conv

    def call(self, x: object) -> object:
        return self.conv(x)


def nested(layer: object, shape: tuple[int | None, ...] = (None, None, 4)) -> keras.Model:
    """A model to be used as a layer."""
    x = keras.Input(shape)
    return keras.Model(x, layer(x))


def shake(model: keras.Model, random: np.random.Generator) -> None:
    """Give every weight a value as training might, the batch normalisations' too."""
    for layer in model.layers:
        values = [random.normal(0, 0.3, w.shape).astype(np.float32) for w in layer.weights]
        for index, variable in enumerate(layer.weights):
            if variable.path.endswith(("gamma", "moving_variance")):
                values[index] = np.abs(values[index]) + 0.5
        layer.set_weights(values)


def compared(model: keras.Model, images: np.ndarray) -> list[float]:
    """The largest difference, in standard deviations of the unfolded logits; normalisations folded, and left."""
    folded = fold(model)
    expected, found = (ops.convert_to_numpy(m(images, training=False)) for m in (model, folded))
    left = sum(isinstance(layer, layers.BatchNormalization) for layer in folded._flatten_layers())
    return [float(np.abs(found - expected).max() / expected.std()), len(foldable(model)), left]


def types(expression: str, precision: str) -> list[str]:
    """The types in which layers compute and hold weights after folding; or the error."""
    x = keras.Input((8, 8, 4))
    model = keras.Model(x, eval(expression, {**globals(), "x": x}))
    try:
        folded = fold(model, precision)
    except ModelError as error:
        return [str(error)]
    computing = [
        layer for layer in folded._flatten_layers(include_self=False) if not isinstance(layer, layers.InputLayer)
    ]
    return sorted({w.dtype for w in folded.weights} | {layer.compute_dtype for layer in computing})


def main() -> None:
    """Print, by model and by expression: the difference, and the normalisations before and after."""
    random = np.random.default_rng(0)
    found = {}
    for name in sys.argv[3:]:
        entry = load().model(name)
        model = build(entry.spec)
        if entry.spec.weights:
            weights.load(model, weights.locate(entry.spec.weights[0]))
        else:
            for layer in model.layers:  # as built, a normalisation changes nothing
                if isinstance(layer, layers.BatchNormalization):
                    layer.set_weights(
                        [np.abs(random.normal(1, 0.1, w.shape)).astype(np.float32) for w in layer.weights]
                    )
        images = random.random((4, *entry.spec.input_shape), dtype=np.float32)
        found[name] = compared(model, images)
    for expression in json.loads(sys.argv[1]):
        x = keras.Input((8, 8, 4))
        model = keras.Model(x, eval(expression, {**globals(), "x": x}))
        shake(model, random)
        before = [w.copy() for w in model.get_weights()]
        images = random.random((4, 8, 8, 4), dtype=np.float32)
        found[expression] = compared(model, images)
        assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    for precision in ("bfloat16", "float16"):
        low = fold(build(load().model("resnet8").spec), precision)
        found[precision] = sorted({w.dtype for w in low.weights} | {layer.compute_dtype for layer in low.layers[1:]})
    found["types"] = {expression: types(expression, "bfloat16") for expression in json.loads(sys.argv[2])}
    print(json.dumps(found))


main()
