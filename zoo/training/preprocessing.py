"""What comes before the network in training: a whole batch is resized, shifted, mirrored and normalised at once."""

from __future__ import annotations

from typing import Any, Self

import keras
from keras import ops

from zoo.data.preprocess import LUMA
from zoo.specs import Recipe
from zoo.training.augmentation import augmentation as augment_by


def with_head(network: keras.Model, image_shape: tuple[int, int, int], recipe: Recipe) -> keras.Model:
    """The network behind a `Prepare`: from stored images and an epoch's draws to logits.

    :param image_shape: (height, width, channels) of the stored images.
    """
    inputs = {
        "image": keras.Input(image_shape, dtype="uint8", name="image"),
        "shift": keras.Input((2,), dtype="int32", name="shift"),
        "flip": keras.Input((1,), dtype="int32", name="flip"),
    }
    if recipe.augmentation is not None:
        inputs["seed"] = keras.Input((1,), dtype="int32", name="seed")
    prepare = Prepare.of(recipe, network.input_shape[1:])
    return keras.Model(inputs, network(prepare(**inputs)), name=f"{network.name}_training")


class Prepare(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """Stored images to what the network takes: `zoo.data.preprocess.adapt`, and shifts, flips and further augmentation
    on the way.

    Inputs: `image` uint8 (batch, height, width, channels), `shift` int32 (batch, 2) pixels down and right, `flip` int32
    (batch, 1), and with an augmentation `seed` int32 (batch, 1). Output: float32, (batch, *target).

    :param augmentation: a function that a recipe names.
    """

    def __init__(
        self,
        target: tuple[int, int, int],
        mean: tuple[float, ...],
        std: tuple[float, ...],
        fill: str,
        augmentation: str | None = None,
    ) -> None:
        super().__init__(dtype="float32", trainable=False, name="prepare")
        self.target, self.fill = target, fill
        self.augment = None if augmentation is None else augment_by(augmentation)
        self.scale = tuple(1 / (255 * s) for s in std)
        self.offset = tuple(-m / s for m, s in zip(*_as_long(mean, std), strict=True))

    @classmethod
    def of(cls, recipe: Recipe, target: tuple[int, int, int]) -> Self:
        """That of a recipe.

        :param target: (height, width, channels) that the network takes.
        """
        return cls(target, recipe.mean, recipe.std, recipe.shift_fill, recipe.augmentation)

    def compute_output_spec(self, image: Any, *_: Any, **__: Any) -> Any:
        """See `keras.layers.Layer`. A function of others is not called to know the shape."""
        return keras.KerasTensor((image.shape[0], *self.target), "float32")

    def call(self, image: Any, shift: Any, flip: Any, seed: Any = None) -> Any:
        """Resize where sizes differ; pick each pixel's source; then channels, augmentation and normalisation."""
        height, width, channels = self.target
        if tuple(image.shape[1:3]) != (height, width):
            image = ops.cast(image, "float32")
            image = ops.image.resize(image, (height, width), interpolation="bilinear", data_format="channels_last")
        x = ops.cast(self._moved(image, shift, flip), "float32")
        x = _with_channels(x, channels)
        if self.augment is not None:
            x = 255 * ops.cast(self.augment(x / 255, seed), "float32")
        return x * ops.convert_to_tensor(self.scale, "float32") + ops.convert_to_tensor(self.offset, "float32")

    def _moved(self, image: Any, shift: Any, flip: Any) -> Any:
        """Pixel (y, x) of the output is pixel (y - down, x - right) of the image, or of its mirror image."""
        count, (height, width) = ops.shape(image)[0], self.target[:2]
        y = ops.arange(height, dtype="int32")[None, :] - shift[:, :1]
        x = ops.arange(width, dtype="int32")[None, :] - shift[:, 1:]
        x = ops.where(flip > 0, width - 1 - x, x)
        if self.fill == "reflect":
            y, x = _reflected(y, height), _reflected(x, width)
        inside = (_within(y, height)[:, :, None] & _within(x, width)[:, None, :])[..., None]
        y, x = ops.clip(y, 0, height - 1), ops.clip(x, 0, width - 1)

        first = ops.arange(count, dtype="int32")[:, None, None] * (height * width)
        source = first + y[:, :, None] * width + x[:, None, :]
        moved = ops.take(ops.reshape(image, (-1, image.shape[-1])), source, axis=0)
        return moved * ops.cast(inside, moved.dtype)


def _within(index: Any, size: int) -> Any:
    return (index >= 0) & (index < size)


def _reflected(index: Any, size: int) -> Any:
    """Beyond an edge, back from it: -1 is 1, `size` is `size` - 2. Good for shifts below `size`."""
    index = ops.abs(index)
    return (size - 1) - ops.abs((size - 1) - index)


def _with_channels(x: Any, channels: int) -> Any:
    if x.shape[-1] == channels:
        return x
    if x.shape[-1] == 1:
        return ops.repeat(x, channels, axis=-1)
    return ops.matmul(x, ops.convert_to_tensor(LUMA, "float32")[:, None])  # to grey; `check` lets nothing else through


def _as_long(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Both as long as the longer: one value serves all channels."""
    most = max(len(a), len(b))
    return a * (most // len(a)), b * (most // len(b))
