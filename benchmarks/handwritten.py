"""What a careful user would write instead of the zoo: one model, one `tf.function`, one loop.

    python benchmarks/handwritten.py toy_resnet 32

Prints images a second, over two seconds after a warm-up. It imports nothing of the zoo's but the model.
"""

from __future__ import annotations

import sys
import time

import tensorflow as tf

import zoo


def images_per_second(name: str, batch_size: int, seconds: float = 2.0) -> float:
    """Batches through a traced function, all on data already in place."""
    model = zoo.build(name)
    images = tf.random.uniform((batch_size, *model.input_shape[1:]))

    @tf.function
    def forward(x: tf.Tensor) -> tf.Tensor:
        return model(x, training=False)

    warm_until = time.perf_counter() + 1.0
    while time.perf_counter() < warm_until:
        forward(images).numpy()

    batches, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        forward(images).numpy()
        batches += 1
    return batches * batch_size / (time.perf_counter() - start)


if __name__ == "__main__":
    print(images_per_second(sys.argv[1], int(sys.argv[2])))
