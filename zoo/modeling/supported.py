"""Which models the zoo works with, and the one form that it gives them: a graph from images to logits.

Every command builds its models through here, and so does `zoo plugin check`: what one refuses the other refuses in the
same words. `docs/bring-a-model.md` has the kinds in a table.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import ModelError
from zoo.modeling.dtypes import check_own
from zoo.modeling.products import keras_class
from zoo.specs import ModelSpec
from zoo.text import describe

if TYPE_CHECKING:
    import keras

PROBABILITIES = ("softmax", "sigmoid")  # functions by name; they change no image's best class
# What `Model.fit` would call, and `zoo train` would not.
STEPS = ("train_step", "compute_loss")
SCALES = (1.0, -100.0, 100.0)  # of images: logits go beyond 0 and 1 at one of them, probabilities at none


class UnsupportedError(ModelError):
    """A model is of a kind that the zoo doesn't work with.

    :param code: the kind of finding that it becomes (`zoo.findings`).
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def supported(made: Any, spec: ModelSpec, classes: int, policies: Collection[str]) -> keras.Model:
    """The graph from images to logits of what a plugin's function has made.

    A Sequential model and a subclassed one become a graph, one output in a dictionary becomes a tensor, and a softmax
    or sigmoid at the end is taken off.

    :param policies: names of the dtype policies that its layers may have.
    :raises UnsupportedError: if the zoo doesn't work with it.
    """
    model = _graph(made, spec)
    _check_tensors(model, spec, classes)
    model = _without_probabilities(model, spec.name)
    _check_names(model, spec.name)
    try:
        check_own(model, policies)
    except ModelError as error:
        raise UnsupportedError("own-types", str(error)) from None
    if not _surely_gives_logits(model) and _gives_probabilities(model):
        raise UnsupportedError(
            "not-logits", f"{spec.name} gives probabilities, not logits; leave out the softmax or sigmoid at the end"
        )
    return model


def check_parameters(model: keras.Model, spec: ModelSpec) -> None:
    """:raises UnsupportedError: if the model, built for the spec's classes, has another number than it declares."""
    if (found := model.count_params()) != spec.parameters:
        raise UnsupportedError(
            "wrong-parameters", f"{spec.name} declares {spec.parameters:,} parameters and has {found:,}"
        )


def check_trainable(made: Any, spec: ModelSpec) -> None:
    """:param made: as the plugin's function made it.
    :raises UnsupportedError: if it is to be trained by steps of its own.
    """
    import keras

    for name in STEPS:
        if getattr(type(made), name) is not getattr(keras.Model, name):
            raise UnsupportedError(
                "own-training",
                f"{spec.name} has a {name} of its own, which 'zoo train' does not call; train it with your own code "
                "and give its spec no recipe",
            )


def _graph(made: Any, spec: ModelSpec) -> Any:
    """Made a functional model, whose `inputs` and `outputs` are tensors."""
    import keras

    if not isinstance(made, keras.Model):
        raise UnsupportedError("build-fails", f"{spec.build} gives {type(made).__name__}, not a keras.Model")
    try:
        if isinstance(made, keras.Sequential) and not made.built:  # the name of its input would be counted
            return keras.Sequential([keras.Input(spec.input_shape, name="image"), *made.layers], name=made.name)
        if not _computes_by_its_graph(made):
            image = keras.Input(spec.input_shape, name="image")
            return keras.Model(image, made(image), name=made.name)
    except Exception as error:
        raise UnsupportedError(
            "wrong-input",
            f"{spec.name} can't be called on images of the shape {tuple(spec.input_shape)}: {describe(error)}",
        ) from error
    return made


def _computes_by_its_graph(made: Any) -> bool:
    """Whether its layers and how they are connected are known: it was made of tensors, and has no `call` of its own."""
    import keras
    from keras.src.models.functional import Functional

    return getattr(type(made), "call", None) in (Functional.call, keras.Sequential.call) and bool(made.inputs)


def _check_tensors(model: Any, spec: ModelSpec, classes: int) -> None:
    name = spec.name
    if len(model.inputs) != 1:
        raise UnsupportedError(
            "wrong-input", f"{name} takes {_named(model.inputs)}; the zoo gives a model images, and nothing else"
        )
    (image,) = model.inputs
    if tuple(image.shape) != (None, *spec.input_shape):
        raise UnsupportedError(
            "wrong-input", f"{name} declares the input {tuple(spec.input_shape)} and takes {tuple(image.shape)}"
        )
    if not image.dtype.startswith(("float", "bfloat")):
        raise UnsupportedError(
            "wrong-input",
            f"{name} takes images in {image.dtype}; the zoo gives float32, so leave out the dtype of keras.Input",
        )
    if len(model.outputs) != 1:
        outputs = _named(model.outputs, model.output)
        raise UnsupportedError("wrong-classes", f"{name} gives {outputs}; build a model that gives logits only")
    if (given := tuple(model.outputs[0].shape)) != (None, classes):
        raise UnsupportedError("wrong-classes", f"{name}, built for {classes} classes, gives {given}")


def _named(tensors: Sequence[Any], structure: Any = None) -> str:
    names = list(structure) if isinstance(structure, dict) else [tensor.name for tensor in tensors]
    return f"{len(tensors)} tensors ({', '.join(names)})"


def _without_probabilities(model: Any, name: str) -> Any:
    """The same model up to its logits, from one tensor to one tensor."""
    import keras

    output = model.outputs[0]
    while True:
        operation, number, _ = output._keras_history
        if _function_of(operation) is None or not _computes_nothing_else(operation):
            break
        output = operation._inbound_nodes[number].input_tensors[0]
    *around, end = _chain(output)
    if (function := _function_of(end)) is not None:
        if _computes_nothing_else(end) or any(len(one._inbound_nodes) != 1 for one in (*around, end)):
            raise UnsupportedError(
                "not-logits", f"{name} ends in {function} where the zoo can't take it off ({end.name}); leave it out"
            )
        end.activation = keras.activations.linear
    plain = type(model).__name__ == "Functional" and all(isinstance(x, keras.KerasTensor) for x in _ends(model))
    return model if plain and output is model.output else keras.Model(model.inputs[0], output, name=model.name)


def _ends(model: Any) -> tuple[Any, Any]:
    """What it takes and gives, in the form in which it does."""
    return model.input, model.output


def _chain(output: Any) -> list[Any]:
    """The operation that gives a tensor; where it is a model, that which gives the model's output, and so on."""
    operation, _, number = output._keras_history
    chain = [operation]
    while _is_graph(operation):
        operation, _, number = operation.outputs[number]._keras_history
        chain.append(operation)
    return chain


def _is_graph(operation: Any) -> bool:
    return bool(getattr(operation, "outputs", None)) and _computes_by_its_graph(operation)


def _function_of(operation: Any) -> str | None:
    """Softmax or sigmoid, where it is what the operation does to its output."""
    kind = keras_class(operation)
    if kind is None:
        return None
    named = kind.__name__.lower()
    if named in PROBABILITIES:
        return named
    named = getattr(getattr(operation, "activation", None), "__name__", "")
    return named if named in PROBABILITIES else None


def _computes_nothing_else(operation: Any) -> bool:
    kind = keras_class(operation)
    return kind is not None and kind.__name__.lower() in (*PROBABILITIES, "activation")


def _surely_gives_logits(model: Any) -> bool:
    """Whether its output is a product with a kernel, and nothing after it."""
    import keras

    end = _chain(model.outputs[0])[-1]
    linear = getattr(end, "activation", None) is keras.activations.linear
    return keras_class(end) is not None and hasattr(end, "kernel") and linear


def _gives_probabilities(model: Any) -> bool:
    import numpy as np
    from keras import ops

    images = np.random.default_rng(0).random((2, *model.input_shape[1:]), np.float32)
    scaled = np.concatenate([scale * images for scale in SCALES])
    try:
        given = ops.convert_to_numpy(model(ops.convert_to_tensor(scaled), training=False))
    except Exception:  # whoever calls it next will say so
        return False
    return bool(((given >= 0) & (given <= 1)).all() and given.any())


def _check_names(model: Any, name: str) -> None:
    paths: Mapping[str, Any] = {v.path: v for v in model.weights}
    if len(paths) != len(model.weights):
        every = [v.path for v in model.weights]
        twice = next(path for path in every if every.count(path) > 1)
        raise UnsupportedError(
            "weights-change-logits", f"{name} has two weights of the name {twice}; give its layers different names"
        )
