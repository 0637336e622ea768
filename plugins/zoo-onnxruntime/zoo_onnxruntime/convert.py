"""A functional Keras model as an ONNX graph of a static batch size.

The graph takes `images`, float32 (batch, height, width, channels), and gives `logits`. Between layers, images are kept
channels-first, as ONNX defines convolutions; where the order of the values matters, they are brought back.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import onnx
from keras import tree
from onnx import TensorProto, helper, numpy_helper

from zoo.errors import ModelError

OPSET = 20
INPUT, OUTPUT = "images", "logits"
TO_FIRST, TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor of the graph.

    Attributes:
        name: in the graph.
        shape: as Keras has it, with channels last; in the graph, what has four axes is channels-first.
    """

    name: str
    shape: tuple[int, ...]

    @property
    def is_image(self) -> bool:
        """Whether the graph keeps it channels-first."""
        return len(self.shape) == 4


@dataclass(frozen=True, slots=True)
class Call:
    """A layer or an operation of Keras', called.

    Attributes:
        arguments: those that are values of the graph, and others as Keras has them.
        shape: of what it gives, as Keras has it.
    """

    operation: Any
    arguments: tuple[Any, ...]
    shape: tuple[int, ...]

    @property
    def value(self) -> Value:
        """What it is called on, where that is one tensor."""
        first = self.arguments[0]
        if not isinstance(first, Value):
            raise Unsupported("with more than one input")
        return first


class Unsupported(Exception):
    """A layer or operation, or a way of using it, that has no ONNX here."""


Rule = Callable[["Graph", Call], str]


def convert(model: keras.Model, batch_size: int) -> bytes:
    """The model as the content of an ONNX file.

    :raises ModelError: if a layer of it can't be expressed here; the line names it.
    """
    graph = Graph()
    shape = (batch_size, *model.input_shape[1:])
    output = graph.run(_functional(model), [graph.from_keras_order(INPUT, shape)])
    graph.add("Identity", [graph.in_keras_order(output)], name=OUTPUT)
    made = helper.make_graph(
        graph.nodes,
        model.name,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, output.shape)],
        graph.constants,
    )
    opset = [helper.make_opsetid("", OPSET)]
    whole = helper.make_model(made, opset_imports=opset, ir_version=helper.find_min_ir_version_for(opset))
    onnx.checker.check_model(whole, full_check=True)
    return bytes(whole.SerializeToString())


class Graph:
    """An ONNX graph under construction."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(
        self, kind: str, inputs: Sequence[str | np.ndarray[Any, Any]], *, name: str | None = None, **attributes: Any
    ) -> str:
        """Add a node; inputs are names, or arrays that become constants.

        :return: the name of what it gives.
        """
        output = name or f"{kind.lower()}_{len(self.nodes)}"
        names = [item if isinstance(item, str) else self._constant(item) for item in inputs]
        self.nodes.append(helper.make_node(kind, names, [output], name=f"node_{output}", **attributes))
        return output

    def _constant(self, array: np.ndarray[Any, Any]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def in_keras_order(self, value: Value) -> str:
        """The name of the tensor with channels last."""
        return self.add("Transpose", [value.name], perm=TO_LAST) if value.is_image else value.name

    def from_keras_order(self, name: str, shape: tuple[int, ...]) -> Value:
        """A tensor with channels last, as the graph keeps it."""
        return Value(self.add("Transpose", [name], perm=TO_FIRST) if len(shape) == 4 else name, shape)

    def run(self, function: Any, values: Sequence[Value]) -> Value:
        """Add what a function of Keras operations (a functional model, or a layer's inside) computes."""

        def add_call(operation: Any, *arguments: Any, **options: Any) -> Value:
            return self._call(operation, arguments, options)

        # Keras runs its own graph by this too, with the operations themselves
        outputs = function._run_through_graph(
            list(values), operation_fn=lambda operation: functools.partial(add_call, operation)
        )
        flat = tree.flatten(outputs)
        if len(flat) != 1:
            raise Unsupported(f"that gives {len(flat)} tensors")
        return flat[0]  # type: ignore[no-any-return]

    def _call(self, operation: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Value:
        from zoo_onnxruntime.layers import rule_for

        values = [item for item in tree.flatten((arguments, options)) if isinstance(item, Value)]
        try:
            if isinstance(operation, keras.Model):
                return self.run(_functional(operation), values)
            if (rule := rule_for(operation)) is None:
                return self._inside(operation, arguments, options, values)
            symbols = tree.map_structure(_symbol, (arguments, options))
            shape = tuple(operation.compute_output_spec(*symbols[0], **symbols[1]).shape)
            return Value(rule(self, Call(operation, (*arguments, *options.values()), shape)), shape)
        except Unsupported as why:
            raise ModelError(f"no ONNX for {operation.name} ({type(operation).__name__}) {why}".rstrip()) from None

    def _inside(
        self, layer: Any, arguments: tuple[Any, ...], options: dict[str, Any], values: list[Value]
    ) -> Value:
        """Add the operations that a layer consists of, as its `call` names them."""
        if not isinstance(layer, keras.Layer):
            raise Unsupported("")
        symbols = tree.map_structure(_symbol, (arguments, options))
        flat = [item for item in tree.flatten(symbols) if isinstance(item, keras.KerasTensor)]
        try:
            inside = keras.Function(flat, layer.call(*symbols[0], **symbols[1]))
        except Exception as error:
            raise Unsupported(f"whose inside can't be traced: {str(error).partition(chr(10))[0]}") from error
        return self.run(inside, values)


def _symbol(item: Any) -> Any:
    return keras.KerasTensor(item.shape, "float32") if isinstance(item, Value) else item


def _functional(model: Any) -> Any:
    """The model itself, or the functional model of a Sequential one's layers."""
    return model if hasattr(model, "operations") else keras.Model(model.inputs, model.outputs)
