"""PyTorch's layouts in Keras' order, against definitions written out element by element."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from zoo.errors import WeightsError
from zoo.weights.layout import Variable, from_torch

RNG = np.random.default_rng(0)


def converted(variable: Variable) -> tuple[np.ndarray, np.ndarray]:
    """An array as PyTorch has it, and what becomes of it."""
    array = RNG.normal(size=variable.torch_shape).astype(np.float32)
    result = from_torch(array, variable)
    assert result.shape == variable.shape
    return array, result


def indices(shape: tuple[int, ...]) -> itertools.product[tuple[int, ...]]:
    """Of all elements."""
    return itertools.product(*map(range, shape))


@pytest.mark.parametrize("layer", ["Conv2D", "SeparableConv2D"])
def test_a_convolution(layer: str) -> None:
    name = "kernel" if layer == "Conv2D" else "pointwise_kernel"
    there, here = converted(Variable(f"x/{name}", (3, 2, 4, 5), layer))
    assert there.shape == (5, 4, 3, 2)
    assert all(here[h, w, i, o] == there[o, i, h, w] for h, w, i, o in indices(here.shape))


def test_a_transposed_convolution_has_its_inputs_first_in_pytorch() -> None:
    there, here = converted(Variable("x/kernel", (3, 2, 5, 4), "Conv2DTranspose"))  # 5 outputs, 4 inputs
    assert there.shape == (4, 5, 3, 2)
    assert all(here[h, w, o, i] == there[i, o, h, w] for h, w, o, i in indices(here.shape))


@pytest.mark.parametrize("layer", ["Conv1D", "Conv3D"])
def test_other_numbers_of_axes(layer: str) -> None:
    spatial = (3,) if layer == "Conv1D" else (3, 2, 4)
    there, here = converted(Variable("x/kernel", (*spatial, 5, 6), layer))
    assert all(here[*at, i, o] == there[o, i, *at] for *at, i, o in indices(here.shape))


@pytest.mark.parametrize(("layer", "name"), [("DepthwiseConv2D", "kernel"), ("SeparableConv2D", "depthwise_kernel")])
def test_a_depthwise_convolution_has_the_outputs_of_a_channel_side_by_side(layer: str, name: str) -> None:
    there, here = converted(Variable(f"x/{name}", (3, 2, 4, 2), layer))
    assert there.shape == (8, 1, 3, 2)
    assert all(here[h, w, c, m] == there[2 * c + m, 0, h, w] for h, w, c, m in indices(here.shape))


def test_a_dense_layer_is_transposed() -> None:
    there, here = converted(Variable("x/kernel", (4, 5), "Dense"))
    assert np.array_equal(here, there.T)


def test_a_dense_layer_behind_a_flatten_has_its_inputs_pixel_by_pixel() -> None:
    height, width, channels = shape = (2, 3, 4)
    there, here = converted(Variable("x/kernel", (24, 5), "Dense", flattened=shape))
    for h, w, c in indices(shape):
        pixel_by_pixel, channel_by_channel = (h * width + w) * channels + c, (c * height + h) * width + w
        assert np.array_equal(here[pixel_by_pixel], there[:, channel_by_channel])


def test_so_has_a_normalisation_but_not_a_bias() -> None:
    height, width, channels = shape = (2, 3, 4)
    there, here = converted(Variable("x/gamma", (24,), "BatchNormalization", flattened=shape))
    for h, w, c in indices(shape):
        assert here[(h * width + w) * channels + c] == there[(c * height + h) * width + w]
    there, here = converted(Variable("x/bias", (24,), "Dense", flattened=shape))
    assert np.array_equal(here, there)


@pytest.mark.parametrize("layer", ["Conv2D", "Mine", "BatchNormalization", "Embedding"])
def test_what_has_one_axis_stays_as_it_is_and_so_do_embeddings(layer: str) -> None:
    shape, name = ((4, 3), "embeddings") if layer == "Embedding" else ((4,), "bias")
    there, here = converted(Variable(f"x/{name}", shape, layer))
    assert np.array_equal(here, there)


@pytest.mark.parametrize("layer", ["EinsumDense", "Mine", "LSTMCell"])
def test_a_layout_that_is_not_known_is_asked_for(layer: str) -> None:
    with pytest.raises(WeightsError, match=f"is for x/kernel of a {layer}, whose layout in PyTorch isn't known"):
        converted(Variable("x/kernel", (4, 4), layer))
