"""What a careful JAX user would write to train ResNet-20 on CIFAR-10: no Keras, no zoo, one compiled step.

The recipe is that of `resnet20` for cifar10: shifts by up to four pixels, mirroring, Nesterov's momentum, L2 of the
kernels, label smoothing, and a moving average of the weights. Images lie on the device. On an accelerator an epoch is
one `jax.lax.scan`; on the processor each step is a call, because XLA's convolutions are slow inside a loop there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

WIDTHS = (16, 32, 64)
MEAN, STD = np.array((0.4914, 0.4822, 0.4465), np.float32), np.array((0.2470, 0.2435, 0.2616), np.float32)
MOMENTUM, NORM_MOMENTUM, EPSILON = 0.9, 0.9, 1e-3

Tree = Any
Step = Callable[..., Any]


def initialise(seed: int, blocks: int) -> tuple[Tree, Tree]:
    """He-normal kernels, and the running statistics of the normalisations."""
    random = np.random.default_rng(seed)
    shapes = [(3, WIDTHS[0])]
    for width in WIDTHS:
        for _ in range(2 * blocks):
            shapes.append((shapes[-1][1], width))
    kernels = [random.normal(0, (2 / (9 * i)) ** 0.5, (3, 3, i, o)).astype(np.float32) for i, o in shapes]
    norms = [{"scale": np.ones(o, np.float32), "offset": np.zeros(o, np.float32)} for _, o in shapes]
    dense = random.normal(0, (2 / WIDTHS[-1]) ** 0.5, (WIDTHS[-1], 10)).astype(np.float32)
    weights = {"kernels": kernels, "norms": norms, "dense": dense, "bias": np.zeros(10, np.float32)}
    running = [{"mean": np.zeros(o, np.float32), "variance": np.ones(o, np.float32)} for _, o in shapes]
    return jax.device_put((weights, running))


def network(weights: Tree, running: Tree, x: jax.Array, dtype: Any, blocks: int) -> tuple[jax.Array, Tree]:
    """Logits in training, and the new running statistics."""
    new: list[Tree] = []

    def conv_norm(x: jax.Array, strides: int = 1) -> jax.Array:
        at = len(new)
        kernel, norm = weights["kernels"][at].astype(dtype), weights["norms"][at]
        y = jax.lax.conv_general_dilated(
            x, kernel, (strides, strides), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        ).astype(jnp.float32)
        mean = y.mean((0, 1, 2))
        variance = jnp.maximum(jnp.square(y).mean((0, 1, 2)) - jnp.square(mean), 0)
        new.append(
            {
                name: NORM_MOMENTUM * running[at][name] + (1 - NORM_MOMENTUM) * value
                for name, value in (("mean", mean), ("variance", variance))
            }
        )
        factor = norm["scale"] * jax.lax.rsqrt(variance + EPSILON)
        return (y * factor + (norm["offset"] - mean * factor)).astype(dtype)

    x = jax.nn.relu(conv_norm(x.astype(dtype)))
    for stage, width in enumerate(WIDTHS):
        for block in range(blocks):
            strides = 2 if stage and not block else 1
            entering = x
            x = conv_norm(jax.nn.relu(conv_norm(x, strides)))
            if strides == 2:
                added = width - entering.shape[-1]
                entering = entering[:, ::2, ::2]
                entering = jnp.pad(entering, ((0, 0), (0, 0), (0, 0), (added // 2, added - added // 2)))
            x = jax.nn.relu(x + entering)
    return x.astype(jnp.float32).mean((1, 2)) @ weights["dense"] + weights["bias"], new


def augment(key: jax.Array, images: jax.Array) -> jax.Array:
    """Shift each image by up to four pixels over black, mirror half of them, normalise."""
    shift_key, flip_key = jax.random.split(key)
    corners = jax.random.randint(shift_key, (len(images), 2), 0, 9)
    flips = jax.random.bernoulli(flip_key, 0.5, (len(images), 1, 1, 1))
    padded = jnp.pad(images, ((0, 0), (4, 4), (4, 4), (0, 0)))
    cut = jax.vmap(lambda image, corner: jax.lax.dynamic_slice(image, (corner[0], corner[1], 0), (32, 32, 3)))
    x = cut(padded, corners)
    x = jnp.where(flips, x[:, :, ::-1], x).astype(jnp.float32) / 255
    return (x - MEAN) / STD


class Loop:
    """A training run over images on the device.

    :param images: uint8, (count, 32, 32, 3).
    :param settings: of the recipe: batch_size, learning_rate, weight_decay, label_smoothing, ema_momentum.
    """

    def __init__(
        self, images: np.ndarray, labels: np.ndarray, settings: Any, *, dtype: Any, blocks: int, one_loop: bool
    ) -> None:
        self.images, self.labels = jax.device_put((images, labels.astype(np.int32)))
        self.settings, self.dtype, self.blocks, self.one_loop = settings, dtype, blocks, one_loop
        weights, running = initialise(0, blocks)
        velocity = jax.tree.map(jnp.zeros_like, weights)
        average = jax.tree.map(jnp.array, weights)
        self.state = (weights, running, velocity, average)
        self.epochs = 0
        self.steps = jax.jit(self._steps, donate_argnums=0)

    def epoch(self) -> float:
        """Train one epoch and return the mean loss."""
        size = self.settings.batch_size
        count = len(self.images) // size
        key = jax.random.key(self.epochs)
        order = jax.random.permutation(key, len(self.images))[: count * size].reshape(count, size)
        keys = jax.random.split(key, count)
        self.epochs += 1
        total, stride = 0.0, count if self.one_loop else 1
        for first in range(0, count, stride):
            some = slice(first, first + stride)
            self.state, losses = self.steps(self.state, self.images, self.labels, order[some], keys[some])
            total += float(losses.sum())
        return total / count

    def _steps(self, state: Tree, images: jax.Array, labels: jax.Array, order: Any, keys: Any) -> tuple[Tree, Any]:
        def step(state: Tree, rows: Any) -> tuple[Tree, Any]:
            return self._step(state, images, labels, *rows)

        if len(order) > 1:
            return jax.lax.scan(step, state, (order, keys))
        state, loss = step(state, (order[0], keys[0]))
        return state, loss[None]

    def _step(self, state: Tree, images: jax.Array, labels: jax.Array, index: Any, key: Any) -> tuple[Tree, Any]:
        weights, running, velocity, average = state
        settings = self.settings
        x = augment(key, images[index])
        targets = jax.nn.one_hot(labels[index], 10) * (1 - settings.label_smoothing) + settings.label_smoothing / 10

        def loss_of(weights: Tree) -> tuple[Any, Tree]:
            logits, new = network(weights, running, x, self.dtype, self.blocks)
            return -(targets * jax.nn.log_softmax(logits)).sum(1).mean(), new

        (loss, running), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights)
        rate = settings.learning_rate
        gradients = jax.tree.map(lambda g, w: g + settings.weight_decay * w if w.ndim > 1 else g, gradients, weights)
        velocity = jax.tree.map(lambda v, g: MOMENTUM * v - rate * g, velocity, gradients)
        weights = jax.tree.map(lambda w, v, g: w + MOMENTUM * v - rate * g, weights, velocity, gradients)
        kept = settings.ema_momentum
        average = jax.tree.map(lambda a, w: kept * a + (1 - kept) * w, average, weights)
        return (weights, running, velocity, average), loss
