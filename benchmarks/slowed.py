"""toy_resnet with planted extra work: the same network, and a chain of small matrix products beside it.

Built by `verdicts.py` in a worker, by the reference `"slowed:toy_resnet"`. What the extra work ends in is added to the
logits, too small to change them, so that nothing can leave it out.
"""

from __future__ import annotations

import keras
from keras import layers, ops

SIZE = 32


def toy_resnet(input_shape: tuple[int, int, int], classes: int, products: int) -> keras.Model:
    """`products` matrix products of 32×32 by 32×32 more work for each batch."""
    from zoo_toy_resnet.model import toy_resnet as original

    model = original(input_shape, classes)
    if not products:
        return model
    outputs = ExtraWork(products, name="extra_work")(model.output)
    return keras.Model(model.input, outputs, name="toy_resnet")


class ExtraWork(layers.Layer):
    """Passes its input on, after so many matrix products one upon the other."""

    def __init__(self, products: int, **options: object) -> None:
        super().__init__(**options)
        self.products = products

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        averaging = ops.full((SIZE, SIZE), 1 / SIZE)  # keeps the values at the size they have
        start = ops.broadcast_to(ops.mean(x), (SIZE, SIZE))
        y = ops.fori_loop(0, self.products, lambda _, y: ops.matmul(y, averaging), start)
        return x + 1e-30 * ops.mean(y)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return shape
