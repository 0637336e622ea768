"""In which type every layer of a model computes. Pure: it looks at layers and changes none; it imports no framework."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from zoo.errors import ModelError

FLOATS = ("float", "bfloat")


def check_own(model: Any, allowed: Collection[str]) -> None:
    """Refuse a model that chooses types itself: what it computes in is the zoo's to choose, and to say.

    The reference that every runtime is held to must be float32, and so must be what training starts from.

    :param allowed: names of the policies that its layers may have.
    :raises ModelError: naming the first layer that has another.
    """
    for layer in _layers(model):
        policy = layer.dtype_policy
        quantised = getattr(policy, "quantization_mode", None)
        if quantised or (policy.name not in allowed and layer.compute_dtype.startswith(FLOATS)):
            raise ModelError(
                f"{model.name} has a dtype policy of its own ({policy.name} in the layer {layer.name}), which is not "
                "supported: build it without one; '--precision' chooses the type in which it is measured"
            )
        for variable in layer.weights:
            if variable.dtype.startswith(FLOATS) and variable.dtype != "float32":
                raise ModelError(
                    f"{model.name} keeps weights of the layer {layer.name} in {variable.dtype}, which is not "
                    "supported: leave out the 'dtype' of add_weight"
                )


def check_all(model: Any, dtype: str) -> None:
    """See that every layer computes in a type and holds its weights in it.

    :raises ModelError: naming the first layer that doesn't.
    """
    layers = list(_layers(model))
    found = [(layer, layer.compute_dtype) for layer in layers]  # first: a layer's weights are also those within it
    found += [(layer, variable.dtype) for layer in layers for variable in layer.weights]
    for layer, other in found:
        if other.startswith(FLOATS) and other != dtype:
            raise ModelError(
                f"{model.name} can't be measured in {dtype}: its layer {layer.name} ({type(layer).__name__}) stays in "
                f"{other}; a layer must pass the 'dtype' that it is given on to the layers that it makes"
            )


def _layers(model: Any) -> Iterator[Any]:
    """All layers, those within layers too, but for inputs, which compute nothing."""
    for layer in model._flatten_layers(include_self=False):
        if type(layer).__name__ != "InputLayer":
            yield layer
