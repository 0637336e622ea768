"""The structural cost of a model: parameters and multiply-accumulates (MACs)."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.record.base import Record, Whole


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerCost(Record):
    """One layer of a functional model.

    Attributes:
        name: of the layer.
        type: its class.
        inputs: names of the layers whose output it takes.
        output_shape: of one image, without the batch axis; None where a size is not fixed.
        parameters: all of its parameters.
        trainable_parameters: those that training changes.
        macs: for one image, over all of its calls; 0 where it has none to count, None where nothing is known of them.
        left_out: names of what is not in `macs` and may multiply: the layer itself, or parts of it as `layer/part`.
    """

    name: str
    type: str
    inputs: tuple[str, ...]
    output_shape: tuple[Whole | None, ...]
    parameters: Whole
    trainable_parameters: Whole
    macs: Whole | None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCost(Record):
    """The sums over a model's layers.

    Attributes:
        parameters: all.
        trainable_parameters: those that training changes.
        macs: for one image.
        macs_left_out: names of the layers that may multiply and are not in `macs`, which is then a lower bound.
        flops: 2 × `macs`.
        weights_bytes: of all parameters in memory, at the types they are kept in.
    """

    parameters: Whole
    trainable_parameters: Whole
    macs: Whole | None
    macs_left_out: tuple[str, ...]
    flops: Whole | None
    weights_bytes: Whole
