"""How the layers of a functional model are connected, read from its tensors: no layer need know its configuration."""

from __future__ import annotations

from typing import Any


def sources(model: Any) -> dict[str, tuple[str, ...]]:
    """Of each layer or operation, in topological order: the names of those that it is called on."""
    nodes = {id(node) for same_depth in model._nodes_by_depth.values() for node in same_depth}
    return {
        operation.name: tuple(
            dict.fromkeys(
                tensor._keras_history[0].name
                for node in operation._inbound_nodes
                if id(node) in nodes
                for tensor in node.input_tensors
            )
        )
        for operation in model.operations
    }


def results(model: Any) -> set[str]:
    """The names of the layers or operations whose output the model returns."""
    return {tensor._keras_history[0].name for tensor in model.outputs}
