"""Functions of others that a recipe names: called, with whatever goes wrong in one line that names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zoo.errors import ModelError
from zoo.references import resolve
from zoo.text import describe

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Function = Callable[..., Any]

EXAMPLES = 6  # that a function of labels and logits is tried on


def function(reference: str) -> Function:
    """The function, imported now.

    :raises ModelError: if it can't be imported, or is nothing to call.
    """
    try:
        found = resolve(reference)
    except ModelError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelError(f"can't import {reference}: {describe(error)}") from error
    if not callable(found):
        raise ModelError(f"{reference} is no function")
    return found


def call(reference: str, *arguments: Any) -> Any:
    """What the function returns.

    :raises ModelError: if it fails.
    """
    return _called(reference, function(reference), *arguments)


def check_per_example(reference: str, classes: int) -> None:
    """Try a function of labels, one-hot, and logits, both float32 (examples, classes): it must give a number for each
    example.

    :raises ModelError: if it doesn't.
    """
    import numpy as np

    labels = np.eye(classes, dtype=np.float32)[np.arange(EXAMPLES) % classes]
    logits = np.random.default_rng(0).normal(size=labels.shape).astype(np.float32)
    for compiled in (False, True):
        found = computed(reference, function(reference), labels, logits, compiled=compiled)
        if found.shape != (EXAMPLES,):
            raise ModelError(f"{reference} must give a value for each of {EXAMPLES} examples and gives {_shape(found)}")
        check_numbers(reference, found)


def check_numbers(reference: str, found: Array) -> None:
    """ModelError unless they are floating-point numbers, all finite."""
    import numpy as np

    if found.dtype.kind != "f" and found.dtype.name != "bfloat16":
        raise ModelError(f"{reference} must give floating-point numbers and gives {found.dtype}")
    if not np.isfinite(found.astype(np.float32)).all():
        raise ModelError(f"{reference} gives numbers that are not finite")


def computed(reference: str, function: Function, *arrays: Array, compiled: bool) -> Array:
    """What a function gives for arrays.

    :param reference: its name, for errors.
    :param compiled: as a training step is, instead of an operation at a time.
    :raises ModelError: if it fails or gives no tensor.
    """
    import numpy as np
    from keras import ops

    tensors = [ops.convert_to_tensor(array) for array in arrays]
    made = _called(reference, _compiled(function, arrays) if compiled else function, *tensors)
    if not ops.is_tensor(made):
        raise ModelError(f"{reference} must give a tensor and gives {type(made).__name__}")
    return np.array(ops.convert_to_numpy(made))


def _compiled(function: Function, arrays: tuple[Array, ...]) -> Function:
    """Compiled for batches of any size where a framework can do that, as Keras has it."""
    import keras

    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return jax.jit(function)  # type: ignore[no-any-return]  # JAX is untyped here
    if backend == "tensorflow":
        import tensorflow as tf

        signature = [tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in arrays]
        return tf.function(function, input_signature=signature)  # type: ignore[no-any-return]  # TensorFlow, too
    return function


def _called(reference: str, function: Function, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except (Exception, SystemExit) as error:
        raise ModelError(f"{reference} failed: {describe(error)}") from error


def _shape(array: Array) -> str:
    return f"the shape {array.shape}" if array.shape else "one number"
