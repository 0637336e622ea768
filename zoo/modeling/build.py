"""From a spec to a `keras.Model`, checked against what the spec declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.errors import ModelError
from zoo.references import resolve
from zoo.specs import ModelSpec

if TYPE_CHECKING:
    import keras


def build(spec: ModelSpec, *, classes: int | None = None, seed: int = 0) -> keras.Model:
    """Build a model with freshly initialised weights.

    :param classes: number of logits; by default the spec's own.
    :param seed: of every random generator that initialisers draw from.
    :raises ModelError: if what was built is not what the spec declares.
    """
    import keras

    from zoo.modeling.dtypes import check_own
    from zoo.modeling.initialise import quick_initialisers

    policy = keras.config.dtype_policy()
    keras.utils.set_random_seed(seed)
    classes = classes or spec.classes
    build_model = resolve(spec.build)
    try:
        with quick_initialisers():
            model = build_model(input_shape=spec.input_shape, classes=classes, **dict(spec.arguments))
    finally:
        keras.config.set_dtype_policy(policy)  # a plugin may have changed it, for all that comes after
    _check(spec, model, classes)
    check_own(model, {"float32", policy.name})
    return model


def _check(spec: ModelSpec, model: Any, classes: int) -> None:
    import keras

    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise ModelError(f"{spec.build} must return a functional keras.Model")
    inputs = [tuple(x.shape) for x in model.inputs]
    if inputs != [(None, *spec.input_shape)]:
        raise ModelError(f"{spec.name} declares the input {spec.input_shape} and takes {inputs}")
    outputs = [tuple(x.shape) for x in model.outputs]
    if outputs != [(None, classes)]:
        raise ModelError(f"{spec.name} should give {classes} logits and gives {outputs}")
    if classes == spec.classes and model.count_params() != spec.parameters:
        raise ModelError(f"{spec.name} declares {spec.parameters:,} parameters and has {model.count_params():,}")
