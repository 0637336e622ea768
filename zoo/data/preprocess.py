"""A dataset's images, made to fit a model's input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError

if TYPE_CHECKING:
    import numpy as np

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def adapt(
    images: np.ndarray[Any, Any],
    input_shape: tuple[int, int, int],
    mean: Sequence[float] = (0.0,),
    std: Sequence[float] = (1.0,),
) -> np.ndarray[Any, Any]:
    """Scale to [0, 1], bring channels and size to the model's, then normalise per channel.

    Grey becomes colour by repetition, colour becomes grey by luma, other sizes are resized bilinearly.

    :param images: uint8, (count, height, width, channels).
    :param input_shape: (height, width, channels) of the model's input.
    :param mean, std: one value, or one for each of the model's channels, in units of [0, 1].
    :return: float32, (count, *input_shape).
    :raises DataError: if the channels can't be brought to the model's.
    """
    import numpy as np

    height, width, channels = input_shape
    for values in (mean, std):
        if len(values) not in (1, channels):
            raise DataError(f"{len(values)} values of mean or std for {channels} channels")
    x = images.astype(np.float32) / np.float32(255)
    if x.shape[-1] != channels:
        x = _with_channels(x, channels)
    if x.shape[1:3] != (height, width):
        x = _resized(x, height, width)
    return (x - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)


def _with_channels(x: np.ndarray[Any, Any], channels: int) -> np.ndarray[Any, Any]:
    import numpy as np

    if x.shape[-1] == 1:
        return np.repeat(x, channels, axis=-1)
    if x.shape[-1] == 3 and channels == 1:
        return x @ np.asarray(LUMA, np.float32)[:, np.newaxis]
    raise DataError(f"images of {x.shape[-1]} channels don't fit a model that takes {channels}")


def _resized(x: np.ndarray[Any, Any], height: int, width: int) -> np.ndarray[Any, Any]:
    from keras import ops

    resized = ops.image.resize(x, (height, width), interpolation="bilinear", data_format="channels_last")
    return ops.convert_to_numpy(resized)  # type: ignore[no-any-return]  # Keras is untyped
