"""A model rewritten for inference: batch normalisations folded into what feeds them, arithmetic in one type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.errors import ModelError
from zoo.modeling.dtypes import check_all
from zoo.modeling.graph import results, sources

if TYPE_CHECKING:
    import keras
    import numpy as np

ZEROS: dict[str, Any] = {"module": "keras.initializers", "class_name": "Zeros", "config": {}, "registered_name": None}
# Layers that are linear in their kernel, whose output channels a normalisation can be folded into.
FOLDABLE = ("Conv1D", "Conv2D", "Conv3D", "DepthwiseConv2D", "Dense")


def fold(model: keras.Model, precision: str = "float32") -> keras.Model:
    """A model that computes the same, with each batch normalisation in the convolution or dense layer before it.

    Exact up to rounding. What can't be folded stays as it is: a normalisation after anything else, or one whose input
    is used elsewhere too. Models that are used as layers are rewritten too. The given model computes what it did; the
    two share the layers that neither a normalisation nor the type changes.

    :param precision: of the new model's weights and activations; its input stays float32. In tf32 both are float32:
        only the products round, and that is the runtime's to set.
    :raises ModelError: naming a layer that would go on computing in another type.
    """
    import keras

    from zoo.modeling.initialise import quick_initialisers

    dtype = "float32" if precision == "tf32" else precision
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)  # for layers that a custom layer makes within itself
    try:
        with quick_initialisers():  # what they draw is replaced
            rewritten = _rewritten(model, dtype)
    finally:
        keras.config.set_dtype_policy(before)
    check_all(rewritten, dtype)
    return rewritten


def _rewritten(model: Any, dtype: str) -> Any:
    import keras

    from zoo.modeling.cost import is_model

    model = _as_functional(model)
    pairs = foldable(model)
    folded = {bn: name for name, bn in pairs.items()}
    made: list[tuple[Any, Any]] = []  # layers and their copies; a copy may have another name

    def clone(layer: Any) -> Any:
        if not isinstance(layer, keras.layers.Layer):
            return layer  # an operation of keras.ops: it has neither weights nor a type of its own
        if is_model(layer):
            return _rewritten(layer, dtype)
        if dtype == "float32" and layer.name not in pairs:
            return layer  # it is that already
        try:
            copy = copied(layer)
        except Exception as error:
            raise ModelError(
                f"{model.name} can't be measured in {dtype}: its layer {layer.name} ({type(layer).__name__}) can't be "
                "made again in that type; give its class a get_config that has all arguments of __init__, and "
                "@keras.saving.register_keras_serializable"
            ) from error
        made.append((layer, copy))
        return copy

    def copied(layer: Any) -> Any:
        config = with_dtype(layer.get_config(), dtype)
        if layer.name in pairs:
            config["use_bias"] = True
        if type(layer) is keras.layers.Lambda:  # what its configuration says of a function leads to no function
            del config["function"]
            return keras.layers.Lambda(layer.function, **config)
        return type(layer).from_config(config)

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        return args[0] if layer.name in folded else layer(*args, **kwargs)

    rewritten = keras.models.clone_model(model, clone_function=clone, call_function=call)
    for layer, copy in made:
        if layer.name in pairs:
            copy.set_weights(_folded(layer, model.get_layer(pairs[layer.name])))
        elif layer.weights and layer.name not in folded:
            copy.set_weights(layer.get_weights())
    return rewritten


def with_dtype(config: Mapping[str, Any], dtype: str) -> dict[str, Any]:
    """A layer's configuration with that type for the layer and for all layers within it, such as a wrapped one.

    What a configuration doesn't say stays unsaid: not every custom layer takes a type. Whole numbers stay whole.
    """

    def within(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)(map(within, value))
        if not isinstance(value, dict):
            return value
        if value.get("class_name") == "InputLayer":
            return value  # images come as they come
        if value.get("class_name") in ("Orthogonal", "OrthogonalInitializer"):
            return ZEROS  # what it draws would be replaced, and PyTorch can't draw it in fewer bits
        if isinstance(inner := value.get("config"), dict) and "class_name" in value:
            return {**value, "config": with_dtype(inner, dtype)}
        return {name: within(item) for name, item in value.items()}

    return {name: dtype if name == "dtype" and _is_float(value) else within(value) for name, value in config.items()}


def _is_float(dtype: Any) -> bool:
    """Whether it is a type, or the policy of a layer, for floating-point numbers."""
    name = dtype.get("config", {}).get("name") if isinstance(dtype, dict) else dtype
    return isinstance(name, str) and "float" in name


def foldable(model: keras.Model) -> dict[str, str]:
    """The layers that a normalisation can be folded into, each with that normalisation, by name."""
    import keras

    inputs, outputs = sources(model), results(model)
    operations = {operation.name: operation for operation in model.operations}
    consumers: dict[str, list[str]] = {}
    for name, names in inputs.items():
        for before in names:
            consumers.setdefault(before, []).append(name)
    pairs = {}
    for name, names in inputs.items():
        if type(operations[name]) is not keras.layers.BatchNormalization or len(names) != 1:
            continue
        (before,) = names
        alone = consumers[before] == [name] and before not in outputs
        if alone and _fits(operations[before], operations[name]):
            pairs[before] = name
    return pairs


def _fits(layer: Any, normalisation: Any) -> bool:
    """Whether the normalisation is over the channels of a layer that has no activation of its own."""
    import keras

    if type(layer).__name__ not in FOLDABLE or not type(layer).__module__.startswith("keras."):
        return False
    if layer.activation is not keras.activations.linear:
        return False
    axes = len(layer._inbound_nodes[0].output_tensors[0].shape)
    channels = 1 if getattr(layer, "data_format", "channels_last") == "channels_first" else axes - 1
    return bool(normalisation.axis % axes == channels)


def _folded(layer: Any, normalisation: Any) -> list[np.ndarray[Any, Any]]:
    """Kernel and bias of the two as one, computed in float64."""
    import numpy as np

    def value(variable: Any, default: float) -> np.ndarray[Any, Any]:
        if variable is None:
            return np.asarray(default)
        return np.asarray(variable.numpy(), np.float64)

    kernel, *bias = (np.asarray(array, np.float64) for array in layer.get_weights())
    scale = value(normalisation.gamma, 1.0) / np.sqrt(value(normalisation.moving_variance, 1.0) + normalisation.epsilon)
    shift = value(normalisation.beta, 0.0) - value(normalisation.moving_mean, 0.0) * scale
    if bias:
        shift = shift + bias[0] * scale
    if type(layer).__name__ == "DepthwiseConv2D":
        scale = scale.reshape(kernel.shape[-2:])  # its kernel ends in (channels in, multiplier)
    kernel = kernel * scale
    return [kernel.astype(np.float32), shift.astype(np.float32)]


def _as_functional(model: Any) -> Any:
    """The model itself, or the functional model of a Sequential one's layers."""
    import keras

    return keras.Model(model.inputs, model.outputs, name=model.name) if isinstance(model, keras.Sequential) else model
