"""Start from weights that were trained before: what fits is taken, and the classifier is new where classes differ."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import UsageError, WeightsError
from zoo.modeling.choice import choose_weights
from zoo.modeling.weights import find_provenance, locate
from zoo.specs import ModelSpec, Plain

if TYPE_CHECKING:
    import keras

    from zoo.training.learner import Learner


@dataclass(frozen=True, kw_only=True, slots=True)
class Parent(Plain):
    """Weights to start from.

    Attributes:
        path: of the file.
        sha256: its digest.
        model, dataset: what the file says that it is of, if it does.
        class_names: of the dataset it was trained on, if the file says.
    """

    path: str
    sha256: str
    model: str | None = None
    dataset: str | None = None
    class_names: tuple[str, ...] | None = None

    def identity(self) -> dict[str, Any]:
        """What decides the weights that come of it: not where the file lies."""
        return {"sha256": self.sha256}


def find_parent(spec: ModelSpec, given: str) -> Parent:
    """The weights that `--from` names.

    :param given: a file, or a dataset for which the model has weights: those trained here, else shipped ones.
    :raises UsageError: if there are none.
    :raises WeightsError: if the file is not one of weights.
    """
    if Path(given).is_file():
        path = Path(given).absolute()
    else:
        chosen = choose_weights(spec, given) if "/" not in given or given.count("/") == 1 else None
        if chosen is None:
            there = ", ".join(weights.dataset for weights in spec.weights) or "none"
            raise UsageError(
                f"{given} is no file, and no dataset for which {spec.name} has weights; shipped are: {there}"
            )
        shipped = spec.weights_for(given)
        path = locate(shipped) if chosen["path"] is None and shipped else Path(str(chosen["path"]))
    said = find_provenance(path) or {}
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    dataset = said.get("dataset")
    about: Mapping[str, Any] = dataset if isinstance(dataset, Mapping) else {}
    names = about.get("class_names")
    return Parent(
        path=str(path),
        sha256=sha256,
        model=_text(said.get("model")),
        dataset=_text(about.get("name")),
        class_names=tuple(map(str, names)) if isinstance(names, list) else None,
    )


def take(network: keras.Model, parent: Parent, class_names: Sequence[str] | None) -> list[str]:
    """Give the network the parent's values wherever variables of one path have one shape.

    The layer that gives the logits stays new where the classes are others, in number, name or order.

    :param class_names: of the dataset to train on, if it has names.
    :return: the paths of the variables that stay new.
    :raises WeightsError: if the file has changed, can't be read, or fits hardly anything.
    """
    from zoo.modeling import tensorfile

    content = tensorfile.read(Path(parent.path))
    if hashlib.sha256(content).hexdigest() != parent.sha256:
        raise WeightsError(f"weights {parent.path} have changed since the run began")
    try:
        tensors = tensorfile.decode(content)
    except ValueError as error:
        raise WeightsError(f"weights {parent.path} can't be used: {error}") from None
    head = {variable.path for variable in head_variables(network)}
    same = parent.class_names is not None and class_names is not None and list(parent.class_names) == list(class_names)
    new = []
    taken = 0
    for variable in network.weights:
        found = tensors.get(variable.path)
        fits = found is not None and found.shape == tuple(variable.shape)
        if fits and (variable.path not in head or same):
            variable.assign(found)
            taken += 1
        else:
            new.append(variable.path)
    if not taken or any(path not in head for path in new):
        lacking = next((path for path in new if path not in head), new[0])
        raise WeightsError(
            f"weights {Path(parent.path).name} don't fit {network.name}: they have no {tensorfile.short(lacking)} of "
            "its shape; start from weights of the same model"
        )
    return new


def head_variables(network: keras.Model) -> list[Any]:
    """The variables of the last layer that has any: the classifier."""
    with_weights = [
        layer
        for layer in network._flatten_layers(include_self=False)
        if layer.weights and not any(inner.weights for inner in layer._flatten_layers(include_self=False))
    ]
    return list(with_weights[-1].weights) if with_weights else []


def hold(learner: Learner, epochs: int) -> None:
    """Let only the head learn in the first epochs: the optimizer leaves every other trainable variable as it is.

    Batch-norm statistics follow the images all the same: those of the parent are of other images.
    """
    if not epochs:
        return
    head = {variable.path for variable in head_variables(learner.network)}
    optimizer = learner.optimizer
    kept = [variable for variable in learner.network.trainable_variables if variable.path not in head]
    plain = type(optimizer)
    # A class of the same name: Keras finds the optimizer of a backend by it.
    optimizer.__class__ = type(plain.__name__, (_Holding, plain), {})
    optimizer.held = {id(variable) for variable in kept}
    optimizer.held_steps = epochs * len(learner.batches)


class _Holding:
    """An optimizer that leaves some variables as they are for a number of steps."""

    held: set[int]
    held_steps: int

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> Any:
        """See `keras.optimizers.Optimizer`. What decays is put back too, so values are kept and not only gradients."""
        from keras import ops

        variables: Sequence[Any] = self._trainable_variables if trainable_variables is None else trainable_variables  # type: ignore[attr-defined]  # Keras'
        learns = ops.cast(self.iterations >= self.held_steps, "float32")  # type: ignore[attr-defined]  # Keras'
        variables, grads = list(variables), list(grads)
        before = {}
        for number, variable in enumerate(variables):
            if id(variable) in self.held and grads[number] is not None:
                grads[number] = grads[number] * ops.cast(learns, grads[number].dtype)
                before[number] = ops.copy(variable)
        done = super().apply(grads, variables)  # type: ignore[misc]  # of the optimizer behind it
        for number, old in before.items():
            variables[number].assign(ops.where(learns > 0, ops.convert_to_tensor(variables[number]), old))
        return done


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.isprintable() else None
