"""A plugin with models whose layers PyTorch lays out otherwise. Tests install it through PYTHONPATH."""

import zoo


@zoo.hookimpl
def zoo_models() -> list[zoo.ModelSpec]:
    return [
        zoo.ModelSpec(
            name=name,
            summary="layers of many kinds",
            build=f"elsewhere:build_{name}",
            input_shape=(8, 8, 3),
            classes=10,
            parameters=parameters,
            recipes=[zoo.Recipe(dataset="digits", epochs=1)],
        )
        for name, parameters in (("kinds", 2322), ("twins", 64))
    ]


def build_kinds(input_shape: tuple[int, int, int], classes: int) -> object:
    """Convolutions of all kinds, and a dense layer behind a Flatten of more than one channel and pixel."""
    import keras
    from keras import layers

    inputs = keras.Input(input_shape, name="image")
    x = layers.Conv2D(6, 3, use_bias=False, name="conv")(inputs)  # 6×6
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.Conv2D(8, (1, 3), groups=2, name="grouped")(x)  # 6×4
    x = layers.DepthwiseConv2D((3, 2), depth_multiplier=2, name="depthwise")(x)  # 4×3, 16 channels
    x = layers.SeparableConv2D(5, 2, name="separable")(x)  # 3×2
    x = layers.Conv2DTranspose(7, (2, 3), name="transposed")(x)  # 4×4
    x = layers.Flatten(name="flatten")(x)
    x = layers.BatchNormalization(epsilon=1e-5, name="flat_norm")(x)
    x = layers.Dropout(0.1, name="dropout")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name="kinds")


def build_twins(input_shape: tuple[int, int, int], classes: int) -> object:
    """Two layers alike in the shape of their weights."""
    import keras
    from keras import layers

    inputs = keras.Input(input_shape, name="image")
    x = layers.GlobalAveragePooling2D(name="pool")(inputs)
    x = layers.Dense(3, name="first")(x)
    x = layers.Dense(3, name="second")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name="twins")
