"""From a spec to a `keras.Model`, checked against what the spec declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.references import resolve
from zoo.specs import ModelSpec

if TYPE_CHECKING:
    import keras


def build(spec: ModelSpec, *, classes: int | None = None, seed: int = 0, training: bool = False) -> keras.Model:
    """Build a model with freshly initialised weights, in the form of `zoo.modeling.supported`.

    :param classes: number of logits; by default the spec's own.
    :param seed: of every random generator that initialisers draw from.
    :param training: it is to be trained.
    :raises ModelError: if what was built is not what the spec declares, or the zoo doesn't work with it.
    """
    import keras

    from zoo.modeling.initialise import quick_initialisers
    from zoo.modeling.supported import check_parameters, check_trainable, supported

    policy = keras.config.dtype_policy()
    keras.utils.set_random_seed(seed)
    classes = classes or spec.classes
    build_model = resolve(spec.build)
    try:
        with quick_initialisers():
            made = build_model(input_shape=spec.input_shape, classes=classes, **dict(spec.arguments))
            keras.config.set_dtype_policy(policy)  # a plugin may have changed it, for all that comes after
            model = supported(made, spec, classes, {"float32", policy.name})
    finally:
        keras.config.set_dtype_policy(policy)
    if training:
        check_trainable(made, spec)
    if classes == spec.classes:
        check_parameters(model, spec)
    return model
