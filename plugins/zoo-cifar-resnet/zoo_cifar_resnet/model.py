"""The ResNets for CIFAR-10 of He et al. 2015 (section 4.2), their plain twins, and MLPerf Tiny's ResNet-8."""

import keras
from keras import layers, ops

STAGE_FILTERS = (16, 32, 64)


def cifar_resnet(
    input_shape: tuple[int, int, int],
    classes: int,
    *,
    name: str,
    blocks: int,
    shortcut: str | None,
    bias: bool,
) -> keras.Model:
    """A network of 6 × `blocks` + 2 layers, with logits out.

    :param input_shape: (height, width, channels) of one image.
    :param classes: number of logits.
    :param name: the model's name.
    :param blocks: residual blocks in each of the three stages.
    :param shortcut: what crosses a change of shape: "pad", "conv", or None for a network without shortcuts.
    :param bias: whether convolutions have biases.
    :return: a functional model from images (batch, height, width, channels) to logits (batch, classes).
    """
    inputs = keras.Input(input_shape, name="image")

    x = conv_norm(inputs, STAGE_FILTERS[0], bias=bias, name="stem")
    x = layers.ReLU(name="stem_relu")(x)

    for stage, filters in enumerate(STAGE_FILTERS, start=1):
        x = residual_stage(x, filters, blocks, shortcut=shortcut, bias=bias, name=f"stage{stage}")

    x = layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = layers.Dense(classes, kernel_initializer="he_normal", name="logits")(x)
    return keras.Model(inputs, outputs, name=name)


def residual_stage(
    x: keras.KerasTensor, filters: int, blocks: int, *, shortcut: str | None, bias: bool, name: str
) -> keras.KerasTensor:
    """Blocks of one width; the first halves the image where the width grows."""
    for block in range(1, blocks + 1):
        strides = 2 if x.shape[-1] != filters else 1
        x = residual_block(x, filters, strides, shortcut=shortcut, bias=bias, name=f"{name}_block{block}")
    return x


def residual_block(
    x: keras.KerasTensor, filters: int, strides: int, *, shortcut: str | None, bias: bool, name: str
) -> keras.KerasTensor:
    """Two 3×3 convolutions and a shortcut past them (figure 2 of the paper); none in a plain network."""
    entering = x
    x = conv_norm(x, filters, strides=strides, bias=bias, name=f"{name}_conv1")
    x = layers.ReLU(name=f"{name}_relu1")(x)
    x = conv_norm(x, filters, bias=bias, name=f"{name}_conv2")

    if shortcut is not None:
        if strides != 1:
            entering = change_shape(entering, filters, strides, shortcut, bias=bias, name=f"{name}_shortcut")
        x = layers.Add(name=f"{name}_add")([x, entering])
    return layers.ReLU(name=f"{name}_relu2")(x)


def change_shape(
    x: keras.KerasTensor, filters: int, strides: int, shortcut: str, *, bias: bool, name: str
) -> keras.KerasTensor:
    """Bring a shortcut to the shape of the block's output."""
    if shortcut == "pad":
        return SubsampleAndPad(filters, strides, name=name)(x)
    return layers.Conv2D(filters, 1, strides=strides, use_bias=bias, kernel_initializer="he_normal", name=name)(x)


def conv_norm(x: keras.KerasTensor, filters: int, *, bias: bool, name: str, strides: int = 1) -> keras.KerasTensor:
    """A 3×3 convolution and its batch normalisation."""
    x = layers.Conv2D(
        filters,
        3,
        strides=strides,
        padding="same",
        use_bias=bias,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)


@keras.saving.register_keras_serializable("zoo_cifar_resnet")
class SubsampleAndPad(layers.Layer):
    """Option A of He et al. (section 4.1): every `strides`-th pixel, and zeros for the channels that are new.

    Input (batch, height, width, channels); output (batch, ⌈height/strides⌉, ⌈width/strides⌉, filters).
    It has no parameters and does no arithmetic.
    """

    def __init__(self, filters: int, strides: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.strides = strides

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        new = self.filters - x.shape[-1]
        x = x[:, :: self.strides, :: self.strides, :]
        return ops.pad(x, [(0, 0), (0, 0), (0, 0), (new // 2, new - new // 2)])

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, height, width, _ = shape
        strided = (size if size is None else -(-size // self.strides) for size in (height, width))
        return (batch, *strided, self.filters)

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "filters": self.filters, "strides": self.strides}
