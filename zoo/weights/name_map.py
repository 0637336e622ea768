"""A map from the names of a file's tensors to the variables of a model, as JSON. Imports no framework.

{"conv1.weight": "stem/kernel", "fc.weight": {"to": "logits/kernel", "axes": [1, 0]}, "unused": null}
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.errors import UsageError
from zoo.modeling.tensorfile import parse_object, short
from zoo.weights.layout import Shape, Variable

MAX_BYTES = 16 * 2**20
COUNTER = "num_batches_tracked"  # PyTorch's, of each batch normalisation; it computes nothing
OPEN = ""  # what a draft says of a tensor for which it found no variable


@dataclass(frozen=True, slots=True)
class Target:
    """Where a tensor goes.

    Attributes:
        variable: its path.
        axes: the order of the tensor's axes there, as `numpy.transpose` takes it; None for that of the layer's kind.
    """

    variable: str
    axes: tuple[int, ...] | None = None


Names = Mapping[str, Target | None]  # by tensor; None leaves it out


def parse(content: bytes) -> Names:
    """:raises UsageError: what is wrong with the map, to stand after the file's name."""
    try:
        found = parse_object(content, "content")
    except ValueError as error:
        raise UsageError(f"can't be used: {error}") from None
    return {tensor: _target(tensor, value) for tensor, value in found.items()}


def _target(tensor: str, value: Any) -> Target | None:
    if value is None:
        return None
    if value == OPEN:
        raise UsageError(f"leaves {short(tensor)} open; name its variable, or say null to leave it out")
    if isinstance(value, str):
        return Target(value)
    if isinstance(value, dict) and value.keys() == {"to", "axes"} and isinstance(value["to"], str):
        axes = value["axes"]
        if isinstance(axes, list) and all(type(axis) is int for axis in axes):
            if sorted(axes) == [*range(len(axes))]:
                return Target(value["to"], tuple(axes))
            raise UsageError(f"says of {short(tensor)} the axes {short(axes)}; each of 0 to n−1 must occur once")
    raise UsageError(
        f"must say of {short(tensor)} a variable's path, null to leave it out, "
        'or {"to": "…", "axes": [1, 0]} to permute its axes'
    )


def check(names: Names, tensors: Collection[str], variables: Collection[str]) -> None:
    """Each tensor must go somewhere or be left out; each variable must get one tensor.

    :raises UsageError: what is wrong with the map, to stand after the file's name.
    """
    for tensor in names.keys() - tensors:
        raise UsageError(f"names {short(tensor)}, which isn't in the file{_meant(tensor, tensors)}")
    given: dict[str, str] = {}
    for tensor, target in names.items():
        if target is None:
            continue
        if target.variable not in variables:
            unknown = f"{short(target.variable)}, which the model doesn't have{_meant(target.variable, variables)}"
            raise UsageError(f"sends {short(tensor)} to {unknown}")
        if target.variable in given:
            both = f"both {short(given[target.variable])} and {short(tensor)}"
            raise UsageError(f"sends {both} to {target.variable}")
        given[target.variable] = tensor
    if lacking := [variable for variable in variables if variable not in given]:
        raise UsageError(f"has nothing for {_some(lacking)}")
    if forgotten := [tensor for tensor in tensors if tensor not in names and not tensor.endswith(COUNTER)]:
        raise UsageError(f"says nothing of {_some(forgotten)}; null leaves a tensor out")


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {short(close[0])}?" if close else ""


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{short(names[0])}{more}"


@dataclass(frozen=True, slots=True)
class Draft:
    """A map to be looked at before it is used.

    Attributes:
        names: a variable by tensor; `OPEN` for a tensor for which none was found.
        guessed: how many tensors were told from others of the same kind and shape by their order alone.
        lacking: variables for which no tensor was found.
    """

    names: Mapping[str, str]
    guessed: int
    lacking: tuple[str, ...]


def draft(tensors: Mapping[str, Shape], variables: Sequence[Variable]) -> Draft:
    """Match the modules of a file with the layers of a model: by what they hold and its shapes, then by order.

    The order of the modules is that of their names, with numbers in them by value; that of the layers is the model's.
    """
    modules: dict[str, dict[str, Shape]] = defaultdict(dict)
    for tensor in sorted(tensors, key=_by_number):
        module, dot, role = tensor.rpartition(".")
        if role != COUNTER:
            modules[module + dot][role] = tensors[tensor]
    layers: dict[str, dict[str, Variable]] = defaultdict(dict)
    for variable in variables:
        if variable.role is not None:
            part = ":depthwise" if variable.name == "depthwise_kernel" else ""  # a module of its own in PyTorch
            layers[variable.path.rpartition("/")[0] + part][variable.role] = variable

    alike: dict[frozenset[tuple[str, Shape]], list[dict[str, Variable]]] = defaultdict(list)
    for layer in layers.values():
        alike[frozenset((role, variable.torch_shape) for role, variable in layer.items())].append(layer)
    several = {key for key, found in alike.items() if len(found) > 1}

    names: dict[str, str] = {}
    guessed = 0
    for prefix, shapes in modules.items():
        key = frozenset(shapes.items())
        layer = alike[key].pop(0) if alike.get(key) else {}
        guessed += len(shapes) if layer and key in several else 0
        for role in shapes:
            names[prefix + role] = layer[role].path if role in layer else OPEN
    lacking = tuple(variable.path for variable in variables if variable.path not in names.values())
    return Draft(names, guessed, lacking)


def _by_number(name: str) -> list[tuple[int, str]]:
    """A key by which layer2 comes before layer10."""
    parts = [part.lstrip("0") if part.isdecimal() else part for part in re.split(r"(\d+)", name)]
    return [(len(part), part) if number % 2 else (0, part) for number, part in enumerate(parts)]
